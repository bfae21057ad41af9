import {
  type ASTVisitor,
  type GraphQLArgument,
  GraphQLError,
  Kind,
  type ValidationContext,
  type ValueNode,
} from 'postgraphile/graphql'
import { type Excess, excessMessage, type Limits } from '../limits.ts'

/** The error of an operation that exceeds a limit, as GraphQL reports it. */
export const excessError = (excess: Excess): GraphQLError =>
  new GraphQLError(excessMessage(excess), { extensions: { code: 'LIMIT_EXCEEDED', ...excess } })

/**
 * A rule of validation: no page is larger than the limit. The names of variables that are sizes of pages
 * are added to `variables`, for their values are known only when the operation is run.
 */
export const pageSizeRule =
  (limits: Limits, variables: Set<string>) =>
  (context: ValidationContext): ASTVisitor => {
    const check = (value: ValueNode | undefined) => {
      if (value?.kind !== Kind.INT) return
      const excess = findPageExcess(Number(value.value), limits)
      if (excess) context.reportError(excessError(excess))
    }
    return {
      Argument({ value }) {
        if (!isPageSize(context.getArgument())) return
        check(value)
        if (value.kind === Kind.VARIABLE) variables.add(value.name.value)
      },
      Document: {
        leave({ definitions }) {
          for (const definition of definitions) {
            if (definition.kind !== Kind.OPERATION_DEFINITION) continue
            for (const { variable, defaultValue } of definition.variableDefinitions ?? []) {
              if (variables.has(variable.name.value)) check(defaultValue)
            }
          }
        },
      },
    }
  }

/** Whether a number of rows is more than a page may have. */
export const findPageExcess = (rows: unknown, { pageSize: maximum }: Limits): Excess | null =>
  typeof rows === 'number' && rows > maximum ? { limit: 'pageSize', value: rows, maximum } : null

const isPageSize = (argument: GraphQLArgument | null | undefined): boolean =>
  argument?.extensions.isPageSize === true
