import 'postgraphile'
import {
  type PgCodec,
  type PgCodecWithAttributes,
  type PgResource,
  withPgClientFromPgService,
  type WithPgClient,
} from 'postgraphile/@dataplan/pg'
import {
  context,
  get,
  type GrafastFieldConfig,
  inhibitOnNull,
  lambda,
  listen,
  object,
  type Step,
} from 'postgraphile/grafast'
import 'postgraphile/graphile-build-pg'
import type { GraphQLOutputType } from 'postgraphile/graphql'
import type { ChangeFeed } from '../src/database/changeFeed.ts'
import { type Change, subscribe } from '../src/database/subscription.ts'
import { AppError } from '../src/errors.ts'

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
          const { inflection } = build
          build.registerEnumType(
            freeName(build, inflection.changeKind()),
            {},
            () => ({
              description: 'What happened to a row, as far as the subscriber may see it.',
              values: Object.fromEntries(
                Object.entries(kinds).map(([kind, description]) => [kind, { description }]),
              ),
            }),
            'RealtimePlugin',
          )
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

type Table = PgResource<string, PgCodecWithAttributes>
type Build = GraphileBuild.Build

const kinds = {
  STARTED: 'The subscription has begun: no change from here on is missed. It names no row.',
  INSERTED: 'There is a new row.',
  UPDATED: 'The row has changed.',
  DELETED: 'The row is gone.',
  ENTERED: 'The row has changed so that the subscriber may see it from now on.',
  LEFT: 'The row has changed so that the subscriber may not see it any more.',
} satisfies Record<Change['event'], string>

const withRow = new Set<Change['event']>(['INSERTED', 'UPDATED', 'ENTERED'])

/** The tables that have a subscription. */
function realtimeTables(build: Build): Table[] {
  const resources = Object.values(build.input.pgRegistry.pgResources) as PgResource[]
  return resources.filter((resource): resource is Table => {
    const { tags, pg } = resource.codec.extensions ?? {}
    const isTagged = tags?.realtime !== undefined && tags.realtime !== 'false'
    const isTable = !resource.parameters && !resource.isVirtual && resource.codec.attributes !== undefined
    if (!isTagged || !isTable || !build.behavior.pgResourceMatches(resource, 'resource:select')) return false
    if (!tags.realtimeRecorded) {
      const name = `${pg?.schemaName}.${pg?.name}`
      throw new Error(
        `${name} is tagged realtime, but nothing records its changes. In a project: plinth db migrate; ` +
          `elsewhere: plinth realtime install ${name}.`,
      )
    }
    return keyOf(resource as Table).length > 0
  })
}

/** The columns by which the API finds a row: the one called id, or the primary key. */
function keyOf({ uniques }: Table): readonly string[] {
  const byId = uniques.find(({ attributes }) => attributes.length === 1 && attributes[0] === 'id')
  return (byId ?? uniques.find(({ isPrimary }) => isPrimary))?.attributes ?? []
}

const freeNames = new WeakMap<object, Map<string, string>>()

/** The name of a type of ours, or a longer one where a table has that: `DoorChange` of `door_changes`. */
function freeName(build: Build, name: string): string {
  let names = freeNames.get(build.input)
  if (!names) freeNames.set(build.input, (names = new Map<string, string>()))
  let free = names.get(name)
  if (free === undefined) {
    // Asked first before ours are made, when there are only those of the schema.
    for (free = name; build.getTypeMetaByName(free);) free += 'Event'
    names.set(name, free)
  }
  return free
}

/** The type of a name, never null. */
const required = (build: Build, name: string): GraphQLOutputType =>
  // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- it takes the type for a list
  new build.graphql.GraphQLNonNull(build.getOutputTypeByName(name))

