import 'postgraphile'
import type { PgCodec } from 'postgraphile/@dataplan/pg'
import { gatherConfig } from 'postgraphile/graphile-build'
import type { Introspection } from 'postgraphile/graphile-build-pg/pg-introspection'
import type { GraphQLField, GraphQLSchema } from 'postgraphile/graphql'

/** A column, as far as a value that does not fit it is told by. */
export type Column = {
  name: string
  /** Its type in Postgres, or that of its domain, with its limits: `varchar(10)`, `int2`. */
  type: string
  /** The domain that it, or each of its elements, is of. */
  domain: string | null
}

/** What a constraint or a unique index is about. */
export type Constraint = {
  columns: string[]
  /** What the database says of it, for people. */
  comment: string | null
  /** Of a reference: what it refers to. */
  target: { relation: string; columns: string[] } | null
}

type Rules = { columns: Column[]; constraints: Map<string, Constraint> }

/** What the database holds a relation to, and how clients know it. */
export type RelationRules = {
  constraints: ReadonlyMap<string, Constraint>
  columns: readonly (Column & { field: string })[]
  /** Names of the types by which its rows are written. */
  inputTypes: readonly string[]
}

declare global {
  // eslint-disable-next-line @typescript-eslint/no-namespace -- the way to extend Graphile's types
  namespace GraphileConfig {
    interface GatherHelpers {
      constraints: Record<string, never>
    }
  }
  // eslint-disable-next-line @typescript-eslint/no-namespace -- as above
  namespace GraphileBuild {
    interface BuildInput {
      relationRules?: Map<string, Rules>
    }
  }
}

/**
 * Keeps with the schema what the database calls its constraints, and the fields that their columns have
 * become, so that an error can name the arguments at fault without asking again.
 */
export const ConstraintsPlugin: GraphileConfig.Plugin = {
  name: 'ConstraintsPlugin',
  version: '1.0.0',
  description: 'Remembers which fields a constraint is about.',

  gather: gatherConfig({
    namespace: 'constraints',
    initialState: () => ({ rules: new Map<string, Rules>() }),
    hooks: {
      pgIntrospection_introspection({ state }, { introspection }) {
        readRules(introspection, state.rules)
      },
    },
    async main(output, { state, helpers }) {
      await helpers.pgIntrospection.getIntrospection()
      output.relationRules = state.rules
    },
  }),

  schema: {
    hooks: {
      GraphQLObjectType_fields_field(field, _build, { scope }) {
        const { pgFieldResource, isPgCreateMutation, isPgUpdateMutation, isPgDeleteMutation } = scope
        const command = isPgCreateMutation
          ? 'insert'
          : isPgUpdateMutation
            ? 'update'
            : isPgDeleteMutation
              ? 'delete'
              : 'select'
        const relation = pgFieldResource ? relationOf(pgFieldResource.codec as PgCodec) : ''
        if (relation === '') return field
        return { ...field, extensions: { ...field.extensions, [targetKey]: { relation, command } } }
      },
      GraphQLSchema(config, build) {
        const codecs = new Map<string, PgCodec>()
        for (const codec of build.allPgCodecs) codecs.set(relationOf(codec), codec)
        const known = new Map<string, RelationRules>()
        for (const [relation, rules] of build.input.relationRules ?? []) {
          known.set(relation, toClients(rules, codecs.get(relation), build))
        }
        return { ...config, extensions: { ...config.extensions, [key]: known } }
      },
    },
  },
}

const key = 'plinthRelations'
const targetKey = 'plinthTarget'

/** What a field does to which relation. */
export type Target = { relation: string; command: 'select' | 'insert' | 'update' | 'delete' }

/** What a field does to which relation, or null for one that is about no relation in particular. */
export const targetOf = (field: GraphQLField<unknown, unknown>): Target | null =>
  (field.extensions[targetKey] as Target | undefined) ?? null

/** What a schema knows of the database's relations, by `schema.table`. */
export const relationsOf = (schema: GraphQLSchema): ReadonlyMap<string, RelationRules> =>
  (schema.extensions[key] as Map<string, RelationRules> | undefined) ?? new Map<string, RelationRules>()

