import { beforeEach, describe, expect, test } from '@jest/globals'
import { useTransaction } from '../support/database.ts'
import { makePerson, makeStudio, type Studio } from '../support/people.ts'
import { leaveTraces } from '../support/trace.ts'

const as = useTransaction()
let studio: Studio
let person: string
beforeEach(async () => {
  studio = await makeStudio(as.owner)
  person = await makePerson(as.owner, 'Tessa')
  await leaveTraces(as.owner, person, studio.organizationId)
})

/** The tables that refer to people and are not in the document, each with the reason. */
const leftOut: Record<string, string> = {
  tokens: 'Hashes of secrets; what else it says stands with the session or the key.',
}

const documentOf = async (id: string) => {
  const [row] = await as.owner('select app_private.person_document($1) as document', [id])
  return row!.document as Record<string, Record<string, unknown>[]> | null
}

describe('app_private.person_document', () => {
  test('each table that refers to people or their memberships is in it, or left out for a reason', async () => {
    const rows = await as.owner(
      `select distinct relname from pg_constraint join pg_class on pg_class.oid = conrelid
       where contype = 'f' and not relispartition
         and confrelid in ('app_public.people'::regclass, 'app_public.memberships'::regclass)`,
    )

    const document = await documentOf(person)

    expect(rows.map((row) => row.relname).sort()).toEqual(
      [...Object.keys(document!).filter((key) => key !== 'people'), ...Object.keys(leftOut)].sort(),
    )
  })

  test('it has a row of each of those tables', async () => {
    const document = await documentOf(person)

    const counts = Object.entries(document!).map(([key, rows]) => [key, rows.length > 0])
    expect(counts).toEqual(counts.map(([key]) => [key, true]))
  })

  test('it says what a person would look for', async () => {
    expect(await documentOf(person)).toMatchObject({
      people: [{ id: person, name: 'Tessa' }],
      email_addresses: [{ address: 'tessa@example.com', is_primary: true }],
      api_keys: [{ name: 'Backup', can_write: false }],
      memberships: [{ organization_name: 'Studio', role: 'member' }],
      access_rules: [{ name: 'At night' }],
      lockdowns: [{ reason: 'Drill', is_started_by_you: true, is_ended_by_you: false }],
      door_decisions: [{ door_id: studio.doorId, is_allowed: true }],
      security_events: expect.arrayContaining([
        expect.objectContaining({
          kind: 'address_added',
          detail: 'tess@example.org',
          network: '203.0.113.0/24',
        }),
      ]),
      mail_codes: [{ purpose: 'add_address', address: 'tess@example.org' }],
      account_exports: [{ finished_at: null }],
    })
  })

  test('it has no secret, hashed or not', async () => {
    const secrets = await as.owner(
      `select hash::text as secret from app_private.tokens
       union all select hash from app_private.passwords
       union all select code_hash::text from app_private.mail_codes
       union all select key::text from app_private.salt_keys`,
    )

    const text = JSON.stringify(await documentOf(person))

    expect(secrets).toHaveLength(5)
    for (const { secret } of secrets) expect(text).not.toContain((secret as string).replace('\\x', ''))
    expect(text).not.toMatch(/hash|argon2|token/)
  })

  test('it has nothing of anybody else', async () => {
    await as.person(studio.member)('select app_public.unlock_door($1)', [studio.doorId])

    const text = JSON.stringify(await documentOf(person))

    for (const id of [studio.owner, studio.manager, studio.member, studio.stranger]) {
      expect(text).not.toContain(id)
    }
    expect(text).not.toMatch(/Mia|Olga|Elsewhere/)
  })

  test('of somebody who does not exist there is none', async () => {
    expect(await documentOf(crypto.randomUUID())).toBeNull()
  })

  test.each([
    ['the person themselves', () => as.person(person)],
    ['a colleague', () => as.person(studio.member)],
    ['an anonymous caller', () => as.anonymous],
  ])('%s cannot ask for it past the export', async (_, run) => {
    const asking = run()('select app_private.person_document($1)', [person])

    await expect(asking).rejects.toMatchObject({ code: '42501' })
  })
})