function registerChangeType(build: Build, table: Table) {
  const { inflection } = build
  const rowField = inflection.changedRowField(table)
  build.registerObjectType(
    freeName(build, inflection.changeType(table)),
    {},
    () => ({
      description: `A change of one row, as its subscriber sees it: ${inflection.tableType(table.codec)}.`,
      fields: () => ({
        event: {
          type: required(build, freeName(build, inflection.changeKind())),
          description: 'What happened.',
          plan: ($change: Step) => get($change as Step<Change>, 'event'),
        },
        cursor: {
          type: required(build, 'Cursor'),
          description: 'Pass it as `after` to resume behind this change.',
          plan: ($change: Step) => get($change as Step<Change>, 'cursor'),
        },
        ...Object.fromEntries(
          keyOf(table).map((attributeName) => [
            inflection.changeKeyField({ resource: table, attributeName }),
            {
              type: build.getGraphQLTypeByPgCodec(table.codec.attributes[attributeName]!.codec, 'output')!,
              description: 'Of the row that changed; null with STARTED.',
              plan: ($change: Step) => keyStep($change, table, attributeName, () => true),
            },
          ]),
        ),
        [rowField]: {
          type: build.getOutputTypeByName(inflection.tableType(table.codec)),
          description:
            'The row as it is now; null with STARTED, DELETED and LEFT, and when it is gone or hidden by now.',
          plan($change: Step) {
            const key = keyOf(table).map((attributeName) => {
              const $value = keyStep($change, table, attributeName, ({ event }) => withRow.has(event))
              return [attributeName, inhibitOnNull($value)]
            })
            return table.get(Object.fromEntries(key) as never)
          },
        },
      }),
    }),
    'RealtimePlugin',
  )
}

/** A column of the key of a changed row, as the codec has it. */
function keyStep($change: Step, table: Table, name: string, isMeant: (change: Change) => boolean) {
  const codec: PgCodec = table.codec.attributes[name]!.codec
  return lambda($change as Step<Change>, (change): unknown => {
    const text = change.key?.[name] ?? null
    return text === null || !isMeant(change) ? null : codec.fromPg(text)
  })
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the source of a root field is nothing in particular
type FieldConfig = GrafastFieldConfig<any>

/** What a subscription is made of once its arguments are known. */
type Wanted = {
  feed: ChangeFeed | null | undefined
  withPgClient: WithPgClient
  settings: Record<string, string | undefined> | null
  after: string | null | undefined
  only: Record<string, unknown>
}

function subscriptionField(build: Build, table: Table): FieldConfig {
  const { inflection } = build
  const rows = inflection.tableType(table.codec)
  const { schemaName: schema = '', name = '' } = table.codec.extensions?.pg ?? {}
  const key = keyOf(table).map((attributeName) => ({
    attributeName,
    argument: inflection.changeKeyField({ resource: table, attributeName }),
    codec: table.codec.attributes[attributeName]!.codec,
  }))
  return {
    description: `Changes of what you may see of ${rows}. Begins with STARTED, or behind \`after\`.\n\nErrors: \`RELOAD\`.`,
    type: required(build, freeName(build, inflection.changeType(table))),
    args: {
      ...Object.fromEntries(
        key.map(({ argument, codec }) => [
          argument,
          {
            type: build.getGraphQLTypeByPgCodec(codec, 'input')!,
            description: 'Only the row with this value.',
          },
        ]),
      ),
      after: {
        type: build.getInputTypeByName('Cursor'),
        description: 'The cursor of the last change you have: what was missed since comes first.',
      },
    },
    subscribePlan(_$root: Step, args: { getRaw(name: string): Step }) {
      const $wanted = object({
        feed: context().get('changeFeed' as never),
        withPgClient: context().get('withPgClient'),
        settings: context().get('pgSettings'),
        after: args.getRaw('after'),
        only: object(Object.fromEntries(key.map(({ argument }) => [argument, args.getRaw(argument)]))),
      })
      const subscriber = {
        subscribe: ({ feed, withPgClient, settings, after, only }: Wanted) => {
          if (!feed) throw new AppError('UNAVAILABLE', 'Subscriptions are not served here.')
          const wanted = key.flatMap(({ attributeName, argument, codec }) => {
            const value = only[argument]
            return value === null || value === undefined ? [] : [[attributeName, String(codec.toPg(value))]]
          })
          return subscribe(feed, {
            schema,
            table: name,
            only: Object.fromEntries(wanted) as Record<string, string>,
            after: after ?? null,
            caller: JSON.stringify(settings),
            ask: (text, values) =>
              withPgClient(settings, async (client) => {
                const { rows: found } = await client.query<Record<string, unknown>>({ text, values })
                return [...found]
              }),
          })
        },
      }
      // A topic may be anything, though its type says text.
      return listen(subscriber as never, $wanted as never)
    },
    plan: ($change: Step) => $change,
  }
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
