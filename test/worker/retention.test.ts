import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { JobHelpers } from 'graphile-worker'
import pg from 'pg'
import { retention__purge } from '../../worker/tasks/retention__purge.ts'
import { makeDatabase, type TestDatabase } from '../support/database.ts'
import { decideAt, partAsOf } from '../support/log.ts'
import { makePerson, makeStudio, type Studio } from '../support/people.ts'
import { taskServices } from '../support/taskServices.ts'

let database: TestDatabase
let client: pg.Client
let person: string
let studio: Studio
beforeAll(async () => {
  database = await makeDatabase()
  client = new pg.Client({ connectionString: database.ownerUrl })
  await client.connect()
  person = await makePerson(run, 'Pia')
  studio = await makeStudio(run)
  await run('insert into app_public.memberships (organization_id, person_id) values ($1, $2)', [
    studio.organizationId,
    person,
  ])
})
afterAll(async () => {
  await client.end()
  await database.drop()
})

const run = async (sql: string, values: unknown[] = []) =>
  (await client.query<Record<string, unknown>>(sql, values)).rows
const helpers = {
  withPgClient: (callback: (client: pg.Client) => Promise<unknown>) => callback(client),
} as unknown as JobHelpers

const purge = async (securityLogDays = 365, doorLogMonths = 24) => {
  const retention = { securityLogDays, doorLogMonths, guestDays: 20 }
  await retention__purge(taskServices({ retention }))({}, helpers)
}

/** A table, what makes rows of it from a moment in $1 and the person's id in $2, and what is left of them. */
type Kept = { table: string; insert: string; over: string; kept: string; batch?: string }
const cases: Record<string, Kept> = {
  'sessions end when they say': {
    table: 'app_public.sessions',
    insert: 'insert into app_public.sessions (person_id, expires_at) values ($2, now() + $1)',
    over: '-1 second',
    kept: '1 hour',
    batch: 'app_private.purge_expired_sessions()',
  },
  'API keys end when they say': {
    table: 'app_public.api_keys',
    insert: `insert into app_public.api_keys (person_id, name, starts_with, can_write, expires_at)
      values ($2, 'Backup', '', false, now() + $1)`,
    over: '-1 second',
    kept: '1 hour',
  },
  'what came from Slack is known for ten minutes': {
    table: 'app_private.slack_receipts',
    insert: `insert into app_private.slack_receipts (received_at, key)
      values (now() + $1, sha256(uuid_send(gen_random_uuid()) || uuid_send($2)))`,
    over: '-601 seconds',
    kept: '-9 minutes',
    batch: 'app_private.purge_slack()',
  },
  'mailed codes end when they say': {
    table: 'app_private.mail_codes',
    insert: `insert into app_private.mail_codes (purpose, address, person_id, expires_at)
      values ('add_address', 'pia@example.org', $2, now() + $1)`,
    over: '-1 second',
    kept: '1 hour',
    batch: 'app_private.purge_mail_codes()',
  },
  'attempts are kept as long as the longest limit looks back': {
    table: 'app_private.attempts',
    insert: `insert into app_private.attempts (key, attempted_at) values (sha256($2::text::bytea), now() + $1)`,
    over: '-1 hour -1 second',
    kept: '-50 minutes',
    batch: 'app_private.purge_attempts()',
  },
  'the security log is kept as long as the setting says': {
    table: 'app_public.security_events',
    insert: `insert into app_public.security_events (person_id, kind, created_at) values ($2, 'signed_in', now() + $1)`,
    over: '-30 days -1 second',
    kept: '-29 days',
    batch: `app_private.purge_security_events('30 days')`,
  },
  'exports of the log end when they say': {
    table: 'app_public.log_exports',
    insert: `insert into app_public.log_exports (organization_id, office_id, requested_by, until, expires_at)
      select organization_id, id, $2, now(), now() + $1 from app_public.offices limit 1`,
    over: '-1 second',
    kept: '1 hour',
  },
  'passes of guests are kept after their end as long as the setting says': {
    table: 'app_public.guest_passes',
    insert: `insert into app_public.guest_passes
      (organization_id, office_id, guest_name, guest_email, starts_at, ends_at, uses, revoked_at)
      values ((select organization_id from app_public.offices limit 1), (select id from app_public.offices limit 1),
        left($2::uuid::text, 9), 'gus@example.org', '2000-01-01', now() + $1, 1, now())`,
    over: '-20 days -1 second',
    kept: '-19 days',
    batch: `app_private.purge_guest_passes('20 days')`,
  },
  'exports end when they say': {
    table: 'app_public.account_exports',
    insert: `insert into app_public.account_exports (person_id, finished_at, document, expires_at)
      values ($2, now(), '{}', now() + $1)`,
    over: '-1 second',
    kept: '1 hour',
    batch: 'app_private.purge_account_exports()',
  },
  'rings are kept for 30 days': {
    table: 'app_public.rings',
    insert: `with office as (
        insert into app_public.offices (organization_id, name)
        select organization_id, 'Main' from app_public.memberships where person_id = $2 returning *
      ), door as (
        insert into app_public.doors (organization_id, office_id, name)
        select organization_id, id, 'Front' from office returning *
      )
      insert into app_public.rings (organization_id, office_id, door_id, last_rang_at)
      select organization_id, office_id, id, now() + $1 from door`,
    over: '-30 days -1 second',
    kept: '-29 days',
  },
  'presences are kept for 30 days': {
    table: 'app_public.presences',
    insert: `with office as (
        insert into app_public.offices (organization_id, name)
        select organization_id, 'Main' from app_public.memberships where person_id = $2 returning *
      )
      insert into app_public.presences (organization_id, office_id, person_id, origin, since, until, expires_at)
      select organization_id, id, $2, 'said_so', '2020-01-01', now() + $1, now() from office`,
    over: '-30 days -1 second',
    kept: '-29 days',
  },
  'who could not be told of their departure is forgotten after a week': {
    table: 'app_private.departures',
    insert: `insert into app_private.departures (person_id, name, left_at)
      values (gen_random_uuid(), left($2::uuid::text, 9), now() + $1)`,
    over: '-7 days -1 second',
    kept: '-6 days',
    batch: 'app_private.purge_departures()',
  },
}

