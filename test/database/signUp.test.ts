import { beforeEach, describe, expect, test } from '@jest/globals'
import { useTransaction } from '../support/database.ts'
import { makePerson } from '../support/people.ts'
import { setCode } from '../support/sessions.ts'

const as = useTransaction()
let person: string
const hash = '$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$aGFzaA'
beforeEach(async () => {
  person = await makePerson(as.owner, 'Mia')
})

const people = 'select name from app_public.people order by name'
const jobs = 'select task_identifier from graphile_worker.jobs order by id'
const signUp = 'select id from app_public.sign_up($1, $2, $3)'
const confirm = 'select token from app_public.confirm_sign_up($1, $2)'

async function begin(email: string): Promise<string> {
  const [code] = await as.anonymous(signUp, [email, ' Nora ', hash])
  return code!.id as string
}

describe('app_public.sign_up', () => {
  test.each([' Nora@Example.com ', 'mia@example.com'])(
    'somebody begins with the address %j: a code is on its way, and nobody is made yet',
    async (email) => {
      const id = await begin(email)

      expect(
        await as.owner(
          `select id, purpose, address, name, password_hash, code_hash,
             expires_at = now() + interval '15 minutes' as is_quarter
           from app_private.mail_codes`,
        ),
      ).toEqual([
        {
          id,
          purpose: 'sign_up',
          address: email.trim().toLowerCase(),
          name: 'Nora',
          password_hash: hash,
          code_hash: null,
          is_quarter: true,
        },
      ])
      expect(await as.owner(people)).toEqual([{ name: 'Mia' }])
      expect(await as.owner(jobs)).toEqual([{ task_identifier: 'mail_code__send' }])
    },
  )

  test.each([
    ['an address without a dot', 'nora@example', 'Nora', hash, '22023', 'email'],
    ['two addresses', 'a@example.com b@example.com', 'Nora', hash, '22023', 'email'],
    ['an address of 255 characters', `${'x'.repeat(243)}@example.com`, 'Nora', hash, '22023', 'email'],
    ['two addresses with a comma', 'a,b@example.com', 'Nora', hash, '22023', 'email'],
    ['an address with a name', 'nora <nora@example.com>', 'Nora', hash, '22023', 'email'],
    ['an address in quotes', '"nora"@example.com', 'Nora', hash, '22023', 'email'],
    ['no address', null, 'Nora', hash, '22023', 'email'],
    ['a name of blanks', 'nora@example.com', '  ', hash, '22023', 'name'],
    ['a name of 101 characters', 'nora@example.com', 'x'.repeat(101), hash, '22023', 'name'],
    ['no name', 'nora@example.com', null, hash, '22023', 'name'],
    ['a password that nobody hashed', 'nora@example.com', 'Nora', 'open sesame', '23514', undefined],
    ['no password', 'nora@example.com', 'Nora', null, '23514', undefined],
  ])('%s is refused, and nothing is mailed', async (_, email, name, password, code, column) => {
    const signingUp = as.anonymous(signUp, [email, name, password])

    await expect(signingUp).rejects.toMatchObject({ code, column })
    expect(await as.owner(jobs)).toEqual([])
  })

  test('a person who is signed in cannot sign up', async () => {
    const signingUp = as.person(person)(signUp, ['nora@example.com', 'Nora', hash])

    await expect(signingUp).rejects.toMatchObject({ code: '42501' })
  })
})

describe('app_public.confirm_sign_up', () => {
  test('somebody with the code has an account, its proven address, its password and a session', async () => {
    const id = await begin('nora@example.com')
    const code = await setCode(as.owner, id)

    const [session] = await as.anonymous(confirm, [id, code])

    expect(session!.token).toMatch(/^[0-9a-f]{64}$/)
    expect(
      await as.owner(
        `select people.name, email_addresses.address, email_addresses.is_primary, passwords.hash,
           tokens.hash = sha256(convert_to($1, 'UTF8')) as is_session
         from app_public.people
         join app_public.email_addresses on email_addresses.person_id = people.id
         join app_private.passwords on passwords.person_id = people.id
         join app_private.tokens on tokens.person_id = people.id
         where people.id <> $2`,
        [session!.token, person],
      ),
    ).toEqual([{ name: 'Nora', address: 'nora@example.com', is_primary: true, hash, is_session: true }])
    expect(await as.owner('select kind from app_public.security_events order by kind')).toEqual([
      { kind: 'signed_in' },
      { kind: 'signed_up' },
    ])
    expect(await as.owner(jobs)).toEqual([
      { task_identifier: 'mail_code__send' },
      { task_identifier: 'person__send_welcome' },
    ])
  })

  test.each(['k7qf2mxd', ' K7QF 2MXD ', 'K7qf-2mxd'])('the code may be typed as %j', async (typed) => {
    const id = await begin('nora@example.com')
    await setCode(as.owner, id, 'K7QF-2MXD')

    expect(await as.anonymous(confirm, [id, typed])).not.toEqual([{ token: null }])
  })

  test.each(['K7QF-2MXE', '', 'K7QF', 'K7QF-2MXDD', null])('the code %j is refused', async (code) => {
    const id = await begin('nora@example.com')
    await setCode(as.owner, id, 'K7QF-2MXD')

    expect(await as.anonymous(confirm, [id, code])).toEqual([{ token: null }])
    expect(await as.owner(people)).toEqual([{ name: 'Mia' }])
  })

  test('no code at all is refused as long as none was mailed', async () => {
    const id = await begin('nora@example.com')

    for (const code of ['', null]) expect(await as.anonymous(confirm, [id, code])).toEqual([{ token: null }])
  })

  test('a code is good once', async () => {
    const id = await begin('nora@example.com')
    const code = await setCode(as.owner, id)
    await as.anonymous(confirm, [id, code])

    expect(await as.anonymous(confirm, [id, code])).toEqual([{ token: null }])
    expect(await as.owner(people)).toEqual([{ name: 'Mia' }, { name: 'Nora' }])
  })

  test('an expired code is refused, from the very moment on', async () => {
    const id = await begin('nora@example.com')
    const code = await setCode(as.owner, id)
    await as.owner('update app_private.mail_codes set expires_at = now()')

    expect(await as.anonymous(confirm, [id, code])).toEqual([{ token: null }])
  })

  test('the code of one sign-up is of no use for another', async () => {
    const id = await begin('nora@example.com')
    const other = await begin('otto@example.com')
    const code = await setCode(as.owner, id, 'AAAA-AAAA')
    await setCode(as.owner, other, 'BBBB-BBBB')

    expect(await as.anonymous(confirm, [other, code])).toEqual([{ token: null }])
  })

  test('a code to sign in with is none to sign up with', async () => {
    const [sent] = await as.anonymous(`select id from app_public.request_sign_in_code('mia@example.com')`)
    const code = await setCode(as.owner, sent!.id as string)

    expect(await as.anonymous(confirm, [sent!.id, code])).toEqual([{ token: null }])
  })

  test('of two codes for one address the second finds the address known', async () => {
    const [first, second] = [await begin('nora@example.com'), await begin('nora@example.com')]
    const code = await setCode(as.owner, first)
    await setCode(as.owner, second)
    await as.anonymous(confirm, [first, code])

    expect(await as.anonymous(confirm, [second, code])).toEqual([{ token: null }])
    expect(await as.owner(people)).toEqual([{ name: 'Mia' }, { name: 'Nora' }])
  })
})
