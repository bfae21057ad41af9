import { beforeEach, describe, expect, test } from '@jest/globals'
import { withConnection } from '../../src/database/connection.ts'
import { makeDatabase, useTransaction } from '../support/database.ts'
import { makeStudio, type Studio } from '../support/people.ts'
import { everybody, runAs } from './actors.ts'

const as = useTransaction()
let studio: Studio
beforeEach(async () => {
  studio = await makeStudio(as.owner)
})

const issuer = 'https://id.example.com'
const claims = (subject: string, email: string | null, isVerified = true) => [
  issuer,
  subject,
  email,
  isVerified,
  'Somebody',
  '',
]
const signIn = 'select token from app_private.sign_in_with_open_id($1, $2, $3, $4, $5, $6)'
const link = `select app_private.link_open_id($1, '${issuer}', $2, null, '') as result`

describe('the functions that believe what they are told', () => {
  const calls = [
    `select app_private.sign_in_with_open_id('${issuer}', '1', 'olga@example.com', true, 'Olga', '')`,
    `select app_private.link_open_id(gen_random_uuid(), '${issuer}', '1', null, '')`,
    `select app_private.take_open_id_attempt(gen_random_uuid(), sha256(''))`,
  ]
  const each = calls.map((call) => ({ call }))

  describe.each(everybody)('for the %s', (who) => {
    test.each(each)('refuse: $call', async ({ call }) => {
      await expect(runAs(as, studio, who)(call)).rejects.toMatchObject({ code: '42501' })
    })
  })

  test.each(each)('refuse even in an opened schema: $call', async ({ call }) => {
    await as.owner('grant usage on schema app_private to plinth_anonymous, plinth_person')

    await expect(as.anonymous(call)).rejects.toMatchObject({ code: '42501' })
    await expect(as.person(studio.member)(call)).rejects.toMatchObject({ code: '42501' })
  })

  test('are the API’s to call', async () => {
    const rows = await as.owner(
      `select has_function_privilege('plinth_authenticator', oid, 'execute') as may
       from pg_proc where proname in ('sign_in_with_open_id', 'link_open_id', 'take_open_id_attempt')`,
    )

    expect(rows).toEqual([{ may: true }, { may: true }, { may: true }])
  })
})

describe('app_private.open_id_attempts', () => {
  test.each(['select id from', 'delete from'])('%s it is nobody’s right', async (statement) => {
    await as.owner('grant usage on schema app_private to plinth_anonymous, plinth_person')
    const sql = `${statement} app_private.open_id_attempts`

    await expect(as.anonymous(sql)).rejects.toMatchObject({ code: '42501' })
    await expect(as.person(studio.member)(sql)).rejects.toMatchObject({ code: '42501' })
  })

  const begin = (isLink: boolean) =>
    `select id from app_hidden.begin_open_id_attempt('desk', sha256('state'), 'nonce', 'verifier', ${isLink})`

  test('an anonymous caller begins one, which is read and gone at once', async () => {
    const [begun] = await as.anonymous(begin(false))
    const take = `select provider, nonce, verifier, session_id
                  from app_private.take_open_id_attempt($1, sha256($2))`

    expect(await as.owner(take, [begun!.id, 'another'])).toEqual([])
    expect(await as.owner(take, [begun!.id, 'state'])).toEqual([
      { provider: 'desk', nonce: 'nonce', verifier: 'verifier', session_id: null },
    ])
    expect(await as.owner(take, [begun!.id, 'state'])).toEqual([])
  })

  test('a person without a session, as an API key is, begins none that links', async () => {
    await expect(as.person(studio.member)(begin(true))).rejects.toMatchObject({ code: 'REAUT' })
  })

  test('a state is only ever stored as a SHA-256 hash', async () => {
    const storing = as.anonymous(
      `select app_hidden.begin_open_id_attempt('desk', 'state', 'nonce', 'verifier', false)`,
    )

    await expect(storing).rejects.toMatchObject({ code: '23514' })
  })
})

