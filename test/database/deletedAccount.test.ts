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
/** As the job does. */
const remove = () => as.owner('delete from app_public.people where id = $1', [person])

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
