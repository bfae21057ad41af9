import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { withConnection } from '../../src/database/connection.ts'
import { makeApi, type TestApi } from '../support/api.ts'
import { makeDatabase, type TestDatabase } from '../support/database.ts'
import { openSocket } from '../support/rawSocket.ts'

const sha256 = (token: string) => createHash('sha256').update(token).digest('hex')
const reader = 'reader'
const writer = 'writer'
// As few connections as there can be, for the server is asked while others wait.
const env = { POOL_SIZE: '2' }

let database: TestDatabase
let api: TestApi
beforeAll(async () => {
  database = await makeDatabase()
  await withConnection(database.ownerUrl, (client) =>
    client.query(
      `with rita as (insert into app_public.people (name) values ('Rita') returning id)
         select set_config('test.rita', id::text, false) from rita;
       create or replace function app_private.ended_sessions(token_hashes bytea[]) returns setof bytea
         language sql stable rows 10 as 'select null::bytea where false';
       do $do$ begin
         execute format($$
           create or replace function app_private.identify(token_hash bytea)
             returns table (setting text, value text) language sql stable rows 3 as $f$
               select * from (values
                 ('role', case when token_hash is null then 'plinth_anonymous' else 'plinth_person' end),
                 ('plinth.person_id', case when token_hash is null then '' else %L end),
                 ('transaction_read_only', case when token_hash = '\\x${sha256(reader)}' then 'on' end)
               ) as settings (setting, value)
               where settings.value is not null
             $f$ $$, current_setting('test.rita'));
       end $do$`,
    ),
  )
  api = await makeApi(database, env)
})
afterAll(async () => {
  await api.close()
  await database.drop()
})

const create = (name: string) => `createOrganization(input: { name: "${name}" }) { result { name } }`
const names = async () => {
  const { rows } = await withConnection(database.superuserUrl, (client) =>
    client.query<{ name: string }>('select name from app_public.organizations order by 1'),
  )
  return rows.map(({ name }) => name)
}
const refusal = (path: string) =>
  expect.objectContaining({
    message: 'This token may only read.',
    path: [path],
    extensions: { code: 'FORBIDDEN', errorId: expect.any(String), requestId: expect.any(String) },
  })

describe('a token that may only read', () => {
  test('reads', async () => {
    const { data } = await api.ask('{ currentPerson { name } }', { token: reader })

    expect(data).toEqual({ currentPerson: { name: 'Rita' } })
  })

  test.each([
    ['alone', `mutation { ${create('A')} }`],
    ['in a transaction of the request', `mutation { ${create('A')} b: ${create('B')} }`],
    [
      'and reads what came of it',
      `mutation { createOrganization(input: { name: "A" }) { query { people { nodes { name } } } } }`,
    ],
  ])('is told so when it writes %s', async (_how, mutation) => {
    const { status, data, errors } = await api.ask(mutation, { token: reader })

    expect({ status, data }).toEqual({ status: 200, data: null })
    expect(errors![0]).toEqual(refusal('createOrganization'))
    expect(await names()).not.toContain('A')
  })

  test('is told so by WebSocket', async () => {
    const socket = await openSocket(api.url)
    socket.send({ type: 'connection_init', payload: { authorization: `Bearer ${reader}` } })
    await socket.message('connection_ack')
    socket.send({ id: 'a', type: 'subscribe', payload: { query: `mutation { ${create('A')} }` } })
    const { payload } = await socket.message('next')
    socket.socket.terminate()

    expect(payload.errors).toEqual([refusal('createOrganization')])
  })

  test('is told so twenty times at once, with two connections', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, () =>
        api.ask(`mutation { ${create('A')} b: ${create('B')} }`, { token: reader }),
      ),
    )

    for (const { errors } of answers) expect(errors![0]).toEqual(refusal('createOrganization'))
  })

  test('leaves the next caller of the connection every right to write', async () => {
    await Promise.all([1, 2, 3].map(() => api.ask(`mutation { ${create('A')} }`, { token: reader })))
    const { data } = await api.ask(`mutation { ${create('Written')} }`, { token: writer })

    expect(data).toEqual({ createOrganization: { result: { name: 'Written' } } })
  })
})

describe('on a server that cannot write at present', () => {
  test('whoever writes is told to come again, whatever their token may', async () => {
    await withConnection(database.superuserUrl, (client) =>
      client.query(`alter database ${database.name} set default_transaction_read_only = on`),
    )
    const standby = await makeApi(database, env)

    const answers = [
      await standby.ask(`mutation { ${create('A')} }`, { token: writer }),
      await standby.ask(`mutation { ${create('A')} }`, { token: reader }),
    ]
    await standby.close()
    await withConnection(database.superuserUrl, async (client) => {
      await client.query('set default_transaction_read_only = off')
      await client.query(`alter database ${database.name} reset default_transaction_read_only`)
    })

    for (const { status, errors } of answers) {
      expect(status).toBe(503)
      expect(errors?.[0]?.extensions).toMatchObject({ code: 'UNAVAILABLE', retryable: true })
    }
  })
})
