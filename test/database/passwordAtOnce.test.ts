import { afterAll, beforeAll, expect, test } from '@jest/globals'
import pg from 'pg'
import { makeDatabase, type TestDatabase } from '../support/database.ts'
import { eventually } from '../support/eventually.ts'
import { makePerson } from '../support/people.ts'
import { startSession } from '../support/sessions.ts'

let database: TestDatabase
let clients: pg.Client[]
beforeAll(async () => {
  database = await makeDatabase()
  clients = [1, 2].map(() => new pg.Client({ connectionString: database.ownerUrl }))
  await Promise.all(clients.map((client) => client.connect()))
})
afterAll(async () => {
  await Promise.all(clients.map((client) => client.end()))
  await database.drop()
})

const run = async (index: number, sql: string, values: unknown[] = []) =>
  (await clients[index]!.query<Record<string, unknown>>(sql, values)).rows

const oldHash = '$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$aGFzaA'
const newHash = oldHash.replace('aGFzaA', 'bmV3')
const signIn = 'select token from app_public.sign_in($1, $2)'
const change = 'select app_public.change_password($1)'

/** Somebody with a password, who is about to change it on one of the connections: their id and session. */
async function makeChanger(name: string, index: number) {
  const id = await makePerson((sql, values) => run(0, sql, values), name)
  await run(0, 'insert into app_private.passwords (person_id, hash) values ($1, $2)', [id, oldHash])
  const session = await startSession((sql, values) => run(0, sql, values), id)
  await run(
    index,
    `select set_config('plinth.person_id', $1, false), set_config('plinth.session_id', $2, false)`,
    [id, session],
  )
  return { id, session }
}

/** Runs a statement in a transaction that ends once the other one waits for it: what the other one gets. */
async function whileIn(sql: string, values: unknown[], other: string, otherValues: unknown[]) {
  await run(0, 'begin')
  await run(0, sql, values)
  const answer = run(1, other, otherValues)
  const { processID } = clients[1] as unknown as { processID: number }
  await eventually(async () =>
    expect(await run(0, 'select wait_event_type from pg_stat_activity where pid = $1', [processID])).toEqual([
      { wait_event_type: 'Lock' },
    ]),
  )
  await run(0, 'commit')
  return answer
}

const sessionsOf = (id: string) => run(0, 'select id from app_public.sessions where person_id = $1', [id])

test('who signs in with the old password while it is changed is signed out by that', async () => {
  const { id, session } = await makeChanger('Ada', 1)

  await whileIn(signIn, ['ada@example.com', oldHash], change, [newHash])

  expect(await sessionsOf(id)).toEqual([{ id: session }])
})

test('the old password is wrong as soon as another one is on its way', async () => {
  const { id, session } = await makeChanger('Bea', 0)

  const answer = await whileIn(change, [newHash], signIn, ['bea@example.com', oldHash])

  expect(answer).toEqual([{ token: null }])
  expect(await sessionsOf(id)).toEqual([{ id: session }])
})
