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