describe('app_public.open_id_accounts', () => {
  beforeEach(() => as.owner(signIn, claims('mia-1', 'mia@example.com')))

  test('a person sees their own, and nobody else any', async () => {
    const read = 'select subject from app_public.open_id_accounts'

    expect(await as.person(studio.member)(read)).toEqual([{ subject: 'mia-1' }])
    expect(await as.person(studio.owner)(read)).toEqual([])
    await expect(as.anonymous(read)).rejects.toMatchObject({ code: '42501' })
  })

  test.each([
    `insert into app_public.open_id_accounts (person_id, issuer, subject) values ($1, '${issuer}', 'x')`,
    'update app_public.open_id_accounts set person_id = $1',
    'update app_public.open_id_accounts set subject = $1::text',
  ])('a person cannot: %s', async (sql) => {
    await expect(as.person(studio.member)(sql, [studio.member])).rejects.toMatchObject({ code: '42501' })
  })

  test('go with the person, whoever deletes them', async () => {
    await as.owner(signIn, claims('gone', 'gone@example.com'))
    await as.owner(
      `delete from app_public.people using app_public.open_id_accounts
       where people.id = person_id and subject = 'gone'`,
    )

    expect(await as.owner(`select 1 from app_public.open_id_accounts where subject = 'gone'`)).toEqual([])
  })

  test('keep the person when their address becomes somebody else’s', async () => {
    await as.owner(`delete from app_public.email_addresses where address = 'mia@example.com'`)
    await as.owner('insert into app_public.email_addresses (person_id, address) values ($1, $2)', [
      studio.stranger,
      'mia@example.com',
    ])
    await as.owner(signIn, claims('mia-1', 'mia@example.com'))

    expect(await as.owner(`select person_id from app_public.open_id_accounts`)).toEqual([
      { person_id: studio.member },
    ])
  })

  test('a session that has expired links nothing', async () => {
    const [session] = await as.owner(
      `insert into app_public.sessions (person_id, expires_at)
       values ($1, now()) returning id`,
      [studio.owner],
    )

    expect(await as.owner(link, [session!.id, 'new'])).toEqual([{ result: null }])
    expect(await as.owner(`select 1 from app_public.open_id_accounts where subject = 'new'`)).toEqual([])
  })

  test('the request stands in the log with what was done in it', async () => {
    await as.owner(signIn, [...claims('log-1', 'log@example.com').slice(0, 5), '{"id": "request-1"}'])

    expect(
      await as.owner(
        `select kind from app_public.security_events where request_id = 'request-1' order by kind`,
      ),
    ).toEqual([{ kind: 'open_id_signed_in' }, { kind: 'signed_up' }])
  })
})

test('several first sign-ins at once, committed, make one person', async () => {
  const database = await makeDatabase()
  const attempts = [
    ...Array.from({ length: 4 }, () => claims('new-1', 'new@example.com')),
    ...Array.from({ length: 4 }, (_, index) => claims(`new-${index + 2}`, 'new@example.com')),
  ]

  const answers = await Promise.all(
    attempts.map((values) =>
      withConnection(database.authenticatorUrl, (client) => client.query<{ token: string }>(signIn, values)),
    ),
  )
  const { rows } = await withConnection(database.ownerUrl, (client) =>
    client.query(
      `select count(distinct people.id)::int as people, count(distinct subject)::int as accounts
       from app_public.people join app_public.open_id_accounts on person_id = people.id`,
    ),
  )
  const { rows: everyone } = await withConnection(database.ownerUrl, (client) =>
    client.query('select count(*)::int as people from app_public.people'),
  )
  await database.drop()

  expect(new Set(answers.map(({ rows: [session] }) => session!.token)).size).toBe(attempts.length)
  expect(rows).toEqual([{ people: 1, accounts: 5 }])
  expect(everyone).toEqual([{ people: 1 }])
})
