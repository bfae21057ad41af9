import {
  type ASTNode,
  coerceInputValue,
  type DocumentNode,
  type GraphQLError,
  Kind,
  parse,
  type Source,
  typeFromAST,
  type VariableDefinitionNode,
  visit,
  isInputType,
} from 'postgraphile/graphql'
import type { ErrorCode } from '../errorRegistry.ts'
import type { ArgumentPath, Asked } from './askedArguments.ts'

/** The code of an error that GraphQL itself found in a request, and the arguments it is about. */
export function requestError(
  error: GraphQLError,
  asked: Asked | undefined,
): { code: ErrorCode; arguments: ArgumentPath[] } {
  const node = error.nodes?.[0]
  if (!node) return { code: error.source ? 'GRAPHQL_PARSE_FAILED' : 'BAD_REQUEST', arguments: [] }
  if (isValue(node)) return { code: 'BAD_USER_INPUT', arguments: pathsTo(node) }
  if (!asked) return { code: 'GRAPHQL_VALIDATION_FAILED', arguments: [] }
  if (node.kind === Kind.VARIABLE_DEFINITION) {
    return { code: 'BAD_USER_INPUT', arguments: pathsOfVariable(node, asked, error) }
  }
  return { code: 'BAD_REQUEST', arguments: [] }
}

const valueKinds: readonly string[] = [
  ...[Kind.INT, Kind.FLOAT, Kind.STRING, Kind.BOOLEAN, Kind.NULL, Kind.ENUM],
  ...[Kind.LIST, Kind.OBJECT, Kind.OBJECT_FIELD],
]
const isValue = ({ kind }: ASTNode) => valueKinds.includes(kind)

const documents = new WeakMap<Source, DocumentNode>()

/** From the argument to a value that is written in the operation itself. */
function pathsTo({ loc }: ASTNode): ArgumentPath[] {
  if (!loc) return []
  const document = documents.get(loc.source) ?? parse(loc.source)
  documents.set(loc.source, document)
  const path: ArgumentPath = []
  let outer: unknown = document
  // Down through whatever surrounds it.
  while (outer) {
    outer = partsOf(outer).find((part, index) => {
      const isAround = part.loc !== undefined && part.loc.start <= loc.start && part.loc.end >= loc.end
      if (!isAround) return false
      if (part.kind === Kind.FIELD || part.kind === Kind.DIRECTIVE) path.length = 0
      if (part.kind === Kind.ARGUMENT || part.kind === Kind.OBJECT_FIELD) path.push(part.name.value)
      else if ((outer as ASTNode).kind === Kind.LIST) path.push(index)
      return true
    })
  }
  return path.length > 0 ? [path] : []
}

function partsOf(node: unknown): ASTNode[] {
  const parts = Object.entries(node as Record<string, unknown>).map(([key, part]) =>
    key === 'loc' ? [] : part,
  )
  return parts.flat().filter(isNode)
}

const isNode = (value: unknown): value is ASTNode =>
  typeof value === 'object' && value !== null && 'kind' in value

/** From each argument that takes a variable to the part of it that is wrong. */
function pathsOfVariable(
  definition: VariableDefinitionNode,
  { schema, document, variableValues }: Asked,
  { message }: GraphQLError,
): ArgumentPath[] {
  const name = definition.variable.name.value
  const type = typeFromAST(schema, definition.type as never)
  let inside: ArgumentPath = []
  if (isInputType(type) && variableValues && Object.hasOwn(variableValues, name)) {
    coerceInputValue(variableValues[name], type, (path, _value, { message: reason }) => {
      // The error does not carry the path, but its words end with it.
      if (path.length > 0 && message.endsWith(` at "${name}${written(path)}"; ${reason}`)) inside = [...path]
    })
  }
  return usesOf(name, document).map((path) => [...path, ...inside])
}

const written = (path: readonly (string | number)[]) =>
  path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`)).join('')

/** From each argument that takes a variable to where it stands in it. */
export function usesOf(name: string, document: DocumentNode): ArgumentPath[] {
  const found: ArgumentPath[] = []
  visit(document, {
    VariableDefinition: () => false,
    Variable(node, _key, parent, keys, ancestors) {
      if (node.name.value !== name) return
      const path: ArgumentPath = []
      ;[...ancestors, parent].forEach((ancestor, depth) => {
        if (!isNode(ancestor)) return
        if (ancestor.kind === Kind.FIELD || ancestor.kind === Kind.DIRECTIVE) path.length = 0
        if (ancestor.kind === Kind.ARGUMENT || ancestor.kind === Kind.OBJECT_FIELD)
          path.push(ancestor.name.value)
        // A list's node is followed by the array of its values, and that by the place in it.
        if (ancestor.kind === Kind.LIST) path.push(keys[depth + 1]!)
      })
      if (!found.some((known) => String(known) === String(path))) found.push(path)
    },
  })
  return found
}
