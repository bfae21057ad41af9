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

const all = 'select id from app_public.sessions order by id'

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
