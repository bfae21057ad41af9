import 'postgraphile'
import type { PgCodec, WithPgClient } from 'postgraphile/@dataplan/pg'
import {
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  type FieldNode,
  getArgumentValues,
  getOperationAST,
  getVariableValues,
  GraphQLError,
  Kind,
  type OperationDefinitionNode,
  OperationTypeNode,
  type SelectionSetNode,
} from 'postgraphile/graphql'
import 'postgraphile/graphile-build-pg'
import { AppError } from '../src/errors.ts'
import { type FunctionResource, functionOf, readCall } from './functionFields.ts'

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
 * happens. The field has to be the only one of its operation. See decision 0014.
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
          extensions: { ...field.extensions, countings },
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

/** The statement that counts an attempt, and what its values are: fields of the input. */
type Counting = { text: string; values: { field: string; codec: PgCodec }[] }

function counting(build: GraphileBuild.Build, resource: FunctionResource, tags: string[]): Counting {
  const { argDetails } = build.pgGetArgDetailsFromParameters(resource, resource.parameters)
  const values: Counting['values'] = []
  const calls = tags.map((tag) => {
    const { schema, name, arguments: given } = readCall('attempt', tag)
    const placeholders = given.map((argument) => {
      const detail = argDetails.find(({ postgresArgName }) => postgresArgName === argument)
      if (!detail) throw new Error(`The tag attempt "${tag}": ${resource.name} has no argument ${argument}.`)
      return `$${values.push({ field: detail.graphqlArgName, codec: detail.pgCodec })}`
    })
    return `"${schema}"."${name}"(${placeholders.join(', ')})`
  })
  // All of them count, whichever refuses; of those that do, the longest wait is the answer.
  return { text: `select greatest(${calls.join(', ')}) as seconds`, values }
}

/** Why an operation is not to be carried out, after its attempt has been counted; null when it is. */
async function refusal(
  operation: OperationDefinitionNode,
  { schema, document, variableValues, contextValue }: ExecutionArgs,
): Promise<ExecutionResult | null> {
  const types = schema.getMutationType()?.getFields() ?? {}
  const fields = rootFields(operation, document)
  const node = fields.find(({ name }) => types[name.value]?.extensions.countings)
  if (!node) return null
  if (new Set(fields.map(responseKey)).size > 1) return { errors: [notAlone(node)] }

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

type CallerContext = {
  withPgClient: WithPgClient
  pgSettings: Record<string, string | undefined> | null
}

/** Throws TOO_MANY_ATTEMPTS where there were too many. */
async function count(
  { text, values }: Counting,
  input: Record<string, unknown>,
  { withPgClient, pgSettings }: CallerContext,
): Promise<void> {
  const given = values.map(({ field, codec }) => {
    const value = input[field] ?? null
    return value === null ? null : codec.toPg(value)
  })
  const { rows } = await withPgClient(pgSettings, (client) =>
    // By its name it is told from a change, with which the transaction of a request begins.
    client.query<{ seconds: number | string | null }>({ name: text, text, values: given }),
  )
  const seconds = rows[0]?.seconds ?? null
  if (seconds !== null) throw tooMany(Math.max(1, Math.ceil(Number(seconds))))
}

/** Every field at the top of an operation, also where it is in a fragment or may be skipped. */
function rootFields({ selectionSet }: OperationDefinitionNode, { definitions }: DocumentNode): FieldNode[] {
  const followed = new Set<string>()
  const fieldsIn = ({ selections }: SelectionSetNode): FieldNode[] =>
    selections.flatMap((selection) => {
      if (selection.kind === Kind.FIELD) return selection.name.value === '__typename' ? [] : [selection]
      if (selection.kind === Kind.INLINE_FRAGMENT) return fieldsIn(selection.selectionSet)
      const { value } = selection.name
      if (followed.has(value)) return []
      followed.add(value)
      return definitions.flatMap((definition) =>
        definition.kind === Kind.FRAGMENT_DEFINITION && definition.name.value === value
          ? fieldsIn(definition.selectionSet)
          : [],
      )
    })
  return fieldsIn(selectionSet)
}

// Of the same key there may be several, which are one field.
const responseKey = ({ alias, name }: FieldNode): string => (alias ?? name).value

const notAlone = (node: FieldNode): GraphQLError =>
  new GraphQLError(
    `"${node.name.value}" has to be the only field of its operation: attempts are counted one by one.`,
    { nodes: node, extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } },
  )

const failed = (node: FieldNode, error: Error): ExecutionResult => ({
  data: null,
  errors:
    error instanceof GraphQLError
      ? [error]
      : [new GraphQLError(error.message, { nodes: node, path: [responseKey(node)], originalError: error })],
})

function tooMany(retryAfter: number): AppError {
  return new AppError('TOO_MANY_ATTEMPTS', `Too many attempts. Try again in ${inWords(retryAfter)}.`, {
    retryAfter,
  })
}

/** Rounded up, so that who waits as long has waited long enough: "1 minute", "2 hours". */
function inWords(seconds: number): string {
  const unit = units.find(({ size }) => seconds >= size) ?? units.at(-1)!
  const count = Math.ceil(seconds / unit.size)
  return `${count} ${unit.name}${count === 1 ? '' : 's'}`
}

const units = [
  { name: 'hour', size: 3600 },
  { name: 'minute', size: 60 },
  { name: 'second', size: 1 },
]
