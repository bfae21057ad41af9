import '@graphile/simplify-inflection'
import 'postgraphile'
import type { PgResource, PgResourceUnique } from 'postgraphile/@dataplan/pg'
import 'postgraphile/graphile-build-pg'
import { rowInput, rowsInput } from './rows/inputs.ts'
import { isTable, preferredKey, type Table, upsertKeys } from './rows/keys.ts'
import { mutationFields, registerTypes, type RowsMutation, writtenRow, writtenRows } from './rows/mutation.ts'
import { insertRows } from './rows/statements.ts'

declare global {
  // eslint-disable-next-line @typescript-eslint/no-namespace -- the way to extend Graphile's types
  namespace GraphileBuild {
    interface BehaviorStrings {
      'constraint:resource:upsert': true
      'bulk:constraint:resource:upsert': true
    }
    interface Inflection {
      upsertField(details: { resource: Table; unique: PgResourceUnique }): string
      upsertRowsField(details: { resource: Table; unique: PgResourceUnique }): string
    }
  }
}

/**
 * Creates a row or, where one of the same key is there, updates that with what is given:
 * `upsertDoor(input: { door: … })`, by another key `upsertDoorByName`, and for many rows `upsertDoors`. One
 * statement, `insert … on conflict … do update`, so that two callers at once do not get in each other's way.
 */
export const UpsertPlugin: GraphileConfig.Plugin = {
  name: 'UpsertPlugin',
  version: '1.0.0',
  description: 'Creates rows, or updates those that are there.',

  inflection: {
    add: {
      upsertField(_options, { resource, unique }) {
        return this.camelCase(`upsert-${this.tableType(resource.codec)}${byKey(this, resource, unique)}`)
      },
      upsertRowsField(_options, { resource, unique }) {
        return this.camelCase(`upsert-${this.allRowsConnection(resource)}${byKey(this, resource, unique)}`)
      },
    },
  },

  gather: {
    hooks: {
      pgTables_unique(_info, { pgClass, pgConstraint, unique }) {
        const isTag = pgConstraint._id.startsWith('FAKE_')
        // The key of a table does not hold for the tables that inherit from it, whose rows it shows as its own.
        const isInherited = pgConstraint.conrelid !== pgClass._id
        const hasHeirs = pgClass.relkind === 'r' && pgClass.relhassubclass
        if (!isTag && !pgConstraint.condeferrable && !isInherited && !hasHeirs) return
        unique.extensions = { ...unique.extensions, canSettleConflict: false }
      },
    },
  },

  schema: {
    behaviorRegistry: {
      add: {
        'constraint:resource:upsert': {
          description: 'can create a row, or update the one that has the same values in this key',
          entities: ['pgResourceUnique'],
        },
        'bulk:constraint:resource:upsert': {
          description: 'can do so with many rows by one mutation',
          entities: ['pgResourceUnique'],
        },
      },
    },
    entityBehavior: {
      pgResourceUnique: ['constraint:resource:upsert', 'bulk:constraint:resource:upsert'],
    },
    hooks: {
      init(_, build) {
        for (const mutation of upsertMutations(build)) registerTypes(build, mutation)
        return _
      },
      GraphQLObjectType_fields(fields, build, { scope }) {
        if (!scope.isRootMutation) return fields
        return build.extend(fields, mutationFields(build, upsertMutations(build)), 'upserts')
      },
    },
  },
}

function byKey(inflection: GraphileBuild.Inflection, resource: Table, unique: PgResourceUnique): string {
  const isPreferred = preferredKey(resource)?.attributes === unique.attributes
  return isPreferred ? '' : `-by-${inflection._joinAttributeNames(resource.codec, unique.attributes)}`
}

function upsertMutations(build: GraphileBuild.Build): RowsMutation[] {
  return Object.values<PgResource>(build.pgResources)
    .filter(isTable)
    .flatMap((resource) => upsertKeys(resource).flatMap((unique) => upsertsByKey(build, resource, unique)))
}

function upsertsByKey(build: GraphileBuild.Build, resource: Table, unique: PgResourceUnique): RowsMutation[] {
  const { behavior, inflection } = build
  const isOffered =
    behavior.pgResourceMatches(resource, 'resource:insert') &&
    behavior.pgResourceUniqueMatches([resource, unique], 'constraint:resource:update')
  if (!isOffered) return []

  const details = { resource, unique }
  const row = inflection.tableFieldName(resource)
  const rows = inflection.allRowsConnection(resource)
  const type = inflection.tableType(resource.codec)
  const key = unique.attributes
    .map((attributeName) => `\`${inflection.attribute({ codec: resource.codec, attributeName })}\``)
    .join(' and ')

  const single: RowsMutation = {
    resource,
    field: inflection.upsertField(details),
    description: `Creates a single \`${type}\`, or updates the one with the same ${key}.`,
    input: () => rowInput(build, resource, 'created or updated'),
    output: writtenRow(build, resource),
    statement: (alias, given) => insertRows(resource, alias, given, row, unique),
  }
  const many: RowsMutation = {
    resource,
    field: inflection.upsertRowsField(details),
    description: `Creates many \`${type}\`, or updates those with the same ${key}, all or none. Each gives the same fields.`,
    input: () => rowsInput(build, resource, 'created or updated'),
    output: writtenRows(build, resource, 'created or updated'),
    statement: (alias, given) => insertRows(resource, alias, given, rows, unique),
  }
  const isUpsertable = (scope: '' | 'bulk:') =>
    behavior.pgResourceUniqueMatches([resource, unique], `${scope}constraint:resource:upsert`)
  return [...(isUpsertable('') ? [single] : []), ...(isUpsertable('bulk:') ? [many] : [])]
}
