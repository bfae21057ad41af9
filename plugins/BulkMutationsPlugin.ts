import '@graphile/simplify-inflection'
import 'postgraphile'
import 'postgraphile/graphile-build-pg'
import { keysInput, patchInput, registerKeyType, rowsInput } from './rows/inputs.ts'
import { isTable, preferredKey, type Table } from './rows/keys.ts'
import {
  deletedRows,
  mutationFields,
  registerTypes,
  type RowsMutation,
  writtenRows,
} from './rows/mutation.ts'
import { deleteRows, insertRows, updateRows } from './rows/statements.ts'

declare global {
  // eslint-disable-next-line @typescript-eslint/no-namespace -- the way to extend Graphile's types
  namespace GraphileBuild {
    interface BehaviorStrings {
      'bulk:resource:insert': true
      'bulk:constraint:resource:update': true
      'bulk:constraint:resource:delete': true
    }
    interface Inflection {
      createRowsField(resource: Table): string
      updateRowsField(resource: Table): string
      deleteRowsField(resource: Table): string
    }
  }
}

/**
 * Create, update and delete for many rows. What the single form takes once, these take a list of, under its
 * plural: `createDoors(input: { doors: […] })`, `updateDoors(input: { ids: […], patch: … })`,
 * `deleteDoors(input: { ids: […] })`. Each is one statement, which writes all the rows or none, and gives
 * them back in the order in which they were given.
 */
export const BulkMutationsPlugin: GraphileConfig.Plugin = {
  name: 'BulkMutationsPlugin',
  version: '1.0.0',
  description: 'Creates, updates and deletes many rows by one mutation.',

  inflection: {
    add: {
      createRowsField(_options, resource) {
        return this.camelCase(`create-${this.allRowsConnection(resource)}`)
      },
      updateRowsField(_options, resource) {
        return this.camelCase(`update-${this.allRowsConnection(resource)}`)
      },
      deleteRowsField(_options, resource) {
        return this.camelCase(`delete-${this.allRowsConnection(resource)}`)
      },
      rowKeysField(_options, resource) {
        const [attributeName, ...others] = preferredKey(resource)!.attributes
        if (others.length > 0) return 'keys'
        const name = this.attribute({ codec: resource.codec, attributeName: attributeName! })
        return this.coerceToGraphQLName(this.distinctPluralize(name))
      },
      rowKeyType(_options, { codec }) {
        return this.upperCamelCase(`${this.tableType(codec)}-primary-key`)
      },
    },
  },

  schema: {
    behaviorRegistry: {
      add: {
        'bulk:resource:insert': {
          description: 'can create many rows by one mutation',
          entities: ['pgResource'],
        },
        'bulk:constraint:resource:update': {
          description: 'can update many rows by one mutation that finds them by this key',
          entities: ['pgResourceUnique'],
        },
        'bulk:constraint:resource:delete': {
          description: 'can delete many rows by one mutation that finds them by this key',
          entities: ['pgResourceUnique'],
        },
      },
    },
    hooks: {
      init(_, build) {
        for (const resource of tables(build)) {
          const mutations = bulkMutations(build, resource)
          for (const mutation of mutations) registerTypes(build, mutation)
          if (mutations.some(({ isByKey }) => isByKey)) registerKeyType(build, resource)
        }
        return _
      },
      GraphQLObjectType_fields(fields, build, { scope }) {
        if (!scope.isRootMutation) return fields
        const mutations = tables(build).flatMap((resource) => bulkMutations(build, resource))
        return build.extend(fields, mutationFields(build, mutations), 'mutations of many rows')
      },
    },
  },
}

const tables = (build: GraphileBuild.Build) => Object.values(build.pgResources).filter(isTable)

type BulkMutation = RowsMutation & { isByKey: boolean }

function bulkMutations(build: GraphileBuild.Build, resource: Table): BulkMutation[] {
  const key = preferredKey(resource)
  return [
    ...(build.behavior.pgResourceMatches(resource, 'bulk:resource:insert') &&
    hasColumnsTo('insert', build, resource)
      ? [createRows(build, resource)]
      : []),
    ...(key &&
    build.behavior.pgResourceUniqueMatches([resource, key], 'bulk:constraint:resource:update') &&
    hasColumnsTo('update', build, resource)
      ? [updateRowsByKey(build, resource)]
      : []),
    ...(key && build.behavior.pgResourceUniqueMatches([resource, key], 'bulk:constraint:resource:delete')
      ? [deleteRowsByKey(build, resource)]
      : []),
  ]
}

const hasColumnsTo = (action: 'insert' | 'update', { behavior }: GraphileBuild.Build, { codec }: Table) =>
  Object.keys(codec.attributes).some((name) =>
    behavior.pgCodecAttributeMatches([codec, name], `attribute:${action}`),
  )

function createRows(build: GraphileBuild.Build, resource: Table): BulkMutation {
  const argument = build.inflection.allRowsConnection(resource)
  return {
    resource,
    field: build.inflection.createRowsField(resource),
    description: `Creates many \`${build.inflection.tableType(resource.codec)}\`, all or none.`,
    isByKey: false,
    input: () => rowsInput(build, resource, 'created'),
    output: writtenRows(build, resource, 'created'),
    statement: (alias, given) => insertRows(resource, alias, given, argument),
  }
}

function updateRowsByKey(build: GraphileBuild.Build, resource: Table): BulkMutation {
  const argument = build.inflection.rowKeysField(resource)
  return {
    resource,
    field: build.inflection.updateRowsField(resource),
    description: `Updates many \`${build.inflection.tableType(resource.codec)}\` by one patch, all or none.`,
    isByKey: true,
    input: () => ({ ...keysInput(build, resource, 'updated'), ...patchInput(build, resource) }),
    output: writtenRows(build, resource, 'updated'),
    statement: (alias, given) => updateRows(resource, alias, given, argument),
  }
}

function deleteRowsByKey(build: GraphileBuild.Build, resource: Table): BulkMutation {
  const argument = build.inflection.rowKeysField(resource)
  return {
    resource,
    field: build.inflection.deleteRowsField(resource),
    description: `Deletes many \`${build.inflection.tableType(resource.codec)}\`, all or none.`,
    isByKey: true,
    input: () => keysInput(build, resource, 'deleted'),
    output: deletedRows(build, resource),
    statement: (alias, given) => deleteRows(resource, alias, given, argument),
  }
}
