import { beforeEach, describe, expect, test } from '@jest/globals'
import { useTransaction } from '../support/database.ts'
import { makePerson } from '../support/people.ts'
import { setCode, startSession } from '../support/sessions.ts'

const as = useTransaction()
let person: string
const hash = '$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$aGFzaA'
const newHash = hash.replace('aGFzaA', 'bmV3')
beforeEach(async () => {
  person = await makePerson(as.owner, 'Mia')
  await as.owner('insert into app_private.passwords (person_id, hash) values ($1, $2)', [person, hash])
})

const jobs = 'select task_identifier from graphile_worker.jobs order by id'
const log = 'select kind, detail from app_public.security_events order by kind'
const hashes = 'select hash from app_private.passwords'

describe.each(['request_sign_in_code', 'request_password_reset'])('app_public.%s', (name) => {
  const request = `select id, expires_at = now() + interval '15 minutes' as is_quarter from app_public.${name}($1)`

  test('a known and an unknown address leave the same traces', async () => {
    const answers = []
    for (const email of [' Mia@Example.com', 'nobody@example.com']) {
      answers.push(...(await as.anonymous(request, [email])))
    }

    const uuid: unknown = expect.stringMatching(/^[0-9a-f-]{36}$/)
    expect(answers).toEqual([
      { id: uuid, is_quarter: true },
      { id: uuid, is_quarter: true },
    ])
    expect(
      await as.owner('select address, person_id, name, code_hash from app_private.mail_codes order by id'),
    ).toEqual([
      { address: 'mia@example.com', person_id: null, name: null, code_hash: null },
      { address: 'nobody@example.com', person_id: null, name: null, code_hash: null },
    ])
    expect(await as.owner(jobs)).toEqual([
      { task_identifier: 'mail_code__send' },
      { task_identifier: 'mail_code__send' },
    ])
  })

  test.each(['mia', '', null])('%j is no address', async (email) => {
    await expect(as.anonymous(request, [email])).rejects.toMatchObject({ code: '22023', column: 'email' })
  })
})

/** A code for an address, and the way it is mailed: by the function that asks for it. */
async function codeFor(name: string, email: string): Promise<[id: string, code: string]> {
  const [sent] = await as.anonymous(`select id from app_public.${name}($1)`, [email])
  return [sent!.id as string, await setCode(as.owner, sent!.id as string)]
}

describe('app_public.sign_in_with_code', () => {
  const signIn = 'select token from app_public.sign_in_with_code($1, $2)'
  const code = (email = 'mia@example.com') => codeFor('request_sign_in_code', email)

  test('somebody with the code is signed in, once', async () => {
    const given = await code()

    expect(await as.anonymous(signIn, given)).not.toEqual([{ token: null }])
    expect(await as.anonymous(signIn, given)).toEqual([{ token: null }])
    expect(await as.owner('select person_id from app_public.sessions')).toEqual([{ person_id: person }])
    expect(await as.owner(log)).toEqual([{ kind: 'signed_in', detail: 'mailed code' }])
  })

  test('a code for an address without account signs nobody in', async () => {
    expect(await as.anonymous(signIn, await code('nobody@example.com'))).toEqual([{ token: null }])
  })

  test('neither a wrong, nor an expired code, nor one for something else is any good', async () => {
    const [id] = await code()
    const expired = await code()
    await as.owner('update app_private.mail_codes set expires_at = now() where id = $1', [expired[0]])
    const reset = await codeFor('request_password_reset', 'mia@example.com')

    for (const given of [[id, 'ZZZZ-ZZZZ'], expired, reset, [crypto.randomUUID(), 'K7QF-2MXD']]) {
      expect(await as.anonymous(signIn, given)).toEqual([{ token: null }])
    }
    expect(await as.owner('select id from app_public.sessions')).toEqual([])
  })
})

