import {
  type FloatValueNode,
  GraphQLError,
  type IntValueNode,
  isScalarType,
  type ValidationRule,
} from 'postgraphile/graphql'
import { unsoundPart } from './unsoundValues.ts'

/** Refuses what is written in an operation and cannot be kept as it is; see unsoundPart for what comes beside it. */
export const unsoundLiterals: ValidationRule = (context) => {
  const checkNumber = (node: FloatValueNode | IntValueNode) => {
    if (Number.isFinite(Number(node.value)) || !isReadAsNumber(context.getInputType(), node)) return
    context.reportError(new GraphQLError('A number is too large.', { nodes: node }))
  }
  return {
    StringValue(node) {
      const fault = unsoundPart(node.value)
      if (fault) context.reportError(new GraphQLError(fault.message, { nodes: node }))
    },
    FloatValue: checkNumber,
    IntValue: checkNumber,
  }
}

/** Whether a type makes a number of JavaScript's of it, and so infinity of a large one, as Float does. */
function isReadAsNumber(type: unknown, node: FloatValueNode | IntValueNode): boolean {
  const named: unknown = typeof type === 'object' && type && 'ofType' in type ? type.ofType : type
  if (!isScalarType(named)) return false
  try {
    return typeof named.parseLiteral(node, {}) === 'number'
  } catch {
    return false // another rule says what is wrong
  }
}
