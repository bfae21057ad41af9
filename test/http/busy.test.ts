import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import pg from 'pg'
import { makeApi, type TestApi } from '../support/api.ts'
import { makeDatabase, type TestDatabase } from '../support/database.ts'
import { eventually } from '../support/eventually.ts'
import { command, send as sendFromSlack, slackApp } from '../support/slackRequests.ts'
import { encryptionKeys } from '../support/slackServices.ts'

let database: TestDatabase
let locker: pg.Client
let watcher: pg.Client // what is active does not change within a transaction, which the other one is in
beforeAll(async () => {
  database = await makeDatabase()
  locker = new pg.Client({ connectionString: database.superuserUrl })
  watcher = new pg.Client({ connectionString: database.superuserUrl })
  await Promise.all([locker.connect(), watcher.connect()])
})
afterAll(async () => {
  await Promise.all([locker.end(), watcher.end()])
  await database.drop()
})

async function send(api: TestApi) {
  const response = await fetch(`${api.url}/graphql`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ query: '{ offices { nodes { id } } }' }),
  })
  const { errors } = (await response.json()) as { errors: { extensions: Record<string, unknown> }[] }
  return {
    status: response.status,
    retryAfter: response.headers.get('retry-after'),
    code: errors[0]?.extensions.code,
    isNamed: errors[0]?.extensions.requestId === response.headers.get('x-request-id'),
  }
}

/** Serves with two connections, both of which wait for a lock until `run` is over. */
async function whileBusy(env: Record<string, string>, run: (api: TestApi) => Promise<void>): Promise<void> {
  const api = await makeApi(database, { POOL_SIZE: '2', ...env })
  try {
    await locker.query('begin; lock table app_public.offices in access exclusive mode')
    const held = [send(api), send(api)]
    await eventually(async () => {
      const { rowCount } = await watcher.query(
        `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
      )
      expect(rowCount).toBe(2)
    })
    await run(api)
    await locker.query('rollback')
    for (const { status, code } of await Promise.all(held)) expect([status, code]).toEqual([200, 'FORBIDDEN'])
  } finally {
    await locker.query('rollback')
    await api.close()
  }
}

const turnedAway = { status: 503, retryAfter: '1', code: 'UNAVAILABLE', isNamed: true }

describe('a request that finds every connection in use', () => {
  test('waits for a while, then is told to come back', async () => {
    await whileBusy({ LIMIT_CONNECTION_MS: '200' }, async (api) => {
      expect(await Promise.all([send(api), send(api)])).toEqual([turnedAway, turnedAway])
      expect((await fetch(`${api.url}/livez`)).status).toBe(200)
    })
  })

  test('is turned away at once where others wait already', async () => {
    await whileBusy({ LIMIT_CONNECTION_MS: '60000', LIMIT_WAITING: '1' }, async (api) => {
      const waiting = [send(api), send(api), send(api)]

      expect(await Promise.race(waiting)).toEqual(turnedAway)
      await locker.query('rollback')
      for (const { status } of await Promise.all(waiting)) expect([200, 503]).toContain(status)
    })
  })
})

describe('whoever opens a page, or comes from Slack, while others wait for a connection', () => {
  test.each(['/pass/a-link', '/slack/install/callback?state=1'])(
    'at %s is turned away, too',
    async (path) => {
      const slack = { ...slackApp, ENCRYPTION_KEYS: encryptionKeys }
      await whileBusy({ LIMIT_CONNECTION_MS: '60000', LIMIT_WAITING: '1', ...slack }, async (api) => {
        const waiting = [1, 2, 3].map(async () => fetch(`${api.url}${path}`))

        const { status, headers } = await Promise.race(waiting)

        expect([status, headers.get('retry-after')]).toEqual([503, '1'])
        await locker.query('rollback')
        await Promise.all(waiting)
      })
    },
  )
})

describe('a command from Slack that gets a connection when Slack has given up', () => {
  test('does nothing', async () => {
    const env = { ...slackApp, ENCRYPTION_KEYS: encryptionKeys, LIMIT_CONNECTION_MS: '60000' }
    await whileBusy(env, async (api) => {
      const answer = sendFromSlack(api.url, command({}))
      await sleep(2600)
      await locker.query('rollback')

      expect((await answer).status).toBe(500)
      expect((await locker.query('select from app_private.slack_receipts')).rowCount).toBe(0)
    })
  })
})

describe('a statement that takes too long', () => {
  test('is ended, and its caller told so by code', async () => {
    const api = await makeApi(database, { LIMIT_STATEMENT_MS: '200' })
    await locker.query('begin; lock table app_public.offices in access exclusive mode')

    const answer = await send(api)
    await locker.query('rollback')
    await api.close()

    expect(answer).toMatchObject({ code: 'TIMEOUT', isNamed: true })
  })
})
