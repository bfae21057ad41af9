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

describe('app_public.sign_in', () => {
  const signIn = 'select (app_public.sign_in($1, $2)).token'
  const sessions = 'select person_id from app_public.sessions'
  const log = 'select kind, detail, person_id from app_public.security_events order by kind'

  test.each(['mia@example.com', ' MIA@example.com '])('somebody signs in as %j', async (email) => {
    const [session] = await as.anonymous(signIn, [email, hash])

    expect(session!.token).toMatch(/^[0-9a-f]{64}$/)
    expect(await as.owner(sessions)).toEqual([{ person_id: person }])
    expect(await as.owner(log)).toEqual([{ kind: 'signed_in', detail: 'password', person_id: person }])
  })

  test('somebody signs in with any address of theirs', async () => {
    await as.owner(
      `insert into app_public.email_addresses (person_id, address) values ($1, 'mia@example.org')`,
      [person],
    )

    expect(await as.anonymous(signIn, ['mia@example.org', hash])).not.toEqual([{ token: null }])
  })

  test('somebody without a password signs in with none', async () => {
    await as.owner('delete from app_private.passwords')

    expect(await as.anonymous(signIn, ['mia@example.com', hash])).toEqual([{ token: null }])
  })

  test('a right password takes back the attempts that came before it, of this address alone', async () => {
    const count = (email: string) => as.anonymous('select app_hidden.count_sign_in($1) as wait', [email])
    for (let attempt = 0; attempt < 10; attempt++) {
      await count('mia@example.com')
      await count('other@example.com')
    }
    expect(await count('mia@example.com')).not.toEqual([{ wait: null }])

    await as.anonymous(signIn, ['mia@example.com', hash])

    expect(await count('mia@example.com')).toEqual([{ wait: null }])
    expect(await count('other@example.com')).not.toEqual([{ wait: null }])
  })

  test('after sixty attempts by way of many addresses a right password is refused like a wrong one', async () => {
    for (let number = 0; number < 7; number++) {
      const address = `mia${number}@example.com`
      await as.owner('insert into app_public.email_addresses (person_id, address) values ($1, $2)', [
        person,
        address,
      ])
      for (let attempt = 0; attempt < 9; attempt++) {
        await as.anonymous('select app_hidden.count_sign_in($1)', [address])
      }
    }

    expect(await as.anonymous(signIn, ['mia@example.com', hash])).toEqual([{ token: null }])
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
    expect(await as.owner(log)).toEqual([
      {
        kind: 'sign_in_refused',
        detail: 'password',
        person_id: email === 'mia@example.com' ? person : null,
      },
    ])
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
