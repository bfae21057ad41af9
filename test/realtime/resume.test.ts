import { describe, expect, test } from '@jest/globals'
import pg from 'pg'
import { makeApi } from '../support/api.ts'
import { faultsIn, type Told } from '../support/ledger.ts'
import { useLiveStudio } from '../support/realtime.ts'
import { type Subscriber, subscribeTo } from '../support/subscriber.ts'

const { run, studio, listenAs, listenWith, signIn, database } = useLiveStudio()

const doors = 'subscription ($after: Cursor) { doorChanged(after: $after) { event id cursor } }'
// Each in an office of its own, since those who write doors of one office wait for each other.
const insert = `
  with office as (
    insert into app_public.offices (organization_id, name, time_zone) values ($1, 'x', 'UTC') returning id
  )
  insert into app_public.doors (organization_id, office_id, name)
  select $1, office.id, 'x' from office returning id`

const addDoor = async (client: Pick<pg.ClientBase, 'query'>): Promise<string> => {
  const { rows } = await client.query<{ id: string }>(insert, [studio().organizationId])
  return rows[0]!.id
}

/** Runs something with connections of its own. */
async function withClients<T>(count: number, use: (clients: pg.Client[]) => Promise<T>): Promise<T> {
  const clients = Array.from(
    { length: count },
    () => new pg.Client({ connectionString: database().ownerUrl }),
  )
  await Promise.all(clients.map((client) => client.connect()))
  try {
    return await use(clients)
  } finally {
    await Promise.all(clients.map((client) => client.end()))
  }
}

const pool = () =>
  ({ query: async (sql: string, values: unknown[]) => ({ rows: await run(sql, values) }) }) as never

const lastCursor = ({ events }: Subscriber) => events.at(-1)!.cursor as string
const toldOf = (events: readonly Record<string, any>[]): Told[] =>
  events.filter(({ event }) => event !== 'STARTED') as unknown as Told[]

describe('transactions that end in another order than they began', () => {
  test('one that ends later is told when it ends, live and after resuming, though a later one came first', async () => {
    await withClients(2, async ([early, late]) => {
      const member = await listenAs(studio().member, doors)
      await member.until(1)
      await early!.query('begin')
      const first = await addDoor(early!)
      const second = await addDoor(late!)
      await member.until(2)
      const { rows } = await late!.query<{ id: string }>('select max(id) as id from plinth_realtime.changes')
      const cursor = lastCursor(member)

      await early!.query('commit')
      await member.until(3)
      const resumed = await listenAs(studio().member, doors, { after: cursor })
      await resumed.until(1)

      expect(member.events.slice(1).map(({ id }) => id as string)).toEqual([second, first])
      expect(resumed.events.map(({ id }) => id as string)).toEqual([first])
      // Who goes by ids alone would have missed it.
      const behind = 'select became from plinth_realtime.changes where id > $1'
      expect((await late!.query(behind, [rows[0]!.id])).rows).toEqual([])
    })
  })

  test('what is done to one row comes in its order, whoever of its writers began first', async () => {
    await withClients(2, async ([early, late]) => {
      const member = await listenAs(studio().member, doors)
      await member.until(1)
      const cursor = lastCursor(member)
      await early!.query('begin')
      await early!.query('select pg_current_xact_id()')
      const id = await addDoor(late!)
      await early!.query(`update app_public.doors set name = 'y' where id = $1`, [id])
      await early!.query('commit')
      await member.until(3)
      const resumed = await listenAs(studio().member, doors, { after: cursor })
      await resumed.until(2)

      for (const { events } of [member, resumed]) {
        expect(toldOf(events).map(({ event }) => event)).toEqual(['INSERTED', 'UPDATED'])
      }
      expect(resumed.events.map((event) => event.cursor as string)).toHaveLength(2)
    })
  })
})

