import 'postgraphile'
import { type FieldArgs, object, type ObjectStep, type Step } from 'postgraphile/grafast'
import type {
  GraphQLInputType,
  GraphQLObjectType,
  GraphQLOutputType,
  GraphQLSchema,
} from 'postgraphile/graphql'
import 'postgraphile/graphile-build-pg'
import type { Given } from './given.ts'
import { isSelectable, returnableKey, type Table } from './keys.ts'
import type { Alias, Statement } from './statements.ts'
import { WriteRowsStep } from './WriteRowsStep.ts'

type Build = GraphileBuild.Build

/** A mutation that writes rows of a table by one statement. */
export type RowsMutation = {
  resource: Table
  /** Its field; its types are called after it. */
  field: string
  description: string
  /** What its input has. */
  input(): Record<string, InputField>
  /** What it gives back besides: nothing where null. */
  output: OutputField | null
  statement(alias: Alias, given: Given): Statement
}

/** A field of an input, and where what it says is put. */
export type InputField = {
  description: string
  type: GraphQLInputType
  apply(given: Given, value: unknown, info: { schema: GraphQLSchema }): object | undefined
}

/** The field of a payload that has rows. */
export type OutputField = {
  name: string
  description: string
  type(row: GraphQLOutputType): GraphQLOutputType
  rows(written: WriteRowsStep): Step
}

type Payload = ObjectStep<{ result: WriteRowsStep }>

/** The rows that were written, as they are then; null where they cannot be read. */
export function writtenRows(build: Build, resource: Table, verb: string): OutputField | null {
  if (!canRead(build, resource) || !returnableKey(resource)) return null
  return {
    name: build.inflection.allRowsConnection(resource),
    description: `The rows that were ${verb} by this mutation, in the order of its input.`,
    type: listOf(build),
    rows: ($written) => $written.rows(),
  }
}

/** The row that was written, as it is then; null where it cannot be read. */
export function writtenRow(build: Build, resource: Table): OutputField | null {
  if (!canRead(build, resource) || !returnableKey(resource)) return null
  return {
    name: build.inflection.tableFieldName(resource),
    description: `The \`${build.inflection.tableType(resource.codec)}\` that was created or updated by this mutation.`,
    type: (row) => row,
    rows: ($written) => $written.row(),
  }
}

/** The rows that were deleted, as they were last; null where not all of them may be read. */
export function deletedRows(build: Build, resource: Table): OutputField | null {
  const isWhole = Object.values(resource.codec.attributes).every(isSelectable)
  if (!canRead(build, resource) || !isWhole) return null
  return {
    name: build.inflection.allRowsConnection(resource),
    description: 'The rows that were deleted by this mutation, in the order of its input.',
    type: listOf(build),
    rows: ($written) => $written.deletedRows(),
  }
}

const canRead = (build: Build, resource: Table) =>
  build.behavior.pgResourceMatches(resource, 'resource:select')
const listOf =
  ({ graphql: { GraphQLList, GraphQLNonNull } }: Build) =>
  (row: GraphQLOutputType) =>
    new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(row as GraphQLObjectType))) as GraphQLOutputType

const clientMutationId = {
  input:
    'An arbitrary string value with no semantic meaning. Will be included in the payload verbatim. May be used to track mutations by the client.',
  output:
    'The exact same `clientMutationId` that was provided in the mutation input, unchanged and unused. May be used by a client to track mutations.',
}

const inputName = ({ inflection }: Build, field: string) => inflection.upperCamelCase(`${field}-input`)
const payloadName = ({ inflection }: Build, field: string) => inflection.upperCamelCase(`${field}-payload`)

/** Registers input and payload of a mutation. */
export function registerTypes(build: Build, { resource, field, input, output }: RowsMutation): void {
  const { GraphQLString } = build.graphql
  build.registerInputObjectType(
    inputName(build, field),
    { isMutationInput: true },
    () => ({
      description: `All input for the \`${field}\` mutation.`,
      fields: () => ({
        clientMutationId: {
          description: build.wrapDescription(clientMutationId.input, 'field'),
          type: GraphQLString,
          apply(given: Given, value: unknown) {
            given.meta.clientMutationId = value
          },
        },
        ...input(),
      }),
    }),
    `input of ${field}`,
  )
  build.registerObjectType(
    payloadName(build, field),
    { isMutationPayload: true },
    () => ({
      description: `The output of our \`${field}\` mutation.`,
      fields: () => {
        const row = build.getGraphQLTypeByPgCodec(resource.codec, 'output') as GraphQLOutputType | undefined
        return {
          clientMutationId: {
            description: build.wrapDescription(clientMutationId.output, 'field'),
            type: GraphQLString,
            plan: ($payload: Payload) => $payload.getStepForKey('result').getMeta('clientMutationId'),
          },
          ...(output &&
            row && {
              [output.name]: {
                description: build.wrapDescription(output.description, 'field'),
                type: output.type(row),
                plan: ($payload: Payload) => output.rows($payload.getStepForKey('result')),
              },
            }),
        }
      },
    }),
    `payload of ${field}`,
  )
}

/** The fields of mutations whose types are registered. */
export function mutationFields(
  build: Build,
  mutations: readonly RowsMutation[],
): Parameters<typeof build.extend>[1] {
  const { GraphQLNonNull } = build.graphql
  return Object.fromEntries(
    mutations.map(({ resource, field, description, statement }) => [
      field,
      {
        description: build.wrapDescription(description, 'field'),
        type: build.getOutputTypeByName(payloadName(build, field)),
        args: {
          input: {
            type: new GraphQLNonNull(build.getInputTypeByName(inputName(build, field))),
            applyPlan: (_$root: Step, $written: WriteRowsStep) => $written,
          },
        },
        // The rows are read by a statement of their own: see OneTransactionPlugin.
        extensions: { isSeveralStatements: true },
        plan(_$root: Step, args: FieldArgs) {
          const $written = new WriteRowsStep(resource, statement)
          args.apply($written)
          return object({ result: $written })
        },
      },
    ]),
  )
}
