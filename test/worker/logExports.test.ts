import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import type { JobHelpers } from 'graphile-worker'
import pg from 'pg'
import { log_export__write } from '../../worker/tasks/log_export__write.ts'
import { makeDatabase, type TestDatabase } from '../support/database.ts'
import { makeStudio, type Studio } from '../support/people.ts'
import { taskServices } from '../support/taskServices.ts'

let database: TestDatabase
let client: pg.Client
let studio: Studio
beforeAll(async () => {
  database = await makeDatabase()
  client = new pg.Client({ connectionString: database.ownerUrl })
  await client.connect()
})
afterAll(async () => {
  await client.end()
  await database.drop()
})
beforeEach(async () => {
  await client.query('delete from app_public.organizations')
  await client.query('delete from app_public.people')
  studio = await makeStudio(run)
})

const run = async (sql: string, values: unknown[] = []) =>
  (await client.query<Record<string, unknown>>(sql, values)).rows

const header =
  '\ufeffdecided_at,local_time,time_zone,office,door,person,decision,rule,reason,decision_id,door_id,person_id\r\n'
const write = log_export__write(taskServices())
const worker = (attempts: number) => ({
  job: { attempts, max_attempts: 5 },
  abortSignal: new AbortController().signal,
})
type Run = { killedAt?: number; attempts?: number; connection?: pg.Client }
/** Runs the job as a worker that is killed ahead of its statement of a number, counted from 0; how many it came to. */
async function runJob(id: string, { killedAt = Infinity, attempts = 1, connection = client }: Run = {}) {
  let statements = 0
  const query = (sql: string, values: unknown[]) => {
    if (statements >= killedAt) throw new Error('killed')
    statements++
    return connection.query(sql, values)
  }
  await write({ id }, { query, ...worker(attempts) } as unknown as JobHelpers)
  return statements
}

const request = async (columns: Record<string, unknown> = {}) => {
  const row = {
    organization_id: studio.organizationId,
    office_id: studio.officeId,
    until: new Date(),
    ...columns,
  }
  const [made] = await run(
    `insert into app_public.log_exports (${Object.keys(row).join()})
     values (${Object.keys(row)
       .map((_, index) => `$${index + 1}`)
       .join()}) returning id`,
    Object.values(row),
  )
  return made!.id as string
}
const exportOf = async (id: string) =>
  (await run('select *, rows_total from app_public.log_exports where id = $1', [id]))[0]!
const partsOf = async (id: string) =>
  (
    await run('select content from app_public.log_export_parts where log_export_id = $1 order by number', [
      id,
    ])
  ).map(({ content }) => content as string)
const fileOf = async (id: string) => (await partsOf(id)).join('')
/** Decisions with a number as their reason, at moments in SQL that may depend on it. */
const decide = (
  count: number,
  moment = `timestamptz '2026-03-01Z' + n * interval '1 second'`,
  columns = {},
) => {
  const row = {
    organization_id: studio.organizationId,
    door_id: studio.doorId,
    person_id: studio.member,
    ...columns,
  }
  return run(
    `insert into app_public.door_decisions (${Object.keys(row).join()}, is_allowed, rule, reason, decided_at)
     select ${Object.keys(row)
       .map((_, index) => `$${index + 1}::uuid`)
       .join()}, n % 2 = 0, 'Members', n, ${moment}
     from generate_series(1, ${count}) as n returning id`,
    Object.values(row),
  )
}
const reasonsOf = async (id: string) =>
  (await fileOf(id))
    .split('\r\n')
    .slice(1, -1)
    .map((line) => Number(line.split(',')[8]))
const numbers = (count: number) => Array.from({ length: count }, (_, index) => index + 1)

