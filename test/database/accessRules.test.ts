import { beforeEach, describe, expect, test } from '@jest/globals'
import { useTransaction } from '../support/database.ts'
import { makeInOffice } from '../support/doorRules.ts'
import { makeStudio, type Studio } from '../support/people.ts'

const as = useTransaction()
let studio: Studio
/** An office, a door and a member of another organization. */
let elsewhere: { organizationId: string; officeId: string; doorId: string; membershipId: string }
beforeEach(async () => {
  studio = await makeStudio(as.owner)
  const [row] = await as.owner(
    `with office as (
       insert into app_public.offices (organization_id, name) values ($1, 'Away') returning organization_id, id
     ), door as (
       insert into app_public.doors (organization_id, office_id, name)
       select organization_id, id, 'Gate' from office returning id
     )
     select organization_id as "organizationId", office.id as "officeId", door.id as "doorId",
       (select id from app_public.memberships where organization_id = $1) as "membershipId"
     from office, door`,
    [studio.strangerOrganizationId],
  )
  elsewhere = row as typeof elsewhere
})

const make = (
  columns: Record<string, unknown>,
  where: Pick<Studio, 'organizationId' | 'officeId'> = studio,
) => makeInOffice(as.person(studio.manager), where, 'access_rules', { name: 'Rule', ...columns })

describe('app_public.access_rules', () => {
  test('a rule of which a manager has not said the doors opens none', async () => {
    await as.owner('delete from app_public.access_rules')
    await as.person(studio.manager)(
      `insert into app_public.access_rules (organization_id, office_id, name) values ($1, $2, 'New')`,
      [studio.organizationId, studio.officeId],
    )
    const ask = () =>
      as.owner('select (app_private.decide_door($1, $2)).is_allowed', [studio.doorId, studio.member])

    expect(await ask()).toEqual([{ is_allowed: false }])
    await as.person(studio.manager)(`update app_public.access_rules set is_whole_office = true`)
    expect(await ask()).toEqual([{ is_allowed: true }])
  })

  test('a rule is for everybody on every day, unless a manager says otherwise', async () => {
    await make({ name: 'New' })

    const rows = await as.owner(
      `select role, membership_id, is_whole_office, weekdays::text, starts_at::text, ends_at::text, valid_from,
         valid_until, holds_on_closures
       from app_public.access_rules where name = 'New'`,
    )
    expect(rows).toEqual([
      {
        role: null,
        membership_id: null,
        is_whole_office: true,
        weekdays: '{1,2,3,4,5,6,7}',
        starts_at: '00:00:00',
        ends_at: '24:00:00',
        valid_from: null,
        valid_until: null,
        holds_on_closures: false,
      },
    ])
  })

  test('a new office has none', async () => {
    expect(
      await as.owner('select from app_public.access_rules where office_id = $1', [elsewhere.officeId]),
    ).toEqual([])
  })

  test.each<[string, Record<string, unknown>, string]>([
    ['a blank name', { name: ' ' }, '23514'],
    ['too long a name', { name: 'x'.repeat(101) }, '23514'],
    ['a role that there is not', { role: 'guest' }, '23503'],
    ['no weekday', { weekdays: [] }, '23514'],
    ['a weekday 0', { weekdays: [0] }, '23514'],
    ['a weekday 8', { weekdays: [1, 8] }, '23514'],
    ['an unknown weekday', { weekdays: [1, null] }, '23514'],
    ['weekdays without end', { weekdays: Array<number>(8).fill(1) }, '23514'],
    ['weekdays that are null', { weekdays: null }, '23502'],
    ['an empty window', { starts_at: '08:00', ends_at: '08:00' }, '23514'],
    ['a window that is empty at midnight', { starts_at: '00:00', ends_at: '00:00' }, '23514'],
    ['a start behind the day', { starts_at: '24:00', ends_at: '08:00' }, '23514'],
    ['an end before its beginning', { valid_from: '2025-06-02', valid_until: '2025-06-01' }, '23514'],
  ])('a manager cannot give it %s', async (_, columns, code) => {
    await expect(make(columns)).rejects.toMatchObject({ code })
  })

  test('a manager cannot make one for another organization’s office, or for its member', async () => {
    const mixed = { organizationId: studio.organizationId, officeId: elsewhere.officeId }

    await expect(make({}, mixed)).rejects.toMatchObject({ code: '23503' })
    await expect(make({}, elsewhere)).rejects.toMatchObject({ code: '42501' })
    await expect(make({ membership_id: elsewhere.membershipId })).rejects.toMatchObject({ code: '23503' })
  })

  test.each(['organization_id', 'office_id', 'created_at', 'id'])(
    'a manager cannot change its %s',
    async (column) => {
      const changing = as.person(studio.manager)(`update app_public.access_rules set ${column} = default`)

      await expect(changing).rejects.toMatchObject({ code: '42501' })
    },
  )
})