const relationOf = ({ attributes, extensions }: PgCodec): string =>
  attributes && extensions?.pg ? `${extensions.pg.schemaName}.${extensions.pg.name}` : ''

function readRules(introspection: Introspection, rules: Map<string, Rules>): void {
  for (const relation of introspection.classes) {
    const constraints = new Map<string, Constraint>()
    for (const unique of relation.getIndexes().filter(({ indisunique }) => indisunique)) {
      const index = unique.getIndexClass()!
      // An expression has no column of its own; Postgres knows on which ones it depends.
      const depended = unique.indkey.includes(0)
        ? introspection.depends
            .filter(({ objid, refobjid }) => objid === index._id && refobjid === relation._id)
            .map(({ refobjsubid }) => refobjsubid)
        : []
      constraints.set(index.relname, {
        columns: [...new Set(columnsAt(relation, [...unique.indkey, ...depended]))],
        comment: index.getDescription() ?? null,
        target: null,
      })
    }
    for (const constraint of relation.getConstraints()) {
      const target = constraint.getForeignClass()
      constraints.set(constraint.conname, {
        columns: constraints.get(constraint.conname)?.columns ?? columnsAt(relation, constraint.conkey),
        // The comment on a reference describes what it leads to, not what is wrong.
        comment: (target ? undefined : constraint.getDescription()) ?? null,
        target: target ? { relation: nameOf(target), columns: columnsAt(target, constraint.confkey) } : null,
      })
    }
    const columns = relation
      .getAttributes()
      .filter(({ attnum, attisdropped }) => attnum > 0 && attisdropped !== true)
      .map((attribute) => readColumn(attribute, introspection))
    rules.set(nameOf(relation), { columns, constraints })
  }
}

type Relation = Introspection['classes'][number]
type Attribute = ReturnType<Relation['getAttributes']>[number]

const nameOf = (relation: Relation): string => `${relation.getNamespace()!.nspname}.${relation.relname}`

const columnsAt = (relation: Relation, positions: readonly (number | null)[] | null): string[] =>
  (positions ?? []).flatMap(
    (position) => relation.getAttributes().find(({ attnum }) => attnum === position)?.attname ?? [],
  )

function readColumn(attribute: Attribute, introspection: Introspection): Column {
  let type = attribute.getType()
  const element = type?.typelem && type.typelem !== '0' ? introspection.getType({ id: type.typelem }) : type
  const domain = element?.typtype === 'd' ? element.typname : null
  let limit = attribute.atttypmod ?? -1
  while (type?.typtype === 'd' && type.typbasetype) {
    limit = type.typtypmod ?? -1
    type = introspection.getType({ id: type.typbasetype })
  }
  const name = type?.typname ?? ''
  return { name: attribute.attname, type: withLimit(name, limit), domain }
}

/** `varchar(10)`, `numeric(12,4)`, or the bare name of another type. */
function withLimit(type: string, limit: number): string {
  if (limit < 4) return type
  if (type === 'varchar' || type === 'bpchar') return `${type}(${limit - 4})`
  // Postgres packs precision and scale into one number.
  return type === 'numeric' ? `numeric(${(limit - 4) >> 16},${(limit - 4) & 0x7ff})` : type
}

function toClients(rules: Rules, codec: PgCodec | undefined, build: GraphileBuild.Build): RelationRules {
  const field = (column: string): string =>
    codec?.attributes?.[column]
      ? build.inflection.attribute({ attributeName: column, codec: codec as never })
      : build.inflection.camelCase(build.inflection.coerceToGraphQLName(column))
  const situations = codec ? (['input', 'patch', 'base'] as const) : []
  return {
    constraints: rules.constraints,
    columns: rules.columns.map((column) => ({ ...column, field: field(column.name) })),
    inputTypes: situations.flatMap((one) => build.getGraphQLTypeNameByPgCodec(codec!, one) ?? []),
  }
}
