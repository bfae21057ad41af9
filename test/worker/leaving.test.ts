import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import type { JobHelpers, Task } from 'graphile-worker'
import pg from 'pg'
import { account_export__make } from '../../worker/tasks/account_export__make.ts'
import { person__delete } from '../../worker/tasks/person__delete.ts'
import { makeDatabase, type TestDatabase } from '../support/database.ts'
import { taskServices } from '../support/taskServices.ts'

type Sent = { to: string; name: string }

let database: TestDatabase
let client: pg.Client
beforeAll(async () => {
  database = await makeDatabase()
  client = new pg.Client({ connectionString: database.ownerUrl })
  await client.connect()
})
afterAll(async () => {
  await client.end()
  await database.drop()
})

let sent: Sent[]
let isMailDown: boolean
let person: string
beforeEach(async () => {
  sent = []
  isMailDown = false
  await client.query('delete from app_public.people')
  await client.query('delete from app_private.departures')
  const [row] = await run(
    `with person as (insert into app_public.people (name) values ('Lea') returning id),
       address as (
         insert into app_public.email_addresses (person_id, address, is_primary)
         select id, 'lea@example.com', true from person
       )
     select id from person`,
  )
  person = row!.id as string
})

const run = async (sql: string, values: unknown[] = []) =>
  (await client.query<Record<string, unknown>>(sql, values)).rows
const services = taskServices({
  mail: async (name, to) => {
    if (isMailDown) throw new Error('The mail server is down.')
    sent.push({ to, name })
  },
})

/** Runs a task as a worker that is killed ahead of its statement of a number, counted from 0. */
async function runTask(task: Task, payload: object, killedAt = Infinity): Promise<void> {
  let statement = 0
  const query = (sql: string, values: unknown[]) => {
    if (statement++ >= killedAt) throw new Error('killed')
    return client.query(sql, values)
  }
  const helpers = { query, withPgClient: (use: (client: object) => unknown) => use({ query }) }
  await task(payload, helpers as unknown as JobHelpers)
}

describe('person__delete', () => {
  const task = person__delete(services)
  const leave = () =>
    client.query(
      `insert into app_private.departures (person_id, name, address) values ($1, 'Lea', 'lea@example.com')`,
      [person],
    )
  const left = async () => [
    ...(await run('select id from app_public.people')),
    ...(await run('select person_id from app_private.departures')),
  ]

  test('removes who has left, tells them, and forgets where', async () => {
    await leave()

    await runTask(task, { personId: person })

    expect(await left()).toEqual([])
    expect(sent).toEqual([{ to: 'lea@example.com', name: 'account-deleted' }])
  })

  test('a second run does nothing', async () => {
    await leave()

    await runTask(task, { personId: person })
    await runTask(task, { personId: person })

    expect(sent).toHaveLength(1)
  })

  test.each([0, 1, 2])('killed ahead of its statement %i, the next run ends it', async (killedAt) => {
    await leave()

    await expect(runTask(task, { personId: person }, killedAt)).rejects.toThrow('killed')
    expect(await left()).not.toEqual([])
    await runTask(task, { personId: person })

    expect(await left()).toEqual([])
    expect(sent).toHaveLength(killedAt === 2 ? 2 : 1)
  })

  test('a mail that cannot be delivered keeps nobody here', async () => {
    await leave()
    isMailDown = true

    await expect(runTask(task, { personId: person })).rejects.toThrow('down')

    expect(await run('select id from app_public.people')).toEqual([])
    isMailDown = false
    await runTask(task, { personId: person })
    expect(sent).toHaveLength(1)
  })

  test('somebody without an address goes without a mail', async () => {
    await leave()
    await client.query('update app_private.departures set address = null')

    await runTask(task, { personId: person })

    expect([sent, await left()]).toEqual([[], []])
  })

  test('somebody who has not deleted their account stays, whatever the payload says', async () => {
    await runTask(task, { personId: person })

    expect(await run('select id from app_public.people')).toEqual([{ id: person }])
    expect(sent).toEqual([])
  })
})

describe('account_export__make', () => {
  const task = account_export__make(services)
  const request = async () => {
    const [row] = await run('insert into app_public.account_exports (person_id) values ($1) returning id', [
      person,
    ])
    return { id: row!.id as string }
  }
  const made = () =>
    run(`select document #>> '{people,0,name}' as name, finished_at is not null as is_finished
         from app_public.account_exports`)

  test('makes the copy and says so by mail', async () => {
    await runTask(task, await request())

    expect(await made()).toEqual([{ name: 'Lea', is_finished: true }])
    expect(sent).toEqual([{ to: 'lea@example.com', name: 'export-ready' }])
  })

  test('a copy once made stays as it is', async () => {
    const payload = await request()
    await runTask(task, payload)
    await client.query(`update app_public.people set name = 'Other'`)

    await runTask(task, payload)

    expect(await made()).toEqual([{ name: 'Lea', is_finished: true }])
  })

  test.each([0, 1, 2])('killed ahead of its statement %i, the next run ends it', async (killedAt) => {
    const payload = await request()

    await expect(runTask(task, payload, killedAt)).rejects.toThrow('killed')
    await runTask(task, payload)

    expect(await made()).toEqual([{ name: 'Lea', is_finished: true }])
    expect(sent).toHaveLength(1)
  })

  test('somebody who has left meanwhile gets no mail', async () => {
    const payload = await request()
    await client.query('delete from app_public.email_addresses')

    await runTask(task, payload)

    expect(sent).toEqual([])
  })
})
