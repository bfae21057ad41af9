import 'postgraphile'
import {
  type ExecutionArgs,
  type ExecutionResult,
  type FieldNode,
  getArgumentValues,
  getOperationAST,
  getVariableValues,
  GraphQLError,
  type OperationDefinitionNode,
  OperationTypeNode,
} from 'postgraphile/graphql'
import 'postgraphile/graphile-build-pg'
import { type CallerContext, count, type Counting, counting } from './attempts/counting.ts'
import { functionOf } from './functionFields.ts'
import { responseKey, rootFields } from './rootFields.ts'

/**
 * Attempts at what could be guessed are counted before they are made. A tag on a volatile function names the
 * SQL function that counts, and arguments of the tagged one to count by:
 *
 * - `attempt: "app_hidden.count_sign_in(email)"`, or several of them in a list;
 * - `costly: "app_hidden.count_password()"`, where to look at the arguments costs something already. It is asked
 *   first; then what another plugin has to say about the arguments (`InputCheck`), so that a slip of the pen is
 *   no attempt; then `attempt`.
 *
 * It is called as the caller, in a transaction that has ended before anything else happens, so that nothing
 * that fails later takes the count back. It answers null, or how many seconds to wait: then that is all that
 * happens. The field stands alone, which StandsAlonePlugin sees to. See decision 0014.
 */
export const AttemptsPlugin: GraphileConfig.Plugin = {
  name: 'AttemptsPlugin',
  version: '1.0.0',
  description:
    'Counts the attempts at functions that are tagged so, and refuses them when there were too many.',

  schema: {
    hooks: {
      GraphQLObjectType_fields_field(field, build, { scope }) {
        const resource = scope.isRootMutation ? functionOf(build, scope.fieldName) : undefined
        const { attempt, costly } = resource?.extensions?.tags ?? {}
        if (!resource || (attempt === undefined && costly === undefined)) return field
        const countings = [costly, attempt].map((tag) =>
          tag === undefined ? null : counting(build, resource, [tag].flat().map(String)),
        )
        return {
          ...field,
          description: [field.description, rule].filter(Boolean).join('\n\n'),
          extensions: { ...field.extensions, countings, standsAlone: 'attempts are counted one by one' },
        }
      },
    },
  },

  grafast: {
    middleware: {
      async execute(next, { args }) {
        const operation = getOperationAST(args.document, args.operationName)
        if (operation?.operation !== OperationTypeNode.MUTATION) return next()
        return (await refusal(operation, args)) ?? next()
      },
    },
  },
}

const rule =
  'Attempts are counted: it has to be the only field of its operation. Errors: `TOO_MANY_ATTEMPTS`, with the seconds to wait in `retryAfter`.'

/**
 * What a plugin has against the arguments of a field, in its extension `checkInput`; throws where there is
 * something. What it finds out on the way it may leave in `context`, which is one object for each request.
 */
export type InputCheck = (input: Record<string, unknown>, context: object) => Promise<void>

/** Why an operation is not to be carried out, after its attempt has been counted; null when it is. */
async function refusal(
  operation: OperationDefinitionNode,
  { schema, document, variableValues, contextValue }: ExecutionArgs,
): Promise<ExecutionResult | null> {
  const types = schema.getMutationType()?.getFields() ?? {}
  const node = rootFields(operation, document).find(({ name }) => types[name.value]?.extensions.countings)
  if (!node) return null

  const variables = getVariableValues(schema, operation.variableDefinitions ?? [], variableValues ?? {})
  if (variables.errors) return { errors: variables.errors }
  const field = types[node.name.value]!
  const { countings, checkInput } = field.extensions as {
    countings: readonly [costly: Counting | null, attempt: Counting | null]
    checkInput?: InputCheck
  }
  const context = contextValue as CallerContext
  try {
    const { input } = getArgumentValues(field, node, variables.coerced) as { input: Record<string, unknown> }
    const [costly, attempt] = countings
    if (costly) await count(costly, input, context)
    await checkInput?.(input, context)
    if (attempt) await count(attempt, input, context)
    return null
  } catch (error) {
    return failed(node, error as Error)
  }
}

const failed = (node: FieldNode, error: Error): ExecutionResult => ({
  data: null,
  errors:
    error instanceof GraphQLError
      ? [error]
      : [new GraphQLError(error.message, { nodes: node, path: [responseKey(node)], originalError: error })],
})
