import 'postgraphile'
import { bakedInputRuntime } from 'postgraphile/grafast'
import type { GraphQLInputType, GraphQLScalarType } from 'postgraphile/graphql'
import 'postgraphile/graphile-build-pg'
import { add, assertFew, type Given, type Values } from './given.ts'
import { preferredKey, type Table } from './keys.ts'
import type { InputField } from './mutation.ts'

declare global {
  // eslint-disable-next-line @typescript-eslint/no-namespace -- the way to extend Graphile's types
  namespace GraphileBuild {
    interface SchemaOptions {
      /** How many rows one mutation may write; 1000 where nothing is said. */
      maxRowsPerMutation?: number
    }
    interface Inflection {
      /** What a list of keys is called: `ids`, or `keys` where a key has several columns. */
      rowKeysField(resource: Table): string
      /** The type of a key of several columns. */
      rowKeyType(resource: Table): string
    }
  }
}

type Build = GraphileBuild.Build

const notNull = ({ graphql: { GraphQLNonNull } }: Build, type: GraphQLInputType): GraphQLInputType =>
  new GraphQLNonNull(type as GraphQLScalarType)
const listOf = (build: Build, type: GraphQLInputType): GraphQLInputType =>
  notNull(build, new build.graphql.GraphQLList(notNull(build, type)))

const most = (build: Build) => build.options.maxRowsPerMutation ?? 1000

/** The rows to write. */
export function rowsInput(build: Build, resource: Table, verb: string): Record<string, InputField> {
  const name = build.inflection.allRowsConnection(resource)
  const type = build.getGraphQLTypeByPgCodec(resource.codec, 'input') as GraphQLInputType
  return {
    [name]: {
      description: `The rows to be ${verb}, at most ${most(build)}.`,
      type: listOf(build, type),
      apply({ rows }: Given, value) {
        assertFew(value as unknown[], most(build), name)
        return () => add(rows)
      },
    },
  }
}

/** The row to write. */
export function rowInput(build: Build, resource: Table, verb: string): Record<string, InputField> {
  const type = build.getGraphQLTypeByPgCodec(resource.codec, 'input') as GraphQLInputType
  return {
    [build.inflection.tableFieldName(resource)]: {
      description: `The \`${build.inflection.tableType(resource.codec)}\` to be ${verb} by this mutation.`,
      type: notNull(build, type),
      apply: ({ rows }: Given) => add(rows),
    },
  }
}

/** The keys of rows that are there. */
export function keysInput(build: Build, resource: Table, verb: string): Record<string, InputField> {
  const name = build.inflection.rowKeysField(resource)
  const [column, ...others] = preferredKey(resource)!.attributes
  const isSingle = others.length === 0
  const type = isSingle
    ? keyType(build, resource, column!)
    : build.getInputTypeByName(build.inflection.rowKeyType(resource))
  return {
    [name]: {
      description: `Which rows are to be ${verb}, at most ${most(build)}, each of them once.`,
      type: listOf(build, type),
      apply({ keys }: Given, value, { schema }) {
        const given = value as unknown[]
        assertFew(given, most(build), name)
        if (!isSingle) return () => add(keys)
        for (const key of given) add(keys).set(column!, bakedInputRuntime(schema, type, key))
        return undefined
      },
    },
  }
}

/** What is to become of rows. */
export function patchInput(build: Build, resource: Table): Record<string, InputField> {
  const type = build.getGraphQLTypeByPgCodec(resource.codec, 'patch') as GraphQLInputType
  return {
    patch: {
      description: 'What is to be set on each of these rows; what is left out stays as it is.',
      type: notNull(build, type),
      apply: ({ patch }: Given) => patch,
    },
  }
}

/** Registers the type of a table's key, where that has several columns. */
export function registerKeyType(build: Build, resource: Table): void {
  const columns = preferredKey(resource)!.attributes
  if (columns.length === 1) return
  const { inflection } = build
  const { codec } = resource
  build.registerInputObjectType(
    inflection.rowKeyType(resource),
    {},
    () => ({
      description: `What identifies a \`${inflection.tableType(codec)}\`.`,
      fields: () =>
        Object.fromEntries(
          columns.map((attributeName) => {
            const type = keyType(build, resource, attributeName)
            return [
              inflection.attribute({ codec, attributeName }),
              {
                description: codec.attributes[attributeName]!.description,
                type: notNull(build, type),
                apply(key: Values, value: unknown, { schema }: { schema: Schema }) {
                  key.set(attributeName, bakedInputRuntime(schema, type, value))
                },
              },
            ]
          }),
        ),
    }),
    `primary key of ${resource.name}`,
  )
}

type Schema = Parameters<typeof bakedInputRuntime>[0]

const keyType = (build: Build, { codec }: Table, column: string) =>
  build.getGraphQLTypeByPgCodec(codec.attributes[column]!.codec, 'input') as GraphQLInputType