describe('app_public.access_rule_doors', () => {
  const add = (doorId: string, ruleId: string) =>
    as.person(studio.manager)('insert into app_public.access_rule_doors values ($1, $2, $3)', [
      studio.organizationId,
      ruleId,
      doorId,
    ])
  let ruleId: string
  beforeEach(async () => {
    ruleId = await make({ is_whole_office: false })
  })

  test('a manager adds a door once', async () => {
    await add(studio.doorId, ruleId)

    await expect(add(studio.doorId, ruleId)).rejects.toMatchObject({ code: '23505' })
  })

  test('a manager cannot add a door of another office', async () => {
    const [annex] = await as.owner(
      `with office as (
         insert into app_public.offices (organization_id, name) values ($1, 'Annex') returning organization_id, id
       )
       insert into app_public.doors (organization_id, office_id, name)
       select organization_id, id, 'Side' from office returning id`,
      [studio.organizationId],
    )

    await expect(add(annex!.id as string, ruleId)).rejects.toMatchObject({ code: '22023', column: 'door_id' })
  })

  test('a manager cannot tell another organization’s door from one that does not exist', async () => {
    for (const doorId of [elsewhere.doorId, crypto.randomUUID()]) {
      await expect(add(doorId, ruleId)).rejects.toMatchObject({ code: '23503' })
    }
  })

  test('they go with the rule', async () => {
    await add(studio.doorId, ruleId)

    await as.person(studio.manager)('delete from app_public.access_rules where id = $1', [ruleId])

    expect(await as.owner('select from app_public.access_rule_doors')).toEqual([])
  })
})

describe('app_public.closures', () => {
  const close = (
    columns: Record<string, unknown>,
    where: Pick<Studio, 'organizationId' | 'officeId'> = studio,
  ) =>
    makeInOffice(as.person(studio.manager), where, 'closures', {
      name: 'Easter',
      starts_on: '2025-04-18',
      ends_on: '2025-04-21',
      ...columns,
    })

  test.each<[string, Record<string, unknown>, string]>([
    ['a blank name', { name: ' ' }, '23514'],
    ['an end before its beginning', { ends_on: '2025-04-17' }, '23514'],
    ['no end', { ends_on: null }, '23502'],
  ])('a manager cannot give it %s', async (_, columns, code) => {
    await expect(close(columns)).rejects.toMatchObject({ code })
  })

  test('a manager cannot close another organization’s office', async () => {
    const mixed = { organizationId: studio.organizationId, officeId: elsewhere.officeId }

    await expect(close({}, mixed)).rejects.toMatchObject({ code: '23503' })
    await expect(close({}, elsewhere)).rejects.toMatchObject({ code: '42501' })
  })
})

test('an organization that ends takes its rules, closures and lockdowns along', async () => {
  await as.person(studio.manager)('select app_public.start_lockdown($1, $2)', [studio.officeId, 'Fire'])

  await as.owner('delete from app_public.organizations where id = $1', [studio.organizationId])

  for (const table of ['access_rules', 'closures', 'lockdowns']) {
    expect(await as.owner(`select from app_public.${table}`)).toEqual([])
  }
})
