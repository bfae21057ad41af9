import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { buildSchema } from 'postgraphile/graphql'
import { withConnection } from '../../src/database/connection.ts'
import { seedDemo } from '../../src/database/demo.ts'
import { useApi } from '../support/api.ts'
import { faultOf, fuzz, fuzzOptions } from '../support/fuzz.ts'
import { makeGrammar } from '../support/operationGrammar.ts'
import { makeRandom } from '../support/random.ts'

const { api, database } = useApi()
const { count, seed } = fuzzOptions(10_000)
const schema = buildSchema(readFileSync(join(import.meta.dirname, '../../schema.graphql'), 'utf8'))

/** Another token of the demo's first person: operations may sign out, too. */
const makeToken = () =>
  withConnection(database().ownerUrl, async (client) => {
    const { rows } = await client.query<{ token: string }>(
      `select session.token from app_public.email_addresses, app_private.start_session(person_id) as session
       where address = 'ada@example.com'`,
    )
    return rows[0]!.token
  })

test(`${count} operations of our own grammar, valid and nearly so, get an answer each (seed ${seed})`, async () => {
  await seedDemo(database().ownerUrl)
  let token = await makeToken()
  const grammar = makeGrammar(schema, makeRandom(seed))
  const { data } = await api().ask(
    '{ organizations { nodes { id } } offices { nodes { id } } doors { nodes { id } } people { nodes { id } } }',
    { token },
  )
  const listed = Object.values(data!) as { nodes: { id: string }[] }[]
  grammar.learn(
    'UUID',
    listed.flatMap(({ nodes }) => nodes.map(({ id }) => id)),
  )

  let asked = 0
  const { faults, outcomes } = await fuzz(api(), grammar, count, {
    token: () => (asked++ % 10 === 0 ? undefined : token),
    refused: async () => {
      token = await makeToken()
    },
  })

  expect(faults).toEqual([])
  expect(outcomes.get('none')).toBeGreaterThan(count / 20)
}, 600_000)

test.each([
  ['a server that fails', { status: 500, errors: [] }],
  ['no code', { status: 200, errors: [{ message: 'No.' }] }],
  ['a code that nobody knows', { status: 200, errors: [{ message: 'No.', extensions: { code: 'NO' } }] }],
  ['a fault of ours', { status: 200, errors: [{ message: 'No.', extensions: { code: 'INTERNAL' } }] }],
  [
    'words of Postgres',
    {
      status: 200,
      errors: [{ message: 'relation "x" is not there', extensions: { code: 'BAD_USER_INPUT' } }],
    },
  ],
  ['an empty answer', { status: 200 }],
])('the judge of an answer sees %s', (_, answer) => {
  expect(faultOf(answer)).not.toBeNull()
})