describe('retention__purge', () => {
  test.each(Object.entries(cases))(
    '%s, and go in the night after',
    async (_, { table, insert, over, kept }) => {
      await client.query(`delete from ${table}`)
      for (const age of [over, kept])
        await client.query(insert.replace('$1', `interval '${age}'`).replaceAll('$2', `$1`), [person])
      const [{ id: newest } = {}] = await run(`select max(ctid)::text as id from ${table}`)

      await purge(30)
      await purge(30)

      expect(await run(`select ctid::text as id from ${table}`)).toEqual([{ id: newest }])
    },
  )

  test('somebody who left and is still there is not forgotten: an operator is to look', async () => {
    await client.query(
      `insert into app_private.departures (person_id, name, left_at) values ($1, 'Pia', now() - interval '1 year')`,
      [person],
    )

    await purge()

    expect(await run('select name from app_private.departures where person_id = $1', [person])).toEqual([
      { name: 'Pia' },
    ])
  })

  test('the decision log is kept as many months as the setting says', async () => {
    await partAsOf(run, 3)
    await decideAt(run, studio, `now() - interval '5 months'`)
    const kept = await decideAt(run, studio, 'now()')
    const decisions = () => run('select id from app_public.door_decisions')

    await purge(365, 4)
    expect(await decisions()).toHaveLength(2) // what was three months before is one part, which ended too lately

    await purge(365, 2)
    await purge(365, 2)
    expect(await decisions()).toEqual([{ id: kept }])
  })

  test('a year of the log is kept where nothing else is set', async () => {
    await client.query('delete from app_public.security_events')
    for (const age of ['366 days', '364 days']) {
      await client.query(
        `insert into app_public.security_events (kind, created_at) values ('signed_in', now() - $1::interval)`,
        [age],
      )
    }

    await purge()

    expect(await run('select from app_public.security_events')).toHaveLength(1)
  })
})

describe('a table that has grown large', () => {
  const batched = Object.values(cases).flatMap(({ batch, ...rest }) => (batch ? [{ ...rest, batch }] : []))

  test.each(batched)('$table is purged in batches, to its end', async ({ table, insert, over, batch }) => {
    const most = table.endsWith('exports') ? 1000 : 10_000
    const values = insert.slice(insert.indexOf('values (') + 8, insert.lastIndexOf(')'))
    await client.query(`delete from ${table}`)
    await client.query(
      `${insert.slice(0, insert.indexOf('values ('))}
       select ${values.replace('$1', `interval '${over}'`).replace('$2', `'${person}'::uuid`)}
       from generate_series(0, $1)`,
      [most],
    )

    const [first] = await run(`select ${batch}::int as count`)
    await purge(30)

    expect(first).toEqual({ count: most })
    expect(await run(`select from ${table}`)).toEqual([])
  })
})
