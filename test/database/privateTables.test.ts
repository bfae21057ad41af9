import { beforeEach, describe, expect, test } from '@jest/globals'
import { useTransaction } from '../support/database.ts'
import { makeStudio, type Studio } from '../support/people.ts'
import { everybody, runAs } from './actors.ts'

const as = useTransaction()
let studio: Studio
beforeEach(async () => {
  studio = await makeStudio(as.owner)
  await as.owner('insert into app_private.passwords (person_id, hash) values ($1, $2)', [
    studio.member,
    '$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA',
  ])
  await as.owner('select app_private.start_session($1)', [studio.member])
})

const tables = ['passwords', 'tokens', 'salt_keys']
const statements = (table: string) => [
  `select * from app_private.${table}`,
  `insert into app_private.${table} default values`,
  `update app_private.${table} set ${table === 'salt_keys' ? 'is_only' : 'person_id'} = default`,
  `delete from app_private.${table}`,
]
const each = tables.flatMap((table) => statements(table).map((statement) => ({ statement })))

describe('the tables of app_private', () => {
  describe.each(everybody)('for the %s', (who) => {
    test.each(each)('refuse: $statement', async ({ statement }) => {
      await expect(runAs(as, studio, who)(statement)).rejects.toMatchObject({ code: '42501' })
    })
  })

  test.each(each)('refuse even in an opened schema: $statement', async ({ statement }) => {
    await as.owner('grant usage on schema app_private to plinth_person')

    await expect(as.person(studio.member)(statement)).rejects.toMatchObject({ code: '42501' })
  })

  test.each(tables)('app_private.%s shows no row even to one who were granted it', async (table) => {
    await as.owner('grant usage on schema app_private to plinth_person')
    await as.owner(`grant select on app_private.${table} to plinth_person`)

    expect(await as.person(studio.member)(`select * from app_private.${table}`)).toEqual([])
    expect(await as.owner(`select * from app_private.${table}`)).not.toEqual([])
  })
})

describe('app_private.passwords', () => {
  test.each([
    'open sesame',
    '',
    '$argon2i$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA',
    '$2b$10$abcdefghijklmnopqrstuv',
  ])('the server cannot store %j as a hash', async (hash) => {
    const storing = as.owner('insert into app_private.passwords (person_id, hash) values ($1, $2)', [
      studio.owner,
      hash,
    ])

    await expect(storing).rejects.toMatchObject({ code: '23514' })
  })

  test('a person has one password', async () => {
    const adding = as.owner(
      'insert into app_private.passwords (person_id, hash) select person_id, hash from app_private.passwords',
    )

    await expect(adding).rejects.toMatchObject({ code: '23505' })
  })
})

describe('app_private.tokens', () => {
  const store = (hash: string, bearers: string) =>
    as.owner(
      `insert into app_private.tokens (hash, person_id, ${bearers}, expires_at)
       select ${hash}, tokens.person_id, ${bearers.replace('api_key_id', 'null')}, tokens.expires_at
       from app_private.tokens`,
    )

  test('a token is only ever stored as a SHA-256 hash', async () => {
    await expect(store(`convert_to('a token', 'UTF8')`, 'session_id')).rejects.toMatchObject({
      code: '23514',
    })
  })

  test('a token belongs to a session or to a key', async () => {
    await expect(store(`sha256('other')`, 'api_key_id')).rejects.toMatchObject({ code: '23514' })
  })
})

describe('app_private.salt_keys', () => {
  test.each([
    ['true', '23505'],
    ['false', '23514'],
  ])('there is no second key, with is_only %s', async (isOnly, code) => {
    const adding = as.owner(`insert into app_private.salt_keys (is_only) values (${isOnly})`)

    await expect(adding).rejects.toMatchObject({ code })
  })
})
