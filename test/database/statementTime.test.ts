import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Pool } from 'pg'
import {
  applySettings,
  type CallerSettings,
  identifyByToken,
  makeCallerService,
} from '../../src/database/callerClient.ts'
import { makePool } from '../../src/database/connection.ts'
import { makeLog } from '../../src/log.ts'
import { type CuttingProxy, startCuttingProxy } from '../support/cuttingProxy.ts'
import { makeDatabase, type TestDatabase } from '../support/database.ts'

let database: TestDatabase
let proxy: CuttingProxy
let pool: Pool
beforeAll(async () => {
  database = await makeDatabase()
  const url = new URL(database.authenticatorUrl)
  proxy = await startCuttingProxy(url.hostname, Number(url.port))
  url.port = String(proxy.port)
  pool = makePool(url.toString(), 1, makeLog({ logLevel: 'silent' }, false))
})
afterAll(async () => {
  await pool.end()
  await proxy.close()
  await database.drop()
})

const callers: [string, typeof applySettings, CallerSettings][] = [
  ['a caller by settings', applySettings, { role: 'plinth_person' }],
  ['a caller without settings', applySettings, {}],
  ['a caller by token', identifyByToken, { tokenHash: '' }],
]
const timeOf = `select current_setting('statement_timeout') as time`

describe.each(callers)('a statement of %s', (_, caller, settings) => {
  const withClient = () => makeCallerService(pool, ['app_public'], { caller, statementMs: 300 }).withPgClient
  const ask = (text: string) =>
    withClient()(settings, async (client) => (await client.query<{ time: string }>({ text })).rows)

  test('is ended by Postgres when its time is over, and the connection is as before', async () => {
    await expect(ask('select pg_sleep(20)')).rejects.toMatchObject({ code: '57014' })

    const { rows } = await pool.query<{ time: string }>(timeOf)
    expect(rows).toEqual([{ time: '0' }])
  })

  test('has its time in one trip', async () => {
    await ask(timeOf)
    proxy.heal()

    expect(await ask(timeOf)).toEqual([{ time: '300ms' }])
    expect(proxy.trips()).toBe(1)
  })

  test('has its own time in a transaction, which has the time of all of them', async () => {
    const slow = withClient()(settings, (client) =>
      client.withTransaction(async (transaction) => {
        for (let count = 0; count < 3; count++) await transaction.query({ text: 'select pg_sleep(0.15)' })
        return transaction.query({ text: 'select pg_sleep(20)' })
      }),
    )

    await expect(slow).rejects.toMatchObject({ code: '57014', failedAt: 0 })
  })
})
