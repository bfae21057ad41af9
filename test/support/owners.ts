import { afterAll, beforeAll } from '@jest/globals'
import pg from 'pg'
import { codeOf } from '../../src/fault.ts'
import { makeDatabase, type TestDatabase } from './database.ts'
import { eventually } from './eventually.ts'

/** An organization that two people own, with a manager besides, all signed in; changes to it are committed. */
export type Owned = { organizationId: string; anna: string; ben: string; manager: string }

/** A statement and who runs it; null for the database's owner. */
export type Deed = { by: string | null; sql: string; values: unknown[] }

/** How two deeds ended, as SQLSTATEs or `done`, whether the second waited, and how many owners there are now. */
export type Outcome = { first: string; second: string; hasWaited: boolean; owners: number }

export const isolationLevels = ['read committed', 'repeatable read', 'serializable'] as const
export type Isolation = (typeof isolationLevels)[number]

/** Connections that are truly apart, and what to try on them. */
export type Owners = {
  client(): pg.Client
  makeOwned(): Promise<Owned>
  countOwners(organizationId: string): Promise<number>
  /**
   * Two transactions whose snapshots are both older than either change. The first deed is done, the second tried;
   * once that waits for the first one, or has not had to, they commit in this order.
   */
  race(organizationId: string, deeds: [Deed, Deed], isolation: Isolation): Promise<Outcome>
  /** As many transactions as deeds, let go at one moment: how each ended. */
  rush(deeds: Deed[], isolation: Isolation): Promise<string[]>
}

/** Makes them for the tests of a file, in a database of its own. */
export function useOwners(connections: number): Owners {
  let database: TestDatabase
  let clients: pg.Client[]
  let client: pg.Client
  beforeAll(async () => {
    database = await makeDatabase()
    const connect = async () => {
      const made = new pg.Client({ connectionString: database.superuserUrl })
      await made.connect()
      return made
    }
    client = await connect()
    clients = await Promise.all(Array.from({ length: connections }, connect))
  })
  afterAll(async () => {
    await Promise.all([client, ...clients].map((each) => each.end()))
    await database.drop()
  })

  const owners: Owners = {
    client: () => client,
    async makeOwned() {
      const { rows } = await client.query<Owned>(
        `with organization as (
           insert into app_public.organizations (name) values ('Studio') returning id
         ), person as (
           insert into app_public.people (name) values ('Anna'), ('Ben'), ('Marc') returning id, name
         ), membership as (
           insert into app_public.memberships (organization_id, person_id, role)
           select organization.id, person.id, case person.name when 'Marc' then 'manager' else 'owner' end
           from organization, person
         ), session as (
           insert into app_public.sessions (person_id) select id from person
         )
         select organization.id as "organizationId",
           (select id from person where name = 'Anna') as anna,
           (select id from person where name = 'Ben') as ben,
           (select id from person where name = 'Marc') as manager
         from organization`,
      )
      return rows[0]!
    },
    async countOwners(organizationId) {
      const { rows } = await client.query<{ count: number }>(
        `select count(*)::int as count from app_public.memberships where organization_id = $1 and role = 'owner'`,
        [organizationId],
      )
      return rows[0]!.count
    },
    async race(organizationId, [first, second], isolation) {
      const [one, other] = [clients[0]!, clients[1]!]
      await begin(one, isolation, first.by)
      await begin(other, isolation, second.by)
      let firstEnd = await attempt(one, first)
      let hasEnded = false
      const trying = attempt(other, second).finally(() => (hasEnded = true))
      await eventually(async () => {
        const { rows } = await client.query<{ waits: boolean }>(
          'select $1 = any (pg_blocking_pids($2)) as waits',
          [pidOf(one), pidOf(other)],
        )
        if (!hasEnded && !rows[0]!.waits) throw new Error('The second neither waits nor has ended.')
      })
      const hasWaited = !hasEnded
      firstEnd = await commit(one, firstEnd)
      const secondEnd = await commit(other, await trying)
      return {
        first: firstEnd,
        second: secondEnd,
        hasWaited,
        owners: await owners.countOwners(organizationId),
      }
    },
    async rush(deeds, isolation) {
      const gate = 4711
      await client.query('select pg_advisory_lock($1)', [gate])
      const running = deeds.map(async (deed, index) => {
        const own = clients[index]!
        await begin(own, isolation, deed.by)
        await own.query('select pg_advisory_xact_lock_shared($1)', [gate])
        return commit(own, await attempt(own, deed))
      })
      await eventually(async () => {
        const { rows } = await client.query<{ count: number }>(
          `select count(*)::int as count from pg_locks where locktype = 'advisory' and objid = $1 and not granted`,
          [gate],
        )
        if (rows[0]!.count < deeds.length) throw new Error('Not all of them stand at the gate.')
      })
      await client.query('select pg_advisory_unlock($1)', [gate])
      return Promise.all(running)
    },
  }
  return owners
}

// Not in the types of pg, but what it calls the number of its server process.
const pidOf = (client: pg.Client) => (client as pg.Client & { processID: number }).processID

async function begin(client: pg.Client, isolation: Isolation, by: string | null): Promise<void> {
  await client.query(`begin isolation level ${isolation}`)
  await client.query(
    `select
       set_config('plinth.person_id', $1, true),
       set_config('plinth.session_id', coalesce(
         (select sessions.id::text from app_public.sessions where sessions.person_id::text = $1), ''
       ), true),
       set_config('role', $2, true)`,
    [by ?? '', by === null ? 'plinth_owner' : 'plinth_person'],
  )
}

const attempt = (client: pg.Client, { sql, values }: Deed): Promise<string> =>
  client.query(sql, values).then(
    () => 'done',
    (error: unknown) => codeOf(error) ?? String(error),
  )

/** Ends a transaction; after an error a commit is a rollback. */
async function commit(client: pg.Client, end: string): Promise<string> {
  const committed = await attempt(client, { by: null, sql: 'commit', values: [] })
  if (committed !== 'done') await client.query('rollback')
  return end === 'done' ? committed : end
}
