import 'postgraphile'
import type { PgCodec } from 'postgraphile/@dataplan/pg'
import { get, inhibitOnNull, lambda, type Step } from 'postgraphile/grafast'
import type { Change } from '../../src/database/subscription.ts'
import { type Build, freeName, keyOf, required, type Table } from './tables.ts'

const kinds = {
  STARTED: 'The subscription has begun: no change from here on is missed. It names no row.',
  INSERTED: 'There is a new row.',
  UPDATED: 'The row has changed.',
  DELETED: 'The row is gone.',
  ENTERED: 'The row has changed so that the subscriber may see it from now on.',
  LEFT: 'The row has changed so that the subscriber may not see it any more.',
} satisfies Record<Change['event'], string>

const withRow = new Set<Change['event']>(['INSERTED', 'UPDATED', 'ENTERED'])

/** Registers the type of what may have happened to a row. */
export function registerChangeKind(build: Build): void {
  build.registerEnumType(
    freeName(build, build.inflection.changeKind()),
    {},
    () => ({
      description: 'What happened to a row, as far as the subscriber may see it.',
      values: Object.fromEntries(Object.entries(kinds).map(([kind, description]) => [kind, { description }])),
    }),
    'RealtimePlugin',
  )
}

/** Registers the type of a change of a row of a table. */
export function registerChangeType(build: Build, table: Table): void {
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
