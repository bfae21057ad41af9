import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import pg from 'pg'
import { withConnection } from '../../src/database/connection.ts'
import { demoCompanions, seedDemo } from '../../src/database/demo.ts'
import { migrationsFolder } from '../../src/database/migrations.ts'
import { makeDatabase, type TestDatabase } from '../support/database.ts'

let database: TestDatabase
let isSeeded: boolean
beforeAll(async () => {
  database = await makeDatabase()
  isSeeded = await seedDemo(database.ownerUrl)
})
afterAll(() => database.drop())

const ask = async (sql: string) =>
  (await withConnection(database.ownerUrl, (client) => client.query<Record<string, unknown>>(sql))).rows

describe('the demo', () => {
  test('an owner finds seven people, three doors and their rules in her office', async () => {
    const [counts] = await ask(
      `select
         (select count(*)::int from app_public.memberships where organization_id = offices.organization_id) as people,
         (select count(*)::int from app_public.doors where office_id = offices.id) as doors,
         (select count(*)::int from app_public.access_rules where office_id = offices.id) as rules,
         (select count(*)::int from app_public.closures where office_id = offices.id) as closures
       from app_public.offices where name = 'Berlin'`,
    )

    expect(counts).toEqual({ people: 7, doors: 3, rules: 5, closures: 2 })
  })

  test('an operator whose database has people in it gets nothing', async () => {
    const before = await ask('select count(*) from app_public.door_decisions')

    expect(isSeeded).toBe(true)
    expect(await seedDemo(database.ownerUrl)).toBe(false)
    expect(await ask('select count(*) from app_public.door_decisions')).toEqual(before)
  })

  test('an operator who gives a door another controller, or revokes one, runs the rest beside the server', async () => {
    await ask(
      `insert into app_public.devices (organization_id, office_id, name, kind)
       select organization_id, office_id, 'My own', 'controller' from app_public.doors where name = 'Workshop';
       update app_public.doors set device_id = devices.id
       from app_public.devices
       where doors.name = 'Workshop' and devices.name = 'My own';
       insert into app_public.doors (organization_id, office_id, name, device_id)
       select organization_id, office_id, 'Cellar', id from app_public.devices where name = 'My own';
       update app_public.devices set revoked_at = now() where name = 'Roof controller'`,
    )

    const started = await demoCompanions(database.ownerUrl, {
      url: 'http://here',
      folder: '/keys',
      files: [],
    })

    expect(started).toEqual([
      {
        name: 'Front door',
        command: [
          'examples/door-controller/src/main.ts',
          'run',
          '--url',
          'http://here',
          '--state',
          expect.stringMatching(/^\/keys\/[\da-f-]{36}\.json$/),
          '--code',
          expect.stringMatching(/^\w{4}-\w{4}-\w{4}$/),
        ],
      },
    ])
  })

  test('a controller that has its key is given no code', async () => {
    const all = await demoCompanions(database.ownerUrl, { url: 'http://here', folder: '/keys', files: [] })
    const files = all.map(({ command }) => command[5]!.replace('/keys/', ''))

    const again = await demoCompanions(database.ownerUrl, { url: 'http://here', folder: '/keys', files })

    expect(again.map(({ command }) => command.includes('--code'))).toEqual(all.map(() => false))
  })
})

// Which days are weekends is another matter on each day of the week.
describe.each([0, 1, 2, 3, 4, 5, 6])('the demo as of %i days ago', (daysAgo) => {
  let empty: TestDatabase
  let client: pg.Client
  beforeAll(async () => {
    empty = await makeDatabase()
    client = new pg.Client({ connectionString: empty.ownerUrl })
    await client.connect()
    const seed = readFileSync(join(migrationsFolder, 'demo/seed.sql'), 'utf8')
    await client.query(
      seed
        .replaceAll('current_date', `(current_date - ${daysAgo})`)
        .replaceAll('now()', `(now() - interval '${daysAgo} days')`),
    )
  })
  afterAll(async () => {
    await client.end()
    await empty.drop()
  })

  const find = async (sql: string) => (await client.query<Record<string, unknown>>(sql)).rows

  test('a manager looks back on a month, of all members, at each door, both let in and denied', async () => {
    const days = await find(
      `select doors.name, count(distinct person_id)::int as people,
         count(*) filter (where is_allowed) > 0 and count(*) filter (where not is_allowed) > 0 as is_mixed,
         max(decided_at) < now() and min(decided_at) > now() - interval '39 days' as is_past,
         count(distinct decided_at::date) > 5 as is_spread
       from app_public.door_decisions
       join app_public.doors on doors.id = door_id
       join app_public.offices on offices.id = office_id
       where offices.name = 'Berlin'
       group by 1 order by 1`,
    )

    const rest = { is_mixed: true, is_past: true, is_spread: true }
    expect(days).toEqual([
      { name: 'Front door', people: 7, ...rest },
      { name: 'Roof', people: 3, ...rest },
      { name: 'Workshop', people: 5, ...rest },
    ])
  })

  test('an operator who replays it finds nothing that the rules would decide otherwise', async () => {
    const others = await find(
      `select door_decisions.*
       from app_public.door_decisions,
         app_private.decide_door(door_id, person_id, decided_at) as answer
       where (door_decisions.is_allowed, door_decisions.rule, door_decisions.reason)
         is distinct from (answer.is_allowed, answer.rule, answer.reason)`,
    )

    expect(others).toEqual([])
  })

  test('a door has opened, or failed to, for each who was let in, and for nobody else', async () => {
    const [counts] = await find(
      `select
         count(*) filter (where is_allowed and state is null)::int as missing,
         count(*) filter (where not is_allowed and state is not null)::int as wrong,
         count(*) filter (where state = 'opened') > 200 as have_opened,
         count(*) filter (where state = 'failed')::int between 1 and 20 as have_failed
       from app_public.door_decisions
       left join app_public.unlock_commands on decision_id = door_decisions.id`,
    )

    expect(counts).toEqual({ missing: 0, wrong: 0, have_opened: true, have_failed: true })
  })

  test('whoever looks today finds none of the closures under way, which would keep members out', async () => {
    expect(
      await find(
        `select from app_public.closures where current_date - ${daysAgo} between starts_on - 1 and ends_on + 1`,
      ),
    ).toEqual([])
  })
})
