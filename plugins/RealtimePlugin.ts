import 'postgraphile'
import { withPgClientFromPgService } from 'postgraphile/@dataplan/pg'
import 'postgraphile/graphile-build-pg'
import { registerChangeKind, registerChangeType } from './realtime/changeType.ts'
import { subscriptionField } from './realtime/subscriptionField.ts'
import { realtimeTables, type Table } from './realtime/tables.ts'

/**
 * Gives each table that is tagged `realtime` a subscription: `doorChanged` for `doors`. A table whose
 * changes are recorded counts as tagged; one that is tagged and not recorded is a mistake to hear of.
 * The feed is to be in the context as `changeFeed`.
 */
export const RealtimePlugin: GraphileConfig.Plugin = {
  name: 'RealtimePlugin',
  version: '1.0.0',
  description: 'Makes subscriptions of tables whose changes are recorded.',

  inflection: {
    add: {
      changeField(_options, resource) {
        return this.camelCase(`${this._singularizedCodecName(resource.codec)}-changed`)
      },
      changeType(_options, resource) {
        return this.upperCamelCase(`${this.tableType(resource.codec)}-change`)
      },
      changeKind: () => 'ChangeKind',
      changedRowField(_options, resource) {
        return this.camelCase(this.tableType(resource.codec))
      },
      changeKeyField(_options, { resource, attributeName }) {
        const name = this.attribute({ attributeName, codec: resource.codec })
        return ['event', 'cursor', 'after', this.changedRowField(resource)].includes(name)
          ? `${name}Key`
          : name
      },
    },
  },

  gather: {
    hooks: {
      async pgIntrospection_introspection(info, { introspection, serviceName }) {
        const service = info.resolvedPreset.pgServices?.find(({ name }) => name === serviceName)
        const log = introspection.namespaces.some(({ nspname }) => nspname === 'plinth_realtime')
        if (!service || !log) return
        const { rows } = await withPgClientFromPgService(service, null, (client) =>
          client.query<{ relation: string }>({
            text: 'select relation::text as relation from plinth_realtime.recorded()',
          }),
        )
        for (const { relation } of rows) {
          const table = introspection.classes.find(({ _id }) => _id === relation)
          if (table) Object.assign(table.getTags(), { realtime: true, realtimeRecorded: true })
        }
      },
    },
  },

  schema: {
    hooks: {
      init: {
        after: ['PgCodecs', 'PgTables'],
        callback(_, build) {
          const tables = realtimeTables(build)
          if (tables.length === 0) return _
          registerChangeKind(build)
          for (const table of tables) registerChangeType(build, table)
          return _
        },
      },
      GraphQLObjectType_fields(fields, build, { scope, fieldWithHooks }) {
        if (!scope.isRootSubscription) return fields
        return realtimeTables(build).reduce((all, table) => {
          const fieldName = build.inflection.changeField(table)
          return build.extend(
            all,
            { [fieldName]: fieldWithHooks({ fieldName }, () => subscriptionField(build, table)) },
            `the changes of ${table.name}`,
          )
        }, fields)
      },
    },
  },
}

declare global {
  // eslint-disable-next-line @typescript-eslint/no-namespace -- as Graphile has it
  namespace GraphileBuild {
    interface Inflection {
      /** The subscription to a table's changes: `doorChanged`. */
      changeField(this: Inflection, resource: Table): string
      /** The type of one change: `DoorChange`. */
      changeType(this: Inflection, resource: Table): string
      changeKind(this: Inflection): string
      /** The field of a change that has the row: `door`. */
      changedRowField(this: Inflection, resource: Table): string
      /** The field of a change, and the argument, for a column of the key. */
      changeKeyField(this: Inflection, details: { resource: Table; attributeName: string }): string
    }
  }
}
