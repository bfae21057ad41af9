import 'postgraphile'
import { type PgRegistry, TYPES } from 'postgraphile/@dataplan/pg'
import { gatherConfig } from 'postgraphile/graphile-build'
import 'postgraphile/graphile-build-pg'
import { nameInDatabase } from './distinctNames/inDatabase.ts'
import { distinct } from './distinctNames/settle.ts'
import { settleNames } from './distinctNames/settleNames.ts'

declare global {
  // eslint-disable-next-line @typescript-eslint/no-namespace -- the way to extend Graphile's types
  namespace GraphileConfig {
    interface GatherHelpers {
      distinctNames: Record<string, never>
    }
  }
}

/**
 * Whatever there is in a database, each thing has a name of its own. Of several that would be called the
 * same, one keeps the name and the others say what they are: beside the table `person`, the view `people` is
 * a `PeopleView`; beside the column `office`, the relation by `office_id` is `officeByOfficeId`.
 */
export const DistinctNamesPlugin: GraphileConfig.Plugin = {
  name: 'DistinctNamesPlugin',
  version: '1.0.0',
  description: 'Gives another name to what would be called like something else.',

  inflection: {
    replace: {
      _codecName(previous, _options, codec) {
        return nameInDatabase(this, codec) ?? previous!(codec)
      },
      scalarCodecTypeName(previous, _options, codec) {
        const name = nameInDatabase(this, codec)
        return name === undefined ? previous!(codec) : this.upperCamelCase(name)
      },
      _functionName(previous, _options, details) {
        return this.coerceToGraphQLName(previous!(details))
      },
      argument(previous, _options, { resource, index }) {
        const names = resource.parameters.map((param, at) =>
          this.camelCase(previous!({ resource, param, index: at })),
        )
        return distinct(names, 'Argument', reservedArguments)[index]!
      },
      enumValue(previous, _options, value, codec) {
        // A label that can be a name is that name; the others make do with what is left.
        const name = (label: string) => previous!(label, codec)
        const labels: string[] = codec.values.map((known: { value: string }) => known.value)
        const [good, bad] = [
          labels.filter((label) => isValueName(name(label))),
          labels.filter((label) => !isValueName(name(label))),
        ]
        if (good.includes(value)) return name(value)
        const made = bad.map((label) => name(label).replace(/\W+/g, '_'))
        return distinct(made, '_VALUE', [...good.map(name), ...reservedValues])[bad.indexOf(value)]!
      },

      // Keys of the registry, which nobody sees: as Postgres tells these things apart.
      typeCodecName(_previous, _options, { pgType }) {
        return `${pgType.getNamespace()!.nspname}.${pgType.typname}`
      },
      resourceRelationName(_previous, _options, { serviceName, pgConstraint, isReferencee }) {
        const table = this.tableResourceName({ serviceName, pgClass: pgConstraint.getClass()! })
        return `${table}.${firstAlike(pgConstraint).conname}${isReferencee ? ' (back)' : ''}`
      },
    },
  },

  gather: gatherConfig({
    namespace: 'distinctNames',
    initialState: () => ({ codecNames: new Set<string>(Object.values(TYPES).map(({ name }) => name)) }),
    hooks: {
      pgCodecs_recordType_spec({ state }, { spec }) {
        while (state.codecNames.has(spec.name)) spec.name += '_'
        state.codecNames.add(spec.name)
      },
      async pgProcedures_PgResourceOptions({ helpers }, { serviceName, pgProc, resourceOptions }) {
        const schema = pgProc.getNamespace()!.nspname
        const table = await helpers.pgIntrospection.getClassByName(serviceName, schema, pgProc.proname)
        if (table) resourceOptions.name += ' function'
      },
      pgRegistry_PgRegistry({ inflection }, { registry }) {
        settleNames(registry as PgRegistry, inflection)
      },
    },
  }),
}

const reservedArguments = [
  'first',
  'last',
  'offset',
  'before',
  'after',
  'filter',
  'orderBy',
  'clientMutationId',
]
const reservedValues = ['true', 'false', 'null', '', '_']
const isValueName = (name: string) => /^[_A-Za-z]\w*$/.test(name) && !reservedValues.includes(name)

type PgConstraint = Parameters<GraphileBuild.Inflection['resourceRelationName']>[0]['pgConstraint']

/** The first of the constraints that say the same as this one. */
function firstAlike(constraint: PgConstraint): PgConstraint {
  const meaning = ({ contype, confrelid, conkey, confkey }: PgConstraint) =>
    [contype, confrelid, conkey, confkey].join(' ')
  const siblings = constraint.getClass()?.getConstraints() ?? []
  return siblings.find((other) => meaning(other) === meaning(constraint)) ?? constraint
}
