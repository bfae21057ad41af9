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
const all = 'select id from app_public.sessions order by id'

describe('app_private.start_session', () => {
  test('gives a token whose hash alone is stored', async () => {
    const [session] = await as.owner(start, [person])

    const token = session!.token as string
    const [stored] = await as.owner('select *, tokens::text as text from app_private.tokens')
    expect(token).toMatch(/^[0-9a-f]{64}$/)
    expect(stored).toMatchObject({ person_id: person, hash: sha256(token), can_write: true })
    expect(stored!.text).not.toContain(token)
  })

  test('ends after 30 days, as it and its token say', async () => {
    const [session] = await as.owner(start, [person])

    const [stored] = await as.owner(
      `select sessions.expires_at, sessions.expires_at = sessions.created_at + interval '30 days' as is_month,
         tokens.expires_at = sessions.expires_at as is_same
       from app_public.sessions join app_private.tokens on tokens.session_id = sessions.id`,
    )
    expect(stored).toEqual({ expires_at: session!.expires_at, is_month: true, is_same: true })
  })

  test('gives another token each time, and leaves the sessions before alone', async () => {
    const [first] = await as.owner(start, [person])
    const [second] = await as.owner(start, [person])

    expect(second!.token).not.toBe(first!.token)
    expect(await as.owner(all)).toHaveLength(2)
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

  test.each([
    ['Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0', 'Firefox on Linux'],
    [
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36 Edg/130.0.0.0',
      'Edge on Windows',
    ],
    [
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1',
      'Safari on iOS',
    ],
    [
      'Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Mobile Safari/537.36',
      'Chrome on Android',
    ],
    [
      'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36',
      'Chrome on macOS',
    ],
    ['curl/8.5.0', 'curl'],
    ['<script>alert(1)</script>', null],
    ['', null],
    [null, null],
  ])('of %j no more than the family is kept', async (userAgent, client) => {
    await as.owner(`select set_config('plinth.request', $1, true)`, [JSON.stringify({ userAgent })])

    await as.owner(start, [person])

    expect(await as.owner('select client from app_public.sessions')).toEqual([{ client }])
  })

  test.each([
    ['203.0.113.77', '203.0.113.0/24'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1::/48'],
    [null, null],
  ])('of the address %j no more than the region is kept', async (address, network) => {
    await as.owner(`select set_config('plinth.request', $1, true)`, [JSON.stringify({ address })])

    await as.owner(start, [person])

    expect(await as.owner('select network from app_public.sessions')).toEqual([{ network }])
  })
})
