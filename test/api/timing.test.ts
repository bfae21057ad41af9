import { beforeAll, describe, expect, test } from '@jest/globals'
import { withConnection } from '../../src/database/connection.ts'
import { password, signIn, signUp } from '../support/account.ts'
import { useApi } from '../support/api.ts'
import { rankSumDeviation } from '../support/rankSum.ts'

const { api, database } = useApi()
const run = (sql: string) => withConnection(database().ownerUrl, (client) => client.query(sql))

const count = 60
const hash =
  '$argon2id$v=19$m=19456,t=2,p=1$YH/4YLAogWl/y9sK4lzDXA$5fbNsy70GZpmU01LSgk2qH1XDWNk6/Cgo9KlqtYwlIw'
beforeAll(async () => {
  // Limits would end the comparison before it says anything.
  await run('update app_private.attempt_limits set most = 1000000')
  await run(
    `insert into app_private.passwords (person_id, hash)
     select app_private.make_person('Somebody', format('known%s@example.com', number)), '${hash}'
     from generate_series(1, ${count}) as number`,
  )
})

/** Milliseconds that a server takes for known and for unknown addresses, asked about in turns. */
async function durations(query: string): Promise<{ known: number[]; unknown: number[] }> {
  const took = { known: [] as number[], unknown: [] as number[] }
  const measure = async (kind: 'known' | 'unknown', number: number) => {
    const variables = { email: `${kind}${number}@example.com`, password }
    const began = performance.now()
    await api().ask(query, { variables })
    return performance.now() - began
  }
  for (let number = 1; number <= 5; number++) await measure('unknown', number)
  for (let number = 1; number <= count; number++) {
    const kinds = number % 2 ? (['known', 'unknown'] as const) : (['unknown', 'known'] as const)
    for (const kind of kinds) took[kind].push(await measure(kind, number))
  }
  return took
}

const requestCode = `mutation ($email: String!) { requestSignInCode(input: { email: $email }) { result { id } } }`
const requestReset = `mutation ($email: String!) { requestPasswordReset(input: { email: $email }) { result { id } } }`

describe('the time of an answer', () => {
  test.each([
    ['signing in with a wrong password', signIn],
    ['signing up', signUp],
    ['asking for a code', requestCode],
    ['asking for a new password', requestReset],
  ])('does not tell a known address from an unknown one: %s', async (_, query) => {
    const { known, unknown } = await durations(query)

    expect(Math.abs(rankSumDeviation(known, unknown))).toBeLessThan(5)
  })

  test('would tell them apart by ten milliseconds more for a known one', async () => {
    await run(
      `create or replace function app_private.to_address(email text) returns text language sql volatile as $$
         select to_address.email
         from (select pg_sleep(0.01 * count(*)) from app_public.email_addresses where address = to_address.email) as slept
       $$`,
    )

    const { known, unknown } = await durations(requestCode)

    expect(rankSumDeviation(known, unknown)).toBeGreaterThan(5)
  })
})