describe('log_export__write', () => {
  test('a line has the moment by both clocks, the names, and the ids', async () => {
    await run(`update app_public.offices set time_zone = 'Europe/Berlin'`)
    const [{ id: decision } = {}] = await decide(1, `timestamptz '2026-03-29 01:00:00.000001Z'`)
    const id = await request()

    await runJob(id)

    expect(await fileOf(id)).toBe(
      `${header}2026-03-29T01:00:00.000001Z,2026-03-29 03:00:00,Europe/Berlin,Main,Front,Mia,denied,Members,1,` +
        `${String(decision)},${studio.doorId},${studio.member}\r\n`,
    )
    expect(await exportOf(id)).toMatchObject({
      state: 'finished',
      rows_written: 1,
      rows_total: 1,
      error: null,
    })
  })

  test('a finished one can be read for a week from then on', async () => {
    const id = await request()

    await runJob(id)

    const [row] = await run(
      `select expires_at = finished_at + interval '7 days' as is_week from app_public.log_exports`,
    )
    expect(row).toEqual({ is_week: true })
  })

  test('an empty log is a file with the names of the columns', async () => {
    const id = await request()

    await runJob(id)

    expect(await fileOf(id)).toBe(header)
    expect(await exportOf(id)).toMatchObject({ state: 'finished', rows_written: 0, rows_total: 0 })
  })

  test.each([
    [`=HYPERLINK("https://evil.example")`, `"'=HYPERLINK(""https://evil.example"")"`],
    ['+1', `'+1`],
    ['-1', `'-1`],
    ['@SUM(A1)', `'@SUM(A1)`],
    ['Grün, "Tür" 1', '"Grün, ""Tür"" 1"'],
    ['two\nlines', '"two\nlines"'],
    ['日本 🚪', '日本 🚪'],
  ])('a door called %j stands as %j', async (name, cell) => {
    await run('update app_public.doors set name = $1', [name])
    await decide(1)
    const id = await request()

    await runJob(id)

    expect(await fileOf(id)).toContain(`,Main,${cell},Mia,`)
  })

  test('somebody who is gone has no name', async () => {
    await decide(1)
    await run('delete from app_public.people where id = $1', [studio.member])
    const id = await request()

    await runJob(id)

    expect(await fileOf(id)).toContain(',Main,Front,,denied,')
  })

  test('it begins at the moment that is asked for and ends before the other', async () => {
    await decide(5)
    const id = await request({ since: '2026-03-01T00:00:02Z', until: '2026-03-01T00:00:04Z' })

    await runJob(id)

    expect(await reasonsOf(id)).toEqual([2, 3])
  })

  test('it is of that door, that person and that office alone', async () => {
    const [other] = await run(
      `insert into app_public.offices (organization_id, name) values ($1, 'Other') returning id`,
      [studio.organizationId],
    )
    const makeDoor = async (office: unknown) => {
      const [door] = await run(
        `insert into app_public.doors (organization_id, office_id, name) values ($1, $2, 'Side') returning id`,
        [studio.organizationId, office],
      )
      return door!.id as string
    }
    const [side, rear] = [await makeDoor(other!.id), await makeDoor(studio.officeId)]
    await decide(1)
    await decide(2, undefined, { person_id: studio.manager })
    await decide(3, undefined, { door_id: rear })
    await decide(4, undefined, { door_id: side })
    const rowsOf = async (columns = {}) => {
      const id = await request(columns)
      await runJob(id)
      return (await exportOf(id)).rows_written
    }

    expect(await rowsOf()).toBe(6)
    expect(await rowsOf({ door_id: studio.doorId })).toBe(3)
    expect(await rowsOf({ door_id: studio.doorId, person_id: studio.manager })).toBe(2)
    expect(await rowsOf({ office_id: other!.id })).toBe(4)
  })

  test.each([
    ['each of its own moment, over months', `timestamptz '2026-01-01Z' + n * interval '1 hour'`],
    ['all of one moment', `timestamptz '2026-03-01Z'`],
  ])('of 2,500 decisions, %s, it has each once, in parts of a thousand', async (_, moment) => {
    await decide(2500, moment)
    const id = await request()

    await runJob(id)

    const parts = await partsOf(id)
    expect(parts.map((part) => part.split('\r\n').length - 1)).toEqual([1001, 1000, 500])
    expect((await reasonsOf(id)).sort((one, other) => one - other)).toEqual(numbers(2500))
    expect(await exportOf(id)).toMatchObject({ rows_written: 2500, rows_total: 2500 })
  })

  test('a thousand decisions are whole, with nothing behind them', async () => {
    await decide(1000)
    const id = await request()

    await runJob(id)

    expect(await reasonsOf(id)).toEqual(numbers(1000))
    expect(await exportOf(id)).toMatchObject({ state: 'finished', rows_written: 1000 })
  })

  test('who watches sees how far it is', async () => {
    await decide(2500)
    const id = await request()

    await expect(runJob(id, { killedAt: 4 })).rejects.toThrow('killed')

    expect(await exportOf(id)).toMatchObject({ state: 'writing', rows_written: 1000, rows_total: 2500 })
  })

  test('killed ahead of any of its statements, it goes on and has each decision once', async () => {
    await decide(2500)
    const whole = await request()
    const statements = await runJob(whole)
    expect(statements).toBe(10)

    for (let killedAt = 0; killedAt < statements; killedAt++) {
      const id = await request()
      await expect(runJob(id, { killedAt })).rejects.toThrow('killed')
      await runJob(id)

      expect(await partsOf(id)).toEqual(await partsOf(whole))
      expect(await exportOf(id)).toMatchObject({ state: 'finished', rows_written: 2500 })
    }
  })

  test('killed again and again, it comes to its end', async () => {
    await decide(2500)
    const id = await request()

    for (let time = 0; time < 4; time++) await runJob(id, { killedAt: 4 }).catch(() => {})

    expect(await reasonsOf(id)).toEqual(numbers(2500))
    expect(await exportOf(id)).toMatchObject({ state: 'finished' })
  })

  test('run twice at once, it has each decision once', async () => {
    await decide(2500)
    const id = await request()
    const other = new pg.Client({ connectionString: database.ownerUrl })
    await other.connect()

    await Promise.all([runJob(id), runJob(id, { connection: other })]).finally(() => other.end())

    expect(await reasonsOf(id)).toEqual(numbers(2500))
    expect(await exportOf(id)).toMatchObject({ state: 'finished', rows_written: 2500 })
  })

  test('run again, a finished one stays as it is', async () => {
    await decide(1)
    const id = await request()
    await runJob(id)
    const before = await exportOf(id)
    await decide(1)

    await runJob(id)

    expect(await exportOf(id)).toEqual(before)
  })

  test('what is decided meanwhile, behind its end, is not in it', async () => {
    await decide(1500)
    const id = await request({ until: '2026-03-01T00:20:00Z' })
    await runJob(id, { killedAt: 4 }).catch(() => {})
    await decide(1, `timestamptz '2026-03-02Z'`)

    await runJob(id)

    expect(await exportOf(id)).toMatchObject({ rows_written: 1199, rows_total: 1199 })
  })

  test('months that are dropped meanwhile are missing, and it ends', async () => {
    await decide(2500)
    const id = await request()
    await runJob(id, { killedAt: 4 }).catch(() => {})
    await client.query(`select app_private.drop_log_partitions('0 days')`)

    await runJob(id)

    expect(await exportOf(id)).toMatchObject({ state: 'finished', rows_written: 1000, rows_total: 1000 })
  })

  test('a last attempt that fails says so; an earlier one leaves it to the next', async () => {
    const id = await request()
    const broken = { query: (sql: string, values: unknown[]) => breakOn(sql) ?? client.query(sql, values) }
    const breakOn = (sql: string) => {
      if (sql.includes('log_export_rows')) throw new Error('disk full')
    }
    const attempt = (attempts: number) =>
      write({ id }, { ...broken, ...worker(attempts) } as unknown as JobHelpers)

    await expect(attempt(4)).rejects.toThrow('disk full')
    expect(await exportOf(id)).toMatchObject({ state: 'writing', error: null })
    await expect(attempt(5)).rejects.toThrow('disk full')
    expect(await exportOf(id)).toMatchObject({
      state: 'failed',
      error: 'It could not be written. Ask for another one.',
    })
  })

  test('one that is gone is done', async () => {
    expect(await runJob(crypto.randomUUID())).toBe(1)
  })
})
