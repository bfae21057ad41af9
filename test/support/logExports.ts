import { afterAll, beforeAll, beforeEach } from '@jest/globals'
import type { JobHelpers } from 'graphile-worker'
import pg from 'pg'
import { log_export__write } from '../../worker/tasks/log_export__write.ts'
import { makeDatabase, type Run, type TestDatabase } from './database.ts'
import { makeStudio, type Studio } from './people.ts'
import { taskServices } from './taskServices.ts'

type Columns = Record<string, unknown>
/** A run of the job: ahead of which of its statements it is killed, counted from 0, and which attempt it is. */
type Attempt = { killedAt?: number; attempts?: number; connection?: pg.Client }

/** Exports of the log of a studio, for the tests of a file. */
export type LogExports = {
  database(): TestDatabase
  studio(): Studio
  /** Runs SQL as the owner. */
  run: Run
  /** Makes one that is yet to be written; its id. */
  request(columns?: Columns): Promise<string>
  /** Runs the job; how many statements it came to. */
  runJob(id: string, attempt?: Attempt): Promise<number>
  exportOf(id: string): Promise<Columns>
  partsOf(id: string): Promise<string[]>
  fileOf(id: string): Promise<string>
  /** The reasons that stand in the file, as numbers. */
  reasonsOf(id: string): Promise<number[]>
  /** Makes decisions with a number `n` as their reason, at moments in SQL that may depend on it. */
  decide(count: number, moment?: string, columns?: Columns): Promise<Columns[]>
}

/** Makes a studio for each test of a file, in a database of theirs. */
export function useLogExports(): LogExports {
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

  const run: Run = async (sql, values) => (await client.query<Columns>(sql, values)).rows
  const write = log_export__write(taskServices())
  const placeholders = (row: Columns, type = '') =>
    Object.keys(row)
      .map((_, index) => `$${index + 1}${type}`)
      .join()
  const our: LogExports = {
    database: () => database,
    studio: () => studio,
    run,
    async request(columns) {
      const row = {
        organization_id: studio.organizationId,
        office_id: studio.officeId,
        until: new Date(),
        ...columns,
      }
      const [made] = await run(
        `insert into app_public.log_exports (${Object.keys(row).join()}) values (${placeholders(row)}) returning id`,
        Object.values(row),
      )
      return made!.id as string
    },
    async runJob(id, { killedAt = Infinity, attempts = 1, connection = client } = {}) {
      let statements = 0
      const query = (sql: string, values: unknown[]) => {
        if (statements >= killedAt) throw new Error('killed')
        statements++
        return connection.query(sql, values)
      }
      const job = { attempts, max_attempts: 5 }
      const helpers = { query, job, abortSignal: new AbortController().signal }
      await write({ id }, helpers as unknown as JobHelpers)
      return statements
    },
    exportOf: async (id) => (await run('select * from app_public.log_exports where id = $1', [id]))[0]!,
    async partsOf(id) {
      const parts = 'select content from app_public.log_export_parts where log_export_id = $1 order by number'
      return (await run(parts, [id])).map(({ content }) => content as string)
    },
    fileOf: async (id) => (await our.partsOf(id)).join(''),
    reasonsOf: async (id) =>
      (await our.fileOf(id))
        .split('\r\n')
        .slice(1, -1)
        .map((line) => Number(line.split(',')[8])),
    decide(count, moment = `timestamptz '2026-03-01Z' + n * interval '1 second'`, columns = {}) {
      const row = {
        organization_id: studio.organizationId,
        door_id: studio.doorId,
        person_id: studio.member,
        ...columns,
      }
      return run(
        `insert into app_public.door_decisions (${Object.keys(row).join()}, is_allowed, rule, reason, decided_at)
         select ${placeholders(row, '::uuid')}, n % 2 = 0, 'Members', n, ${moment}
         from generate_series(1, ${count}) as n returning id`,
        Object.values(row),
      )
    },
  }
  return our
}
