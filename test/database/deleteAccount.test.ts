import { beforeEach, describe, expect, test } from '@jest/globals'
import { type Run, useTransaction } from '../support/database.ts'
import { makePerson, makeStudio, type Studio } from '../support/people.ts'
import { startSession } from '../support/sessions.ts'
import { leaveTraces, tablesWith } from '../support/trace.ts'
import { everybody, runAs } from './actors.ts'

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

describe('from then on', () => {
  beforeEach(async () => {
    await recent(leave)
  })

  test('no session begins for them, in whichever way they sign in', async () => {
    await expect(as.owner('select app_private.start_session($1)', [person])).rejects.toMatchObject({
      code: 'P0001',
      message: 'This account is being deleted.',
    })
  })

  test('nobody makes a member of them', async () => {
    const joining = as.owner(
      'insert into app_public.memberships (organization_id, person_id) values ($1, $2)',
      [studio.organizationId, person],
    )

    await expect(joining).rejects.toMatchObject({ code: 'P0001' })
  })

  test('a request that was let in a moment before makes no organization and no key', async () => {
    const late = as.person(person)

    await expect(late(`select app_public.create_organization('Late')`)).rejects.toMatchObject({
      code: 'P0001',
    })
    await expect(
      as.owner(
        `with key as (
           insert into app_public.api_keys (person_id, name, starts_with, can_write, expires_at)
           values ($1, 'Late', '', true, now() + interval '1 day') returning *
         )
         insert into app_private.tokens (hash, person_id, api_key_id, expires_at)
         select sha256('late'), person_id, id, expires_at from key`,
        [person],
      ),
    ).rejects.toMatchObject({ code: 'P0001' })
  })

  test('their address is free', async () => {
    await makePerson(as.owner, 'Tessa')

    expect(
      await as.owner(`select from app_public.email_addresses where address = 'tessa@example.com'`),
    ).toHaveLength(1)
  })

  test.each(['owner', 'manager', 'member'] as const)('the %s does not see them any more', async (who) => {
    expect(await as.person(studio[who])('select id from app_public.people where id = $1', [person])).toEqual(
      [],
    )
  })

  test.each(
    everybody.flatMap((who) =>
      [
        'select * from app_private.departures',
        'delete from app_private.departures',
        `insert into app_private.departures (person_id, name) values (gen_random_uuid(), 'X')`,
      ].map((statement) => [who, statement] as const),
    ),
  )('the %s cannot: %s', async (who, statement) => {
    await expect(runAs(as, studio, who)(statement)).rejects.toMatchObject({ code: '42501' })
  })
})

describe('what is left of somebody who has gone', () => {
  test('nothing keeps a person from being removed', async () => {
    const rows = await as.owner(
      `select conrelid::regclass::text as table, confdeltype from pg_constraint
       where contype = 'f' and confrelid = 'app_public.people'::regclass and confdeltype not in ('c', 'n')`,
    )

    expect(rows).toEqual([])
  })

  test('neither id nor name nor address is anywhere, but where the farewell needs them', async () => {
    await recent(leave)
    await remove()

    expect(await tablesWith(as.owner, person)).toEqual([
      'app_private.departures',
      'graphile_worker._private_jobs',
    ])
    expect(await tablesWith(as.owner, 'Tessa')).toEqual(['app_private.departures'])
    expect(await tablesWith(as.owner, 'tessa@example.com')).toEqual(['app_private.departures'])
    expect(await tablesWith(as.owner, 'tess@example.org')).toEqual([])
  })

  test('the log of the door says that it was opened, and not by whom', async () => {
    await recent(leave)
    await remove()

    expect(
      await as.person(studio.manager)('select person_id, is_allowed, reason from app_public.door_decisions'),
    ).toEqual([{ person_id: null, is_allowed: true, reason: 'Members may.' }])
  })

  test('an operator counts the deletion in the security log, and finds no person in it', async () => {
    await recent(leave)
    await remove()

    expect(
      await as.owner(
        `select person_id, detail, request_id, client, network from app_public.security_events
         where kind = 'account_deleted'`,
      ),
    ).toEqual([{ person_id: null, detail: null, request_id: null, client: null, network: null }])
  })

  test('not even the database’s owner takes a living person out of the log', async () => {
    const rewriting = as.owner('update app_public.door_decisions set person_id = null')

    await expect(rewriting).rejects.toMatchObject({ code: 'IMMUT' })
  })
})
