import { beforeEach, describe, expect, test } from '@jest/globals'
import { useTransaction } from '../support/database.ts'
import { makePerson } from '../support/people.ts'

const as = useTransaction()
let person: string
const hash = '$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$aGFzaA'
beforeEach(async () => {
  person = await makePerson(as.owner, 'Mia')
  await as.owner('insert into app_private.passwords (person_id, hash) values ($1, $2)', [person, hash])
})

const people = 'select name from app_public.people order by name'

describe('app_public.sign_up', () => {
  const signUp = 'select app_public.sign_up($1, $2, $3) as address'
  const jobs = `select task_identifier, count(*)::int from graphile_worker.jobs group by 1`

  test('an anonymous caller makes a person with an address and a password', async () => {
    const rows = await as.anonymous(signUp, [' Nora@Example.com ', ' Nora ', hash])

    const made = await as.owner(
      `select people.name, email_addresses.address, passwords.hash
       from app_public.people
       join app_public.email_addresses on email_addresses.person_id = people.id
       join app_private.passwords on passwords.person_id = people.id
       where people.id <> $1`,
      [person],
    )
    expect(rows).toEqual([{ address: 'nora@example.com' }])
    expect(made).toEqual([{ name: 'Nora', address: 'nora@example.com', hash }])
    expect(await as.owner(jobs)).toEqual([{ task_identifier: 'person__send_welcome', count: 1 }])
  })

  test('a known address gets the same answer, and its person stays as they were', async () => {
    const other = hash.replace('aGFzaA', 'b3RoZXI')

    const rows = await as.anonymous(signUp, ['mia@example.com', 'Mimi', other])

    expect(rows).toEqual([{ address: 'mia@example.com' }])
    expect(await as.owner(people)).toEqual([{ name: 'Mia' }])
    expect(await as.owner('select hash from app_private.passwords')).toEqual([{ hash }])
    expect(await as.owner(jobs)).toEqual([{ task_identifier: 'person__send_already_registered', count: 1 }])
  })

  test.each([
    ['an address without a dot', 'nora@example', 'Nora', hash, '22023', 'email'],
    ['two addresses', 'a@example.com b@example.com', 'Nora', hash, '22023', 'email'],
    ['an address of 255 characters', `${'x'.repeat(243)}@example.com`, 'Nora', hash, '22023', 'email'],
    ['a name of blanks', 'nora@example.com', '  ', hash, '22023', 'name'],
    ['a name of 101 characters', 'nora@example.com', 'x'.repeat(101), hash, '22023', 'name'],
    ['a password that nobody hashed', 'nora@example.com', 'Nora', 'open sesame', '23514', undefined],
    ['no address', null, 'Nora', hash, '23502', 'address'],
    ['no name', 'nora@example.com', null, hash, '23502', 'name'],
    ['no password', 'nora@example.com', 'Nora', null, '23502', 'hash'],
  ])('%s is refused, and nobody is made', async (_, email, name, password, code, column) => {
    const signingUp = as.anonymous(signUp, [email, name, password])

    await expect(signingUp).rejects.toMatchObject({ code, column })
    expect(await as.owner(people)).toEqual([{ name: 'Mia' }])
    expect(await as.owner(jobs)).toEqual([])
  })

  test('a person who is signed in cannot sign up', async () => {
    const signingUp = as.person(person)(signUp, ['nora@example.com', 'Nora', hash])

    await expect(signingUp).rejects.toMatchObject({ code: '42501' })
  })
})

describe('app_public.sign_in', () => {
  const signIn = 'select (app_public.sign_in($1, $2)).token'
  const sessions = 'select person_id from app_private.sessions'

  test.each(['mia@example.com', ' MIA@example.com '])('somebody signs in as %j', async (email) => {
    const [session] = await as.anonymous(signIn, [email, hash])

    expect(session!.token).toMatch(/^[0-9a-f]{64}$/)
    expect(await as.owner(sessions)).toEqual([{ person_id: person }])
  })

  test('somebody who is signed in signs in once more', async () => {
    expect(await as.person(person)(signIn, ['mia@example.com', hash])).toHaveLength(1)
  })

  test.each([
    ['a wrong password', 'mia@example.com', `${hash}x`],
    ['an unknown address', 'nobody@example.com', hash],
    ['no password', 'mia@example.com', null],
    ['no address', null, hash],
  ])('%s gives null and starts nothing', async (_, email, password) => {
    expect(await as.anonymous(signIn, [email, password])).toEqual([{ token: null }])
    expect(await as.owner(sessions)).toEqual([])
  })
})

describe('app_hidden.password_salt', () => {
  const ask = 'select app_hidden.password_salt($1) as salt'
  const saltOf = async (email: string | null) => (await as.anonymous(ask, [email]))[0]!.salt as string

  test('a known address gets the salt of its password, and nothing of the hash', async () => {
    expect(await saltOf('mia@example.com')).toBe('$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA')
  })

  test('an unknown address gets a salt of the same shape', async () => {
    const shape = /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}$/

    expect(await saltOf('nobody@example.com')).toMatch(shape)
    expect(await saltOf('mia@example.com')).toMatch(shape)
  })

  test('an unknown address gets the same salt every time, however it is written', async () => {
    const salts = [
      await saltOf('nobody@example.com'),
      await saltOf('nobody@example.com'),
      await saltOf(' NoBody@Example.com '),
    ]

    expect(new Set(salts).size).toBe(1)
  })

  test('two unknown addresses get different salts', async () => {
    expect(await saltOf('nobody@example.com')).not.toBe(await saltOf('somebody@example.com'))
  })

  test('no salt can be foretold without the secret', async () => {
    const before = await saltOf('nobody@example.com')

    await as.owner('update app_private.salt_keys set key = default')

    expect(await saltOf('nobody@example.com')).not.toBe(before)
  })

  test('a person may ask as well', async () => {
    expect(await as.person(person)(ask, ['mia@example.com'])).toEqual([
      { salt: await saltOf('mia@example.com') },
    ])
  })

  test('no address gives null', async () => {
    expect(await saltOf(null)).toBeNull()
  })
})