describe('app_public.reset_password', () => {
  const reset = 'select token from app_public.reset_password($1, $2, $3)'
  const code = (email = 'mia@example.com') => codeFor('request_password_reset', email)

  test('somebody with the code has a new password, and whoever was signed in is out', async () => {
    const before = await startSession(as.owner, person)

    const [session] = await as.anonymous(reset, [...(await code()), newHash])

    expect(session!.token).toMatch(/^[0-9a-f]{64}$/)
    expect(await as.owner(hashes)).toEqual([{ hash: newHash }])
    expect(await as.owner('select id from app_public.sessions where id = $1', [before])).toEqual([])
    expect(await as.owner(log)).toEqual([{ kind: 'password_changed', detail: 'with a mailed code' }])
    expect(await as.owner(jobs)).toContainEqual({ task_identifier: 'security_event__send_notice' })
  })

  test('somebody who never had a password gets a first one', async () => {
    await as.owner('delete from app_private.passwords')

    await as.anonymous(reset, [...(await code()), newHash])

    expect(await as.owner(hashes)).toEqual([{ hash: newHash }])
  })

  test('neither a wrong, a used, an expired code, nor one for something else changes anything', async () => {
    const used = await code()
    await as.anonymous(reset, [...used, hash])
    const [id] = await code()
    const expired = await code()
    await as.owner('update app_private.mail_codes set expires_at = now() where id = $1', [expired[0]])
    const signIn = await codeFor('request_sign_in_code', 'mia@example.com')
    const nobody = await code('nobody@example.com')

    for (const given of [[id, 'ZZZZ-ZZZZ'], used, expired, signIn, nobody]) {
      expect(await as.anonymous(reset, [...given, newHash])).toEqual([{ token: null }])
    }
    expect(await as.owner(hashes)).toEqual([{ hash }])
  })

  test('a password that nobody hashed is refused, and the code is still good', async () => {
    const given = await code()

    await expect(as.anonymous(reset, [...given, 'open sesame'])).rejects.toMatchObject({ code: '23514' })
    expect(await as.anonymous(reset, [...given, newHash])).not.toEqual([{ token: null }])
  })
})

describe('app_public.change_password', () => {
  const change = 'select app_public.change_password($1) as is_changed'

  test('a person who has just signed in changes it, and their other sessions end', async () => {
    const session = await startSession(as.owner, person)
    await startSession(as.owner, person)

    expect(await as.person(person, session)(change, [newHash])).toEqual([{ is_changed: true }])
    expect(await as.owner(hashes)).toEqual([{ hash: newHash }])
    expect(await as.owner('select id from app_public.sessions')).toEqual([{ id: session }])
    expect(await as.owner(log)).toEqual([
      { kind: 'password_changed', detail: null },
      { kind: 'session_ended', detail: null },
    ])
  })

  test('neither an old session nor a key may', async () => {
    const old = await startSession(as.owner, person, '11 minutes')

    await expect(as.person(person, old)(change, [newHash])).rejects.toMatchObject({ code: 'REAUT' })
    await expect(as.person(person)(change, [newHash])).rejects.toMatchObject({ code: 'REAUT' })
    await expect(as.anonymous(change, [newHash])).rejects.toMatchObject({ code: '42501' })
    expect(await as.owner(hashes)).toEqual([{ hash }])
  })
})

describe('a new password', () => {
  const signIn = 'select token from app_public.sign_in_with_code($1, $2)'
  const change = 'select app_public.change_password($1)'
  const reset = 'select token from app_public.reset_password($1, $2, $3)'

  test.each(['changed', 'reset'])('ends the codes that were mailed before, once it was %s', async (how) => {
    const session = await startSession(as.owner, person)
    const toSignIn = await codeFor('request_sign_in_code', 'mia@example.com')
    const toReset = await codeFor('request_password_reset', 'mia@example.com')
    const elsewhere = await codeFor('request_sign_in_code', 'nobody@example.com')

    if (how === 'changed') await as.person(person, session)(change, [newHash])
    else await as.anonymous(reset, [...(await codeFor('request_password_reset', 'mia@example.com')), newHash])

    expect(await as.anonymous(signIn, toSignIn)).toEqual([{ token: null }])
    expect(await as.anonymous(reset, [...toReset, hash])).toEqual([{ token: null }])
    expect(await as.owner(hashes)).toEqual([{ hash: newHash }])
    expect(await as.owner('select id from app_private.mail_codes')).toEqual([{ id: elsewhere[0] }])
  })
})

describe('app_private.purge_mail_codes', () => {
  test('removes what has expired, and nothing else', async () => {
    const [expired] = await codeFor('request_sign_in_code', 'mia@example.com')
    const [good] = await codeFor('request_sign_in_code', 'mia@example.com')
    await as.owner('update app_private.mail_codes set expires_at = now() where id = $1', [expired])

    await as.owner('select app_private.purge_mail_codes()')

    expect(await as.owner('select id from app_private.mail_codes')).toEqual([{ id: good }])
  })
})
