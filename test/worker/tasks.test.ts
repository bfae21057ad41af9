import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { withConnection } from '../../src/database/connection.ts'
import { makeLog } from '../../src/log.ts'
import { makeMailer } from '../../src/mailer.ts'
import { cronItems } from '../../worker/crontab.ts'
import { makeMailServices } from '../../worker/mail.ts'
import { makeTasks } from '../../worker/tasks/index.ts'
import { makeDatabase, type TestDatabase } from '../support/database.ts'
import { runJobs } from '../support/jobs.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await makeDatabase()
})
afterAll(() => database.drop())

const log = makeLog({ logLevel: 'silent' }, false)
const mailer = makeMailer({
  smtpUrl: null,
  mailFrom: 'plinth@example.com',
  dataDir: '/dev/null/no-mail-is-sent',
})
const tasks = makeTasks({ ...makeMailServices(mailer, null), log, securityLogDays: 365 })

const query = (sql: string) =>
  withConnection(database.ownerUrl, async (client) => (await client.query(sql)).rows as unknown[])

async function runJob(identifier: string, payload: object): Promise<unknown> {
  await withConnection(database.ownerUrl, (client) =>
    client.query('select graphile_worker.add_job($1, $2::json, max_attempts := 1)', [identifier, payload]),
  )
  await runJobs(database.ownerUrl, tasks)
  const [job] = await query('select last_error from graphile_worker.jobs')
  await query(`select graphile_worker.complete_jobs(array(select id from graphile_worker.jobs))`)
  return (job as { last_error: string } | undefined)?.last_error
}

describe('tasks', () => {
  test('each file is a task under its own name, and none is missing', () => {
    const files = readdirSync(join(import.meta.dirname, '../../worker/tasks'))
      .filter((file) => file !== 'index.ts')
      .map((file) => file.replace(/\.ts$/, ''))

    expect(Object.keys(tasks).sort()).toEqual(files.sort())
  })

  test('whatever SQL queues, a task exists for it', async () => {
    const rows = await query(
      `select distinct (regexp_matches(prosrc, 'add_job\\(\\s*''([^'']+)''', 'g'))[1] as identifier
       from pg_proc where pronamespace::regnamespace::text like 'app\\_%'`,
    )

    const queued = rows.map((row) => (row as { identifier: string }).identifier)
    expect(queued.length).toBeGreaterThan(0)
    expect(Object.keys(tasks)).toEqual(expect.arrayContaining(queued))
  })

  test('whatever the clock starts, a task exists for it', () => {
    expect(Object.keys(tasks)).toEqual(expect.arrayContaining(cronItems.map(({ task }) => task)))
  })

  test('a malformed payload fails with what is wrong about it', async () => {
    expect(await runJob('person__send_welcome', { personId: 7 })).toContain('personId')
  })

  test('a mail to somebody who is gone is done, not failed', async () => {
    const id = '01900000-0000-7000-8000-000000000000'

    expect(await runJob('person__send_welcome', { personId: id })).toBeUndefined()
    expect(await runJob('mail_code__send', { id })).toBeUndefined()
    expect(await runJob('security_event__send_notice', { id })).toBeUndefined()
    expect(await runJob('person__delete', { personId: id })).toBeUndefined()
    expect(await runJob('account_export__make', { id })).toBeUndefined()
  })
})
