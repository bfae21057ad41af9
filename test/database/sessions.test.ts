import { createHash } from 'node:crypto'
import { beforeEach, describe, expect, test } from '@jest/globals'
import { useTransaction } from '../support/database.ts'
import { makePerson } from '../support/people.ts'
import { startSession } from '../support/sessions.ts'

const as = useTransaction()
let person: string
let stranger: string
beforeEach(async () => {
  person = await makePerson(as.owner, 'Mia')
  stranger = await makePerson(as.owner, 'Stan')
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

describe('app_public.sessions', () => {
  let mine: string
  let theirs: string
  beforeEach(async () => {
    mine = await startSession(as.owner, person)
    theirs = await startSession(as.owner, stranger)
  })

  test('a person sees their own, and nobody else’s', async () => {
    expect(await as.person(person)(all)).toEqual([{ id: mine }])
  })

  test('a person names their own, and nobody else’s', async () => {
    const named = await as.person(person)(`update app_public.sessions set name = 'Laptop' returning id, name`)

    expect(named).toEqual([{ id: mine, name: 'Laptop' }])
  })

  test.each(['', '  ', 'x'.repeat(101)])('a session cannot be called %j', async (name) => {
    const naming = as.person(person)('update app_public.sessions set name = $1', [name])

    await expect(naming).rejects.toMatchObject({ code: '23514' })
  })

  test.each(['person_id', 'client', 'network', 'created_at', 'last_used_at', 'expires_at'])(
    'a person cannot set the %s',
    async (column) => {
      const setting = as.person(person)(`update app_public.sessions set ${column} = default`)

      await expect(setting).rejects.toMatchObject({ code: '42501' })
    },
  )

  test('a person ends their own, with its token, and nobody else’s', async () => {
    const ended = await as.person(person)('delete from app_public.sessions returning id')

    expect(ended).toEqual([{ id: mine }])
    expect(await as.owner(all)).toEqual([{ id: theirs }])
    expect(await as.owner('select session_id from app_private.tokens')).toEqual([{ session_id: theirs }])
  })

  test('a person cannot begin one by hand', async () => {
    const beginning = as.person(person)('insert into app_public.sessions (person_id) values ($1)', [person])

    await expect(beginning).rejects.toMatchObject({ code: '42501' })
  })

  test.each(['select * from app_public.sessions', 'delete from app_public.sessions'])(
    'an anonymous caller may not: %s',
    async (statement) => {
      await expect(as.anonymous(statement)).rejects.toMatchObject({ code: '42501' })
    },
  )
})

describe('app_public.current_session', () => {
  const current = 'select (app_public.current_session()).id'

  test('a person is told which session they act in', async () => {
    const mine = await startSession(as.owner, person)
    await startSession(as.owner, person)

    expect(await as.person(person, mine)(current)).toEqual([{ id: mine }])
  })

  test('a person who acts by a key has none', async () => {
    await startSession(as.owner, person)

    expect(await as.person(person)(current)).toEqual([{ id: null }])
  })
})

describe('app_private.purge_expired_sessions', () => {
  const purge = 'select app_private.purge_expired_sessions()::int as count'

  test('removes the sessions that have ended, and no other, and is no event', async () => {
    for (const left of ['-1 day', '0 seconds', '1 second']) {
      const id = await startSession(as.owner, person)
      await as.owner(`update app_public.sessions set expires_at = now() + $2::interval where id = $1`, [
        id,
        left,
      ])
    }

    const purged = await as.owner(purge)

    expect(purged).toEqual([{ count: 2 }])
    expect(await as.owner('select expires_at > now() as is_alive from app_public.sessions')).toEqual([
      { is_alive: true },
    ])
    expect(await as.owner('select kind from app_public.security_events')).toEqual([])
  })

  test('is content when there is nothing to do', async () => {
    expect(await as.owner(purge)).toEqual([{ count: 0 }])
  })

  test('neither a person nor an anonymous caller can purge', async () => {
    await expect(as.person(person)(purge)).rejects.toMatchObject({ code: '42501' })
    await expect(as.anonymous(purge)).rejects.toMatchObject({ code: '42501' })
  })
})

describe('app_public.sign_out', () => {
  const signOut = 'select app_public.sign_out() as was_running'

  test('a person ends the session they act in, and no other of theirs', async () => {
    const session = await startSession(as.owner, person)
    const other = await startSession(as.owner, person)

    const first = await as.person(person, session)(signOut)
    const second = await as.person(person, session)(signOut)

    expect([...first, ...second]).toEqual([{ was_running: true }, { was_running: false }])
    expect(await as.owner(all)).toEqual([{ id: other }])
  })

  test('a person without a session ends none', async () => {
    await startSession(as.owner, person)

    expect(await as.person(person)(signOut)).toEqual([{ was_running: false }])
    expect(await as.owner(all)).toHaveLength(1)
  })

  test('an anonymous caller may not even ask', async () => {
    await expect(as.anonymous(signOut)).rejects.toMatchObject({ code: '42501' })
  })
})

describe('app_public.sign_out_everywhere', () => {
  const signOut = 'select app_public.sign_out_everywhere() as count'

  test('a person ends all of their own and nobody else’s, and the log says so of each', async () => {
    const session = await startSession(as.owner, person)
    await startSession(as.owner, person)
    const theirs = await startSession(as.owner, stranger)

    expect(await as.person(person, session)(signOut)).toEqual([{ count: 2 }])
    expect(await as.owner(all)).toEqual([{ id: theirs }])
    expect(await as.person(person)('select kind from app_public.security_events')).toEqual([
      { kind: 'session_ended' },
      { kind: 'session_ended' },
    ])
  })

  test('an anonymous caller may not even ask', async () => {
    await expect(as.anonymous(signOut)).rejects.toMatchObject({ code: '42501' })
  })
})

describe('app_private.note_uses', () => {
  test('what is used is noted, once a minute, and nothing else', async () => {
    const mine = await startSession(as.owner, person)
    await startSession(as.owner, stranger)
    await as.owner(`update app_public.sessions set last_used_at = now() - interval '1 hour'`)
    const note = `select app_private.note_uses(array(select hash from app_private.tokens where session_id = $1))`
    const used = `select id, last_used_at = now() as is_now from app_public.sessions where last_used_at > now() - interval '59 minutes'`

    await as.owner(note, [mine])
    expect(await as.owner(used)).toEqual([{ id: mine, is_now: true }])

    await as.owner(
      `update app_public.sessions set last_used_at = now() - interval '40 seconds' where id = $1`,
      [mine],
    )
    await as.owner(note, [mine])
    expect(await as.owner(used)).toEqual([{ id: mine, is_now: false }])
  })

  test('a person cannot note anything', async () => {
    const noting = as.person(person)(`select app_private.note_uses('{}')`)

    await expect(noting).rejects.toMatchObject({ code: '42501' })
  })
})
