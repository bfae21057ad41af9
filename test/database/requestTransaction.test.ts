import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals'
import type { Pool } from 'pg'
import { applySettings, makeCallerService } from '../../src/database/callerClient.ts'
import { makePool } from '../../src/database/connection.ts'
import { makeRequestTransaction, type RequestTransaction } from '../../src/database/requestTransaction.ts'
import { makeLog } from '../../src/log.ts'
import { makeDatabase, type TestDatabase } from '../support/database.ts'

let database: TestDatabase
let pool: Pool
let request: RequestTransaction

beforeAll(async () => {
  database = await makeDatabase()
  // Whatever held one connection and waited for another would wait for ever.
  pool = makePool(database.ownerUrl, 1, makeLog({ logLevel: 'silent' }, false))
  await pool.query('create table notes (text text unique deferrable initially deferred)')
})
beforeEach(async () => {
  await pool.query('truncate notes')
  request = makeRequestTransaction(makeCallerService(pool, [], { caller: applySettings }).withPgClient)
})
afterAll(async () => {
  await pool.end()
  await database.drop()
})

const read = async (text: string) =>
  (await request.withPgClient(null, (client) => client.query<{ value: unknown }>({ name: text, text })))
    .rows[0]?.value
const change = (text: string) =>
  request.withPgClient(null, (client) => client.withTransaction((transaction) => transaction.query({ text })))
const note = (text: string) => change(`insert into notes values ('${text}')`)
const notes = async () =>
  (await pool.query<{ text: string }>('select text from notes order by 1')).rows.map(({ text }) => text)

test('changes made one after another are one transaction, and what is read between belongs to it', async () => {
  const alone = await read('select pg_current_xact_id_if_assigned()::text as value')
  await note('a')
  const first = await read('select pg_current_xact_id_if_assigned()::text as value')
  await request.withPgClient(null, (client) =>
    client.withTransaction((transaction) => transaction.query({ text: `insert into notes values ('b')` })),
  )
  const second = await read('select pg_current_xact_id_if_assigned()::text as value')
  await request.end('commit')

  expect(alone).toBeNull()
  expect(first).toEqual(second)
  expect(first).not.toBeNull()
  expect(await notes()).toEqual(['a', 'b'])
})

test('a request that reads, and changes nothing, holds no connection', async () => {
  await read('select 1 as value')

  expect(pool.idleCount).toBe(1)
  await request.end('commit')
})

test('what is rolled back was never there, and the connection is free again', async () => {
  await note('a')
  await request.end('rollback')

  expect(await notes()).toEqual([])
  expect(pool.idleCount).toBe(1)
})

test('after a statement that failed none does anything', async () => {
  await note('a')
  await expect(change('select 1 / 0')).rejects.toMatchObject({ code: '22012' })

  await expect(note('b')).rejects.toMatchObject({ code: '25P02' })
  await request.end('rollback')
  expect(await notes()).toEqual([])
})

test('a commit that is refused is an error, and leaves nothing', async () => {
  await note('a')
  await note('a')

  await expect(request.end('commit')).rejects.toMatchObject({ code: '23505' })
  expect(await notes()).toEqual([])
})
