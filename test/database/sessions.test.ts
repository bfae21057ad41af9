import { createHash } from 'node:crypto'
import { beforeEach, describe, expect, test } from '@jest/globals'
import { useTransaction } from '../support/database.ts'
import { makePerson } from '../support/people.ts'

const as = useTransaction()
let person: string
beforeEach(async () => {
  person = await makePerson(as.owner, 'Mia')
})

const start = 'select * from app_private.start_session($1)'
const sha256 = (text: string) => createHash('sha256').update(text).digest()

describe('app_private.start_session', () => {
  test('gives a token whose hash alone is stored', async () => {
    const [session] = await as.owner(start, [person])

    const token = session!.token as string
    const [stored] = await as.owner('select *, sessions::text as text from app_private.sessions')
    expect(token).toMatch(/^[0-9a-f]{64}$/)
    expect(stored).toMatchObject({ person_id: person, token_hash: sha256(token) })
    expect(stored!.text).not.toContain(token)
  })

  test('ends after 30 days, as it says', async () => {
    const [session] = await as.owner(start, [person])

    const [stored] = await as.owner(
      `select expires_at, expires_at = created_at + interval '30 days' as is_month from app_private.sessions`,
    )
    expect(stored).toEqual({ expires_at: session!.expires_at, is_month: true })
  })

  test('gives another token each time, and leaves the sessions before alone', async () => {
    const [first] = await as.owner(start, [person])
    const [second] = await as.owner(start, [person])

    expect(second!.token).not.toBe(first!.token)
    expect(await as.owner('select id from app_private.sessions')).toHaveLength(2)
  })

  test('refuses somebody who does not exist', async () => {
    await expect(as.owner(start, [crypto.randomUUID()])).rejects.toMatchObject({ code: '23503' })
  })

  test('a person cannot start a session for anybody, not even for themselves', async () => {
    await expect(as.person(person)(start, [person])).rejects.toMatchObject({ code: '42501' })
  })

  test('an anonymous caller cannot start a session', async () => {
    await expect(as.anonymous(start, [person])).rejects.toMatchObject({ code: '42501' })
  })
})

describe('app_private.purge_expired_sessions', () => {
  const purge = 'select app_private.purge_expired_sessions()::int as count'

  test('removes the sessions that have ended, and no other', async () => {
    for (const left of ['-1 day', '0 seconds', '1 second']) {
      await as.owner(start, [person])
      await as.owner(
        `update app_private.sessions set expires_at = now() + $1::interval
         where expires_at = now() + interval '30 days'`,
        [left],
      )
    }

    const purged = await as.owner(purge)

    expect(purged).toEqual([{ count: 2 }])
    expect(await as.owner('select expires_at > now() as is_alive from app_private.sessions')).toEqual([
      { is_alive: true },
    ])
  })

  test('is content when there is nothing to do', async () => {
    expect(await as.owner(purge)).toEqual([{ count: 0 }])
  })

  test('a person cannot purge', async () => {
    await expect(as.person(person)(purge)).rejects.toMatchObject({ code: '42501' })
  })

  test('an anonymous caller cannot purge', async () => {
    await expect(as.anonymous(purge)).rejects.toMatchObject({ code: '42501' })
  })
})

describe('app_public.sign_out', () => {
  const signOut = 'select app_public.sign_out() as was_running'
  const sessions = 'select id from app_private.sessions'

  test('a person ends the session they act in, and no other of theirs', async () => {
    await as.owner(start, [person])
    await as.owner(start, [person])
    const [session, other] = await as.owner(sessions)
    await as.owner(`select set_config('plinth.session_id', $1, true)`, [session!.id])

    const first = await as.person(person)(signOut)
    const second = await as.person(person)(signOut)

    expect([...first, ...second]).toEqual([{ was_running: true }, { was_running: false }])
    expect(await as.owner(sessions)).toEqual([other])
  })

  test('a person without a session ends none', async () => {
    await as.owner(start, [person])

    expect(await as.person(person)(signOut)).toEqual([{ was_running: false }])
    expect(await as.owner(sessions)).toHaveLength(1)
  })

  test('an anonymous caller may not even ask', async () => {
    await expect(as.anonymous(signOut)).rejects.toMatchObject({ code: '42501' })
  })
})
