import { hash } from 'node:crypto'
import pg from 'pg'
import type { TestDatabase } from '../support/database.ts'
import { makeRandom } from '../support/random.ts'
import { age, chooseDeed, type Deed, expire, type Query, settle } from './deeds.ts'
import type { Referee } from './referee.ts'
import { makeWorld, reset } from './world.ts'

/** How often what happened, over all histories so far. */
export type Tally = {
  histories: number
  transactions: number
  waits: number
  crashes: number
  grants: number
}

/** Plays random histories against the real functions, on connections of its own. */
export type Player = {
  tally: Tally
  /** Plays the history of a seed; throws the Violation that the referee finds. */
  play(seed: number): Promise<void>
  owner: Query
  close(): Promise<void>
}

const connectionCount = 3
const steps = 45

/** A connection, and how far the transaction on it has come. */
type Lane = {
  client: pg.Client
  query: Query
  deed: Deed | null
  /** Set while it acts: what is to be told once it is committed, or why there is nothing. */
  acting: Promise<void> | null
  outcome: { tell: () => void } | { error: unknown } | null
}

/** Makes a player, and a studio with two members, two controllers and two doors to play in. */
export async function makePlayer(database: TestDatabase): Promise<Player> {
  const connect = async () => {
    const client = new pg.Client({ connectionString: database.ownerUrl })
    await client.connect()
    const query: Query = async (sql, values) => (await client.query<Record<string, any>>(sql, values)).rows
    return { client, query }
  }
  const observer = await connect()
  const lanes = await Promise.all(
    Array.from({ length: connectionCount }, async (): Promise<Lane> => ({
      ...(await connect()),
      ...{ deed: null, acting: null, outcome: null },
    })),
  )
  const world = await makeWorld(observer.query)
  const tally: Tally = { histories: 0, transactions: 0, waits: 0, crashes: 0, grants: 0 }

  /** Resolves when a lane has acted, or waits for another one. */
  const isThrough = async (lane: Lane): Promise<void> => {
    const { processID } = lane.client as pg.Client & { processID: number }
    for (;;) {
      const [row] = await observer.query('select cardinality(pg_blocking_pids($1)) > 0 as waits', [processID])
      if (lane.outcome !== null) return
      if (row!.waits) {
        tally.waits++
        return
      }
    }
  }

  const begin = async (lane: Lane, deed: Deed) => {
    await lane.client.query('begin')
    lane.deed = deed
    try {
      await become(lane.query, deed.caller)
    } catch {
      await abandon(lane) // the key has ended
    }
  }
  const act = async (lane: Lane) => {
    lane.acting = lane.deed!.act(lane.query).then(
      (tell) => void (lane.outcome = { tell }),
      (error: unknown) => void (lane.outcome = { error }),
    )
    await isThrough(lane)
  }
  /** Ends a transaction; a crash is one that ends before its answer was sent. */
  const end = async (lane: Lane, isCrash: boolean) => {
    const { outcome } = lane
    if (outcome && 'error' in outcome) {
      await abandon(lane)
      throw outcome.error
    }
    if (isCrash) {
      tally.crashes++
      return abandon(lane)
    }
    await lane.client.query('commit')
    forget(lane)
    tally.transactions++
    outcome!.tell()
  }

  const runAlone = async (deed: Deed) => {
    const lane = lanes[0]!
    await begin(lane, deed)
    await act(lane)
    await end(lane, false)
  }

  return {
    tally,
    owner: observer.query,
    async play(seed) {
      const random = makeRandom(seed)
      const referee = await reset(observer.query, world)
      try {
        for (let step = 0; step < steps; step++) {
          const free = lanes.filter(({ acting, outcome }) => acting === null || outcome !== null)
          // None: one that waited goes on by itself, or Postgres ends a deadlock, which is a fault.
          if (free.length === 0) {
            await Promise.race(lanes.flatMap(({ acting }) => acting ?? []))
            continue
          }
          const lane = random.pick(free)
          if (lane.deed === null) await begin(lane, chooseDeed(random, world, referee))
          else if (lane.outcome === null) await act(lane)
          else {
            await end(lane, random.chance(0.1))
            // Those that waited for it go on, one of them at least.
            for (const other of lanes) if (other.acting !== null && !other.outcome) await isThrough(other)
          }
        }
        await windUp(lanes, end)
        for (const id of referee.commands.keys()) {
          for (const deed of [expire, age, settle]) await runAlone(deed(id, referee))
        }
        await assertSettled(observer.query, referee)
        for (const { grants } of referee.commands.values()) tally.grants += grants
        tally.histories++
      } finally {
        await abandonAll(lanes)
      }
    },
    async close() {
      await Promise.all([observer, ...lanes].map(({ client }) => client.end()))
    },
  }
}

const forget = (lane: Lane) => Object.assign(lane, { deed: null, acting: null, outcome: null })
async function abandon(lane: Lane): Promise<void> {
  await lane.client.query('rollback')
  forget(lane)
}

/** Undoes whatever still stands after a violation. Who waited may hold up others in turn, once it has its lock. */
async function abandonAll(lanes: Lane[]): Promise<void> {
  for (;;) {
    for (const lane of lanes) {
      if (lane.deed !== null && (lane.acting === null || lane.outcome !== null)) await abandon(lane)
    }
    const waiting = lanes.flatMap(({ acting }) => acting ?? [])
    if (waiting.length === 0) return
    await Promise.race(waiting)
  }
}

/** Ends what is under way: those that have acted, until nobody waits any more. */
async function windUp(lanes: Lane[], end: (lane: Lane, isCrash: boolean) => Promise<void>): Promise<void> {
  for (;;) {
    const lane = lanes.find(({ outcome }) => outcome !== null)
    if (lane) {
      await end(lane, false)
      continue
    }
    const waiting = lanes.flatMap(({ acting }) => acting ?? [])
    if (waiting.length === 0) break
    await Promise.race(waiting)
  }
  for (const lane of lanes) if (lane.deed !== null) await abandon(lane)
}

/** As the API does: a device is who its key says at this moment. */
async function become(query: Query, caller: Deed['caller']): Promise<void> {
  const settings = { 'plinth.person_id': '', 'plinth.device_id': '' }
  if (caller && 'person' in caller) settings['plinth.person_id'] = caller.person
  if (caller && 'token' in caller) {
    const rows = await query('select setting, value from app_private.identify($1)', [
      hash('sha256', caller.token, 'buffer'),
    ])
    settings['plinth.device_id'] = rows.find(({ setting }) => setting === 'plinth.device_id')!.value as string
  }
  await query('select set_config(key, value, true) from json_each_text($1)', [JSON.stringify(settings)])
}

/** In the end nothing is open, and what the table says is what was told. */
async function assertSettled(query: Query, referee: Referee): Promise<void> {
  const rows = await query('select id, state from app_public.unlock_commands')
  for (const { id, state } of rows) {
    if (state === 'pending' || state === 'claimed') throw new Error('It has no outcome in the end.')
    referee.seen(id as string, state as string)
  }
}
