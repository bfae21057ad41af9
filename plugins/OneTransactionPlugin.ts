import 'postgraphile'
import type { WithPgClient } from 'postgraphile/@dataplan/pg'
import {
  type ExecutionResult,
  getOperationAST,
  GraphQLError,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
  OperationTypeNode,
  type SelectionSetNode,
} from 'postgraphile/graphql'
import { makeRequestTransaction } from '../src/database/requestTransaction.ts'

/**
 * All mutations of one request are one transaction: where the answer's `data` is null nothing was done,
 * and otherwise everything. (Of their own accord they would be a transaction each.)
 */
export const OneTransactionPlugin: GraphileConfig.Plugin = {
  name: 'OneTransactionPlugin',
  version: '1.0.0',
  description: 'Commits the mutations of a request together, or none of them.',

  grafast: {
    middleware: {
      async execute(next, { args }) {
        const operation = getOperationAST(args.document, args.operationName)
        if (operation?.operation !== OperationTypeNode.MUTATION) return next()
        if (isOneStatement(operation, args.schema)) return withoutData(await next())

        const context = args.contextValue as { withPgClient: WithPgClient }
        const transaction = makeRequestTransaction(context.withPgClient)
        context.withPgClient = transaction.withPgClient
        let result
        try {
          result = await next()
        } catch (error) {
          await transaction.end('rollback')
          throw error
        }
        if ('errors' in result && result.errors?.length) {
          await transaction.end('rollback')
          return result.data === undefined ? result : { ...result, data: null }
        }
        try {
          await transaction.end('commit')
        } catch (error) {
          return nothingDone(error as Error)
        }
        return result
      },
    },
  },
}

/** What was answered is not true: a constraint that is checked at the commit has refused it. */
const nothingDone = (originalError: Error): ExecutionResult => ({
  data: null,
  errors: [new GraphQLError(originalError.message, { originalError })],
})

/** A statement that failed has left a null behind, and no data. */
const withoutData = <Result extends object>(result: Result): Result =>
  'errors' in result && 'data' in result && Object.values(result.data ?? {}).every((value) => value === null)
    ? { ...result, data: null }
    : result

/** Whether it is a single mutation that asks for columns at most: all of that is one statement already. */
function isOneStatement({ selectionSet }: OperationDefinitionNode, schema: GraphQLSchema): boolean {
  const isFlat = (set: SelectionSetNode | undefined, levels: number): boolean =>
    !set ||
    (levels > 0 &&
      set.selections.every((field) => field.kind === Kind.FIELD && isFlat(field.selectionSet, levels - 1)))
  const [field, ...others] = selectionSet.selections
  if (field?.kind !== Kind.FIELD || others.length > 0 || !isFlat(selectionSet, 3)) return false
  const extensions = schema.getMutationType()?.getFields()[field.name.value]?.extensions
  return extensions?.isSeveralStatements !== true
}
