import 'postgraphile'
import type { WithPgClient } from 'postgraphile/@dataplan/pg'
import { context, type GrafastFieldConfig, listen, object, type Step } from 'postgraphile/grafast'
import type { ChangeFeed } from '../../src/database/changeFeed.ts'
import { subscribe } from '../../src/database/subscription.ts'
import { AppError } from '../../src/errors.ts'
import { type Build, freeName, keyOf, required, type Table } from './tables.ts'

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the source of a root field is nothing in particular
type FieldConfig = GrafastFieldConfig<any>

/** What a subscription is made of once its arguments are known. */
type Wanted = {
  feed: ChangeFeed | null | undefined
  withPgClient: WithPgClient
  isReady: () => Promise<unknown>
  settings: Record<string, string | undefined> | null
  after: string | null | undefined
  only: Record<string, unknown>
}

/** The field of Subscription that tells the changes of a table. */
export function subscriptionField(build: Build, table: Table): FieldConfig {
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
        isReady: context().get('isReady' as never),
        settings: context().get('pgSettings'),
        after: args.getRaw('after'),
        only: object(Object.fromEntries(key.map(({ argument }) => [argument, args.getRaw(argument)]))),
      })
      const subscriber = {
        subscribe: ({ feed, withPgClient, isReady, settings, after, only }: Wanted) => {
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
            isReady,
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
