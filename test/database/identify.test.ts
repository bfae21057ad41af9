import { createHash, randomBytes } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import pg from 'pg'
import { makeDatabase, type TestDatabase, useTransaction } from '../support/database.ts'
import { makeKey } from '../support/devices.ts'
import { makePerson, makeStudio } from '../support/people.ts'

const as = useTransaction()
let person: string
let tokenHash: Buffer
beforeEach(async () => {
  person = await makePerson(as.owner, 'Ida')
  const [session] = await as.owner('select token from app_private.start_session($1)', [person])
  tokenHash = createHash('sha256')
    .update(session!.token as string)
    .digest()
})

const identify = 'select * from app_private.identify($1)'

describe('app_private.identify', () => {
  test('the bearer of a token acts as its person, in its session', async () => {
    const [session] = await as.owner('select id from app_public.sessions where person_id = $1', [person])

    expect(await as.owner(identify, [tokenHash])).toEqual([
      { setting: 'role', value: 'plinth_person' },
      { setting: 'plinth.person_id', value: person },
      { setting: 'plinth.session_id', value: session!.id },
      { setting: 'plinth.device_id', value: '' },
    ])
  })

  test('a caller without a token is anonymous, and whoever was there before is wiped out', async () => {
    expect(await as.owner(identify, [null])).toEqual([
      { setting: 'role', value: 'plinth_anonymous' },
      { setting: 'plinth.person_id', value: '' },
      { setting: 'plinth.session_id', value: '' },
      { setting: 'plinth.device_id', value: '' },
    ])
  })

  test('a device acts as itself and as nobody else', async () => {
    const { deviceId } = await makeStudio(as.owner)
    const key = await makeKey(as.owner, deviceId)

    expect(await as.owner(identify, [createHash('sha256').update(key).digest()])).toEqual([
      { setting: 'role', value: 'plinth_device' },
      { setting: 'plinth.person_id', value: '' },
      { setting: 'plinth.session_id', value: '' },
      { setting: 'plinth.device_id', value: deviceId },
    ])
  })

  test('the bearer of an unknown token is refused', async () => {
    await expect(as.owner(identify, [randomBytes(32)])).rejects.toMatchObject({ code: '28000' })
  })

  test('the token itself, in the place of its hash, is refused', async () => {
    const [session] = await as.owner('select token from app_private.start_session($1)', [person])

    const asking = as.owner(identify, [Buffer.from(session!.token as string)])

    await expect(asking).rejects.toMatchObject({ code: '28000' })
  })

  test('the bearer of an expired token is refused, from the very moment on', async () => {
    await as.owner('update app_private.tokens set expires_at = now()')

    await expect(as.owner(identify, [tokenHash])).rejects.toMatchObject({ code: '28000' })
  })

  test('a session that has a millisecond left still counts', async () => {
    await as.owner(`update app_private.tokens set expires_at = now() + interval '1 millisecond'`)

    expect(await as.owner(identify, [tokenHash])).toHaveLength(4)
  })

  test('the bearer of a token whose person is gone is refused', async () => {
    await as.owner('delete from app_public.people where id = $1', [person])

    await expect(as.owner(identify, [tokenHash])).rejects.toMatchObject({ code: '28000' })
  })

  test('a person cannot ask whom a token belongs to', async () => {
    await expect(as.person(person)(identify, [tokenHash])).rejects.toMatchObject({ code: '42501' })
  })

  test('an anonymous caller cannot ask whom a token belongs to', async () => {
    await expect(as.anonymous(identify, [tokenHash])).rejects.toMatchObject({ code: '42501' })
  })
})

describe('the authenticator, signed in as itself', () => {
  let database: TestDatabase
  let client: pg.Client
  beforeAll(async () => {
    database = await makeDatabase()
    client = new pg.Client({ connectionString: database.authenticatorUrl })
    await client.connect()
  })
  afterAll(async () => {
    await client.end()
    await database.drop()
  })

  test('identifies callers', async () => {
    const { rows } = await client.query(identify, [null])

    expect(rows).toHaveLength(4)
    await expect(client.query(identify, [randomBytes(32)])).rejects.toMatchObject({ code: '28000' })
  })

  test.each([
    'select * from app_private.tokens',
    'select * from app_private.mail_codes',
    'select * from app_private.attempts',
    'select * from app_public.sessions',
    'select * from app_private.passwords',
    'select * from app_private.salt_keys',
    'select * from app_private.enrolments',
    'select * from app_public.devices',
    'select app_private.start_session(gen_random_uuid())',
    'select app_private.make_device_key(gen_random_uuid())',
    'select app_private.purge_expired_sessions()',
    'select app_private.decide_door(gen_random_uuid(), gen_random_uuid(), now())',
    'select * from app_public.people',
    'select * from app_public.doors',
    `select app_public.create_organization('Mine')`,
    `select app_hidden.password_salt('mia@example.com')`,
    'set role plinth_owner',
  ])('may not: %s', async (statement) => {
    await expect(client.query(statement)).rejects.toMatchObject({ code: '42501' })
  })

  test('becomes each kind of caller', async () => {
    const roles: unknown[] = []

    for (const role of ['plinth_anonymous', 'plinth_person', 'plinth_device']) {
      await client.query(`set role ${role}`)
      roles.push((await client.query<{ role: string }>('select current_user as role')).rows[0]!.role)
      await client.query('reset role')
    }

    expect(roles).toEqual(['plinth_anonymous', 'plinth_person', 'plinth_device'])
  })
})
