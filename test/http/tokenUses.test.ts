import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { withConnection } from '../../src/database/connection.ts'
import { makeTokenUses } from '../../src/http/tokenUses.ts'
import type { Log } from '../../src/log.ts'
import { makeApi } from '../support/api.ts'
import { makeDatabase, type TestDatabase } from '../support/database.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await makeDatabase()
})
afterAll(() => database.drop())

const asOwner = async <Row extends object>(sql: string, values: unknown[] = []) =>
  withConnection(database.ownerUrl, async (client) => (await client.query<Row>(sql, values)).rows)
const signIn = async () => {
  const [session] = await asOwner<{ token: string }>(
    `with person as (insert into app_public.people (name) values ('Rita') returning id)
     select session.token from person, app_private.start_session(person.id) as session`,
  )
  await asOwner(
    `update app_public.sessions set last_used_at = now() - interval '1 day'
     where id = (select session_id from app_private.tokens where hash = sha256(convert_to($1, 'UTF8')))`,
    [session!.token],
  )
  return session!.token
}
/** When the session of a token was last used, and which transaction wrote its row. */
const useOf = async (token: string) => {
  const [row] = await asOwner<{ at: Date | null; seconds: number | null; writer: string }>(
    `select last_used_at as at, extract(epoch from now() - last_used_at)::float as seconds,
       sessions.xmin::text as writer
     from app_public.sessions join app_private.tokens on tokens.session_id = sessions.id
     where tokens.hash = sha256(convert_to($1, 'UTF8'))`,
    [token],
  )
  return row!
}
/** Has an API answer callers with these tokens, and end. */
const serve = async (tokens: (string | undefined)[]) => {
  const api = await makeApi(database)
  for (const token of tokens)
    await api.ask('{ currentPerson { name } }', token === undefined ? {} : { token })
  await api.close()
}

describe('the last use of a session', () => {
  test('is known once the API has ended, at the latest, and nobody else’s is changed', async () => {
    const [used, unused] = [await signIn(), await signIn()]

    await serve([used, undefined, 'ab'.repeat(32)])

    expect((await useOf(used)).seconds).toBeLessThan(60)
    expect((await useOf(unused)).seconds).toBeGreaterThan(86_000)
  })

  test('is not written again within a minute, and is after', async () => {
    const token = await signIn()
    await serve([token])
    const first = await useOf(token)

    await serve([token])
    const second = await useOf(token)
    await asOwner(`update app_public.sessions set last_used_at = now() - interval '61 seconds'`)
    await serve([token])

    expect(second).toMatchObject({ at: first.at, writer: first.writer })
    expect((await useOf(token)).seconds).toBeLessThan(60)
  })

  test('is not the API’s to set otherwise', async () => {
    const trespass = withConnection(database.authenticatorUrl, (client) =>
      client.query('update app_public.sessions set last_used_at = now()'),
    )

    await expect(trespass).rejects.toMatchObject({ code: '42501' })
  })
})

describe('what keeps account of uses', () => {
  const told: number[] = []
  const warnings: unknown[] = []
  const log = { warn: (...words: unknown[]) => warnings.push(words) } as unknown as Log
  let isDown = false
  const pool = {
    query: async (_text: string, [hashes]: [Buffer[]]) => {
      if (isDown) throw new Error('away')
      told.push(hashes.length)
    },
  }
  const hashOf = (number: number) => number.toString(16).padStart(64, '0')

  test('tells of each token once, at once where there are very many', async () => {
    const uses = makeTokenUses(pool as never, log)

    for (let number = 0; number < 15_000; number++) uses.note({ tokenHash: hashOf(number >> 1) })
    expect(told).toEqual([])
    for (let number = 0; number < 10_001; number++) uses.note({ tokenHash: hashOf(number) })
    await new Promise(setImmediate)
    expect(told).toEqual([10_000])
    for (const settings of [{ tokenHash: hashOf(1) }, { tokenHash: '' }, { role: 'somebody' }]) {
      uses.note(settings)
    }
    await uses.close()

    expect(told).toEqual([10_000, 1])
  })

  test('lets go of what it cannot tell, and warns', async () => {
    const uses = makeTokenUses(pool as never, log)
    isDown = true

    uses.note({ tokenHash: hashOf(1) })
    await uses.close()

    expect(warnings).toHaveLength(1)
    expect(JSON.stringify(warnings)).not.toContain(hashOf(1))
  })
})
