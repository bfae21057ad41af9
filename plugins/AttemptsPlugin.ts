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
 * - `attempt: "app_hidden.count_sign_in(email)"`, or several of them in a list.
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
        const tag = resource?.extensions?.tags?.attempt
        if (!resource || tag === undefined) return field
        return {
          ...field,
          description: [field.description, rule].filter(Boolean).join('\n\n'),
          extensions: { ...field.extensions, attempt: counting(build, resource, [tag].flat().map(String)) },
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
  const node = fields.find(({ name }) => types[name.value]?.extensions.attempt)
  if (!node) return null
  if (new Set(fields.map(responseKey)).size > 1) return { errors: [notAlone(node)] }

  const variables = getVariableValues(schema, operation.variableDefinitions ?? [], variableValues ?? {})
  if (variables.errors) return { errors: variables.errors }
  const field = types[node.name.value]!
  const { text, values } = field.extensions.attempt as Counting
  const { withPgClient, pgSettings } = contextValue as {
    withPgClient: WithPgClient
    pgSettings: Record<string, string | undefined> | null
  }
  try {
    const { input } = getArgumentValues(field, node, variables.coerced) as { input: Record<string, unknown> }
    const given = values.map(({ field: name, codec }) => {
      const value = input[name] ?? null
      return value === null ? null : codec.toPg(value)
    })
    const { rows } = await withPgClient(pgSettings, (client) =>
      // By its name it is told from a change, with which the transaction of a request begins.
      client.query<{ seconds: number | string | null }>({ name: text, text, values: given }),
    )
    const seconds = rows[0]?.seconds ?? null
    return seconds === null ? null : failed(node, tooMany(Math.max(1, Math.ceil(Number(seconds)))))
  } catch (error) {
    return failed(node, error as Error)
  }
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
