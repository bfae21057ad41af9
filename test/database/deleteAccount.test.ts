import { beforeEach, describe, expect, test } from '@jest/globals'
import { type Run, useTransaction } from '../support/database.ts'
import { makePerson, makeStudio, type Studio } from '../support/people.ts'
import { startSession } from '../support/sessions.ts'
import { leaveTraces, tablesWith } from '../support/trace.ts'

const as = useTransaction()
let studio: Studio
let person: string
let recent: Run
beforeEach(async () => {
  studio = await makeStudio(as.owner)
  person = await makePerson(as.owner, 'Tessa')
  await leaveTraces(as.owner, person, studio.organizationId)
  recent = as.person(person, await startSession(as.owner, person))
})

const leave = 'select app_public.delete_account() as result'
const count = async (table: string) =>
  (await as.owner(`select from ${table} where person_id = $1`, [person])).length
/** As the job does. */
const remove = () => as.owner('delete from app_public.people where id = $1', [person])
const own = async (id: string, name: string) => {
  const [made] = await as.person(id)('select id from app_public.create_organization($1)', [name])
  return made!.id as string
}

describe('app_public.delete_account', () => {
  test('whatever lets somebody act as the person ends at once', async () => {
    expect(await recent(leave)).toEqual([{ result: true }])

    for (const table of [
      'app_public.sessions',
      'app_public.api_keys',
      'app_private.tokens',
      'app_private.passwords',
      'app_private.mail_codes',
      'app_public.email_addresses',
      'app_public.memberships',
    ]) {
      expect([table, await count(table)]).toEqual([table, 0])
    }
  })

  test('codes that were mailed to their addresses end as well, and no others', async () => {
    await as.owner(
      `insert into app_private.mail_codes (purpose, address) values
         ('sign_in', 'tessa@example.com'), ('reset_password', 'tessa@example.com'), ('sign_in', 'mia@example.com')`,
    )

    await recent(leave)

    expect(await as.owner('select address from app_private.mail_codes')).toEqual([
      { address: 'mia@example.com' },
    ])
  })

  test('a job is queued that has the id alone', async () => {
    await recent(leave)

    const rows = await as.owner(
      `select payload from graphile_worker._private_jobs as jobs
       join graphile_worker._private_tasks as tasks on tasks.id = jobs.task_id where identifier = 'person__delete'`,
    )
    expect(rows).toEqual([{ payload: { personId: person } }])
    expect(await as.owner('select person_id, name, address from app_private.departures')).toEqual([
      { person_id: person, name: 'Tessa', address: 'tessa@example.com' },
    ])
  })

  test('the farewell goes to the primary address', async () => {
    await as.owner(`update app_public.email_addresses set is_primary = false where person_id = $1`, [person])
    await as.owner(
      `insert into app_public.email_addresses (person_id, address, is_primary) values ($1, 'tess@example.org', true)`,
      [person],
    )

    await recent(leave)

    expect(await as.owner('select address from app_private.departures')).toEqual([
      { address: 'tess@example.org' },
    ])
  })

  test('who is leaving already is told so, and nothing is done twice', async () => {
    await recent(leave)
    const again = as.person(person, await sessionOfTheDeparted())

    expect(await again(leave)).toEqual([{ result: false }])
    expect(await as.owner('select person_id from app_private.departures')).toHaveLength(1)
  })

  // As a request would find itself that was let in a moment before.
  async function sessionOfTheDeparted(): Promise<string> {
    const [session] = await as.owner('insert into app_public.sessions (person_id) values ($1) returning id', [
      person,
    ])
    return session!.id as string
  }

  test('others lose nothing', async () => {
    await startSession(as.owner, studio.member)
    const others = async () => ({
      people: await as.owner('select id from app_public.people where id <> $1 order by id', [person]),
      memberships: await as.owner('select id from app_public.memberships where person_id <> $1 order by id', [
        person,
      ]),
      tokens: await as.owner('select hash from app_private.tokens where person_id <> $1', [person]),
      organizations: await as.owner('select id from app_public.organizations order by id'),
    })
    const before = await others()

    await recent(leave)
    await remove()

    expect(await others()).toEqual(before)
  })

  test('a session of eleven minutes is not recent enough', async () => {
    const old = as.person(person, await startSession(as.owner, person, '11 minutes'))

    await expect(old(leave)).rejects.toMatchObject({ code: 'REAUT' })
    expect(await as.owner('select person_id from app_private.departures')).toEqual([])
  })

  test('an API key, which has no session, does not do', async () => {
    await expect(as.person(person)(leave)).rejects.toMatchObject({ code: 'REAUT' })
  })

  test('an anonymous caller may not even ask', async () => {
    await expect(as.anonymous(leave)).rejects.toMatchObject({ code: '42501' })
  })
})

describe('organizations of somebody who deletes their account', () => {
  const names = async () =>
    (await as.owner('select name from app_public.organizations order by name')).map((row) => row.name)

  test('the only owner of one with other members is refused, and told which it is', async () => {
    await own(person, 'Alone')
    for (const name of ['Second', 'First']) {
      const id = await own(person, name)
      await as.owner('insert into app_public.memberships (organization_id, person_id) values ($1, $2)', [
        id,
        studio.member,
      ])
    }

    await expect(recent(leave)).rejects.toMatchObject({
      code: 'P0001',
      message: 'You are the only owner of: First, Second.',
      hint: expect.stringContaining('Make another member an owner'),
    })
    expect(await names()).toContain('Alone')
    expect(await count('app_public.email_addresses')).toBe(1)
  })

  test('with another owner there, they go and it stays', async () => {
    const id = await own(person, 'Shared')
    await as.owner(
      `insert into app_public.memberships (organization_id, person_id, role) values ($1, $2, 'owner')`,
      [id, studio.member],
    )

    await recent(leave)

    expect(
      await as.owner('select person_id, role from app_public.memberships where organization_id = $1', [id]),
    ).toEqual([{ person_id: studio.member, role: 'owner' }])
  })

  test('those that have nobody else go with them, with their doors and logs, and no other', async () => {
    const id = await own(person, 'Alone')
    await as.owner(`insert into app_public.offices (organization_id, name) values ($1, 'Main')`, [id])
    await as.owner(
      `insert into app_public.doors (organization_id, office_id, name)
       select organization_id, id, 'Front' from app_public.offices where organization_id = $1`,
      [id],
    )
    const [door] = await as.owner('select id from app_public.doors where organization_id = $1', [id])
    await recent('select app_public.unlock_door($1)', [door!.id])

    await recent(leave)

    expect(await names()).toEqual(['Elsewhere', 'Studio'])
    expect(await tablesWith(as.owner, id)).toEqual([])
  })
})
