import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { type Deed, type Owned, useOwners } from '../support/owners.ts'

const { client, makeOwned, race, rush } = useOwners(6)

/** What lets somebody in does this: holds what decides, and only then asks. */
beforeAll(() =>
  client().query(
    `create function app_private.let_in(door_id uuid, person_id uuid) returns boolean
     language plpgsql security definer as $$
     begin
       perform from app_public.memberships
       join app_public.doors using (organization_id)
       where doors.id = let_in.door_id and memberships.person_id = let_in.person_id
       for share of memberships;
       perform from app_public.offices
       join app_public.doors on doors.office_id = offices.id
       where doors.id = let_in.door_id
       for share of offices;
       return (app_private.decide_door(let_in.door_id, let_in.person_id)).is_allowed;
     end $$;
     grant usage on schema app_private to plinth_person;
     grant execute on function app_private.let_in to plinth_person`,
  ),
)

let owned: Owned
let office: { officeId: string; doorId: string; ruleId: string; membershipId: string }
beforeEach(async () => {
  owned = await makeOwned()
  const { rows } = await client().query<typeof office>(
    `with office as (
       insert into app_public.offices (organization_id, name) values ($1, 'Main') returning organization_id, id
     ), door as (
       insert into app_public.doors (organization_id, office_id, name)
       select organization_id, id, 'Front' from office returning id
     ), membership as (
       select id from app_public.memberships where organization_id = $1 and person_id = $2
     ), rule as (
       insert into app_public.access_rules (organization_id, office_id, name, membership_id, is_whole_office)
       select office.organization_id, office.id, 'Ben', membership.id, true from office, membership returning id
     )
     select office.id as "officeId", door.id as "doorId", rule.id as "ruleId", membership.id as "membershipId"
     from office, door, rule, membership`,
    [owned.organizationId, owned.ben],
  )
  office = rows[0]!
})

/** Fails where Ben is not let in, so that how it ended tells the two apart. */
const letIn = (): Deed => ({
  by: owned.ben,
  sql: 'select 1 / app_private.let_in($1, $2)::int',
  values: [office.doorId, owned.ben],
})
const isDenied = '22012'

const byManager = (sql: string, ...values: unknown[]): Deed => ({ by: owned.manager, sql, values })
const changes: Record<string, () => Deed> = {
  'a rule is deleted': () => byManager('delete from app_public.access_rules where id = $1', office.ruleId),
  'a rule is changed': () =>
    byManager(`update app_public.access_rules set role = 'member' where id = $1`, office.ruleId),
  'a lockdown is started': () =>
    byManager('select app_public.start_lockdown($1, $2)', office.officeId, 'Fire'),
  'the office is closed': () =>
    byManager(
      `insert into app_public.closures (organization_id, office_id, name, starts_on, ends_on)
       values ($1, $2, 'Holidays', current_date - 1, current_date + 1)`,
      owned.organizationId,
      office.officeId,
    ),
  'the member is removed': () => ({
    by: owned.anna,
    sql: 'delete from app_public.memberships where id = $1',
    values: [office.membershipId],
  }),
}
const cases = Object.keys(changes)

describe('somebody who is let in at the moment when', () => {
  test.each(cases)('%s waits for that, and is denied', async (what) => {
    const outcome = await race(owned.organizationId, [changes[what]!(), letIn()], 'read committed')

    expect(outcome).toMatchObject({ first: 'done', second: isDenied, hasWaited: true })
  })

  test.each(cases)('%s a moment later makes that wait, and is let in', async (what) => {
    const outcome = await race(owned.organizationId, [letIn(), changes[what]!()], 'read committed')

    expect(outcome).toMatchObject({ first: 'done', second: 'done', hasWaited: true })
  })
})

describe('what else decides, while somebody is let in,', () => {
  const others: Record<string, () => Deed> = {
    'a lockdown’s end': () => byManager('select app_public.end_lockdown($1)', office.officeId),
    'a new rule': () =>
      byManager(
        `insert into app_public.access_rules (organization_id, office_id, name, is_whole_office) values ($1, $2, 'All', true)`,
        owned.organizationId,
        office.officeId,
      ),
    'a door of a rule': () =>
      byManager(
        'insert into app_public.access_rule_doors values ($1, $2, $3)',
        owned.organizationId,
        office.ruleId,
        office.doorId,
      ),
    'a change of a door': () =>
      byManager(`update app_public.doors set name = 'Back' where id = $1`, office.doorId),
    'another time zone': () =>
      byManager(`update app_public.offices set time_zone = 'Asia/Tokyo' where id = $1`, office.officeId),
    'another role': () => ({
      by: owned.anna,
      sql: `update app_public.memberships set role = 'manager' where id = $1`,
      values: [office.membershipId],
    }),
  }

  test.each(Object.keys(others))('%s waits', async (what) => {
    const outcome = await race(owned.organizationId, [letIn(), others[what]!()], 'read committed')

    expect(outcome).toMatchObject({ first: 'done', second: 'done', hasWaited: true })
  })

  test('somebody else who is let in does not', async () => {
    const outcome = await race(owned.organizationId, [letIn(), letIn()], 'read committed')

    expect(outcome).toMatchObject({ first: 'done', second: 'done', hasWaited: false })
  })
})

describe('a stranger who writes a rule for an office that is not theirs', () => {
  test('is refused, and holds nobody up meanwhile', async () => {
    const { rows } = await client().query<{ id: string }>(
      `with person as (
         insert into app_public.people (name) values ('Stan') returning id
       ), session as (
         insert into app_public.sessions (person_id) select id from person
       )
       select id from person`,
    )
    const trap: Deed = {
      by: rows[0]!.id,
      sql: `insert into app_public.access_rules (organization_id, office_id, name, is_whole_office) values ($1, $2, 'Trap', true)`,
      values: [owned.organizationId, office.officeId],
    }

    const outcome = await race(owned.organizationId, [letIn(), trap], 'read committed')

    expect(outcome).toMatchObject({ first: 'done', second: '42501', hasWaited: false })
  })
})

describe('lockdowns at one moment', () => {
  const under = async () => {
    const { rows } = await client().query<{ ended_by: string | null }>(
      'select ended_by from app_public.lockdowns where office_id = $1',
      [office.officeId],
    )
    return rows
  }

  test('that several start are one', async () => {
    const start = () => byManager('select app_public.start_lockdown($1, $2)', office.officeId, 'Fire')

    const ends = await rush(Array.from({ length: 6 }, start), 'read committed')

    expect(ends).toEqual(Array(6).fill('done'))
    expect(await under()).toEqual([{ ended_by: null }])
  })

  test('that several end are ended by one of them', async () => {
    await client().query(
      `insert into app_public.lockdowns (organization_id, office_id, reason) values ($1, $2, 'Fire')`,
      [owned.organizationId, office.officeId],
    )
    const end = (by: string): Deed => ({
      by,
      sql: 'select 1 / ((app_public.end_lockdown($1)).id is not null)::int',
      values: [office.officeId],
    })

    const ends = await rush([end(owned.anna), end(owned.ben), end(owned.manager)], 'read committed')

    expect(ends.toSorted()).toEqual(['22012', '22012', 'done'])
    const winner = [owned.anna, owned.ben, owned.manager][ends.indexOf('done')]
    expect(await under()).toEqual([{ ended_by: winner }])
  })
})