describe('resuming', () => {
  test('through many cuts and many writers, everything is told once and in order', async () => {
    const token = await signIn(studio().member)
    const ledger = new Map<string, string[]>()
    const told: Told[] = []
    let subscriber = listenWith(token, doors)
    await subscriber.until(1)
    let cursor = lastCursor(subscriber)
    const takeOver = async () => {
      await subscriber.stop()
      told.push(...toldOf(subscriber.events))
      cursor = subscriber.events.length > 0 ? lastCursor(subscriber) : cursor
      subscriber = listenWith(token, doors, { after: cursor })
    }

    const state = { areWriting: true }
    const writing = withClients(6, (clients) =>
      Promise.all(
        clients.map(async (client) => {
          for (let round = 0; round < 25; round++) {
            await client.query('begin')
            const ids = [await addDoor(client), await addDoor(client)]
            await client.query('select pg_sleep(random() * 0.02)')
            await client.query(`update app_public.doors set name = 'y' where id = any ($1)`, [ids])
            await client.query('delete from app_public.doors where id = $1', [ids[1]])
            const isKept = round % 5 !== 0
            await client.query(isKept ? 'commit' : 'rollback')
            if (!isKept) continue
            ledger.set(ids[0]!, ['INSERTED', 'UPDATED'])
            ledger.set(ids[1]!, ['INSERTED', 'UPDATED', 'DELETED'])
          }
        }),
      ),
    ).finally(() => (state.areWriting = false))
    for (let want = 3; state.areWriting; want = (want * 7) % 19) {
      await Promise.race([subscriber.until(want), writing])
      await takeOver()
    }
    await writing
    const rest = [...ledger.values()].flat().length - told.length
    await subscriber.until(rest)
    told.push(...toldOf(subscriber.events))

    expect(ledger.size).toBe(240)
    expect(faultsIn(told, ledger)).toEqual([])
  })

  test('the checker finds what is missing, told twice, out of order or made up', () => {
    const ledger = new Map([
      ['a', ['INSERTED', 'UPDATED']],
      ['b', ['INSERTED']],
    ])
    const right: Told[] = [
      { id: 'a', event: 'INSERTED' },
      { id: 'b', event: 'INSERTED' },
      { id: 'a', event: 'UPDATED' },
    ]

    expect(faultsIn(right, ledger)).toEqual([])
    expect(faultsIn(right.slice(1), ledger)).toHaveLength(1)
    expect(faultsIn([...right, right[1]!], ledger)).toHaveLength(1)
    expect(faultsIn(right.toReversed(), ledger)).toHaveLength(1)
    expect(faultsIn([...right, { id: 'c', event: 'LEFT' }], ledger)).toHaveLength(1)
  })

  test('a change of very many rows is told to the last, also from its middle', async () => {
    const count = 1300
    const member = await listenAs(studio().member, doors)
    await member.until(1)
    await run(
      `insert into app_public.doors (organization_id, office_id, name)
       select $1, $2, 'many' from generate_series(1, $3)`,
      [studio().organizationId, studio().officeId, count],
    )
    const events = await member.until(count + 1)

    for (const place of [1, 250, 500, 501, 1299]) {
      const resumed = await listenAs(studio().member, doors, { after: events[place]!.cursor as string })
      const rest = await resumed.until(count - place)
      expect(rest.map(({ id }) => id as string)).toEqual(
        events.slice(place + 1).map(({ id }) => id as string),
      )
    }
  })

  test('a cursor is good in another process too, whose reading falls into other parts', async () => {
    const [member, token] = [await listenAs(studio().member, doors), await signIn(studio().member)]
    await member.until(1)
    const other = await makeApi(database())
    const elsewhere = (after: string) => subscribeTo(other.url, doors, { token, variables: { after } })

    const start = lastCursor(member)
    const ids = [await addDoor(pool()), await addDoor(pool()), await addDoor(pool())]
    await member.until(4)
    const resumed = elsewhere(start)
    await resumed.until(2)
    const again = listenWith(token, doors, { after: resumed.events[1]!.cursor as string })
    await again.until(1)
    const middle = elsewhere(member.events[2]!.cursor as string)
    await middle.until(1)
    await Promise.all([resumed.stop(), middle.stop()])
    await other.close()

    const idsOf = (events: Record<string, any>[]) => events.map(({ id }) => id as string)
    expect(idsOf([...resumed.events.slice(0, 2), ...again.events])).toEqual(ids)
    expect(idsOf(middle.events)).toEqual(ids.slice(2))
  })

  test.each([
    ['nonsense', 'BAD_USER_INPUT'],
    [Buffer.from('x 1:1: 1:2: 0').toString('base64url'), 'RELOAD'],
    [Buffer.from('x 10:10: 10:10: 0; select').toString('base64url'), 'BAD_USER_INPUT'],
  ])('the cursor %s is refused with a code', async (after, code) => {
    const member = await listenAs(studio().member, doors, { after })
    await member.ended

    expect(member.errors).toMatchObject([{ extensions: { code } }])
  })

  test('who comes back after the retention is told to begin anew', async () => {
    const member = await listenAs(studio().member, doors)
    await member.until(1)
    const cursor = lastCursor(member)
    await addDoor(pool())
    await member.until(2)
    await run(`select plinth_realtime.purge('0')`)

    const late = await listenAs(studio().member, doors, { after: cursor })
    await late.ended
    const intime = await listenAs(studio().member, doors, { after: lastCursor(member) })
    await intime.ended

    expect(late.errors).toMatchObject([{ extensions: { code: 'RELOAD' } }])
    expect(intime.errors).toMatchObject([{ extensions: { code: 'RELOAD' } }])
  })
})
