import { beforeEach, describe, expect, test } from '@jest/globals'
import { codeOf } from '../../src/fault.ts'
import { type Run, useTransaction } from '../support/database.ts'
import { makePerson, makeStudio, type Studio } from '../support/people.ts'
import { runAs, type Who } from './actors.ts'

const as = useTransaction()
let studio: Studio
beforeEach(async () => {
  studio = await makeStudio(as.owner)
  await as.person(studio.manager)('select app_public.unlock_door($1)', [studio.doorId])
  await as.person(studio.member)('select app_public.unlock_door($1)', [studio.doorId])
  await as.owner(
    `insert into app_public.invitations (organization_id, address, role)
     values ($1, 'ida@example.com', 'member'), ($1, 'ole@example.com', 'owner'), ($1, 'ove@example.com', 'owner')`,
    [studio.organizationId],
  )
  await as.owner('insert into app_public.memberships (organization_id, person_id) values ($1, $2)', [
    studio.organizationId,
    await makePerson(as.owner, 'Nils'),
  ])
})

// Longer than most: it is a list.

/**
 * What shows that a policy does something: what is tried, by whom it is meant and what they get, and by
 * whom it is not meant and what those get.
 */
type Probe = {
  tries: (run: Run) => Promise<unknown>
  insider: Who
  gets: unknown
  /** Absent where the policy is meant for everybody. */
  outsider?: Who
  getsInstead?: unknown
}

const read = (sql: string) => (run: Run) => run(sql)
const count = (sql: string) => async (run: Run) => (await run(sql)).length

// Without `returning`, which would ask for the right to read it.
const invite = (role: string) => async (run: Run) => {
  await run('insert into app_public.invitations (organization_id, address, role) values ($1, $2, $3)', [
    studio.organizationId,
    'nora@example.com',
    role,
  ])
  return 'done'
}

const probes: Record<string, Probe> = {
  'app_public.door_decisions.select_self_or_manager': {
    tries: count('select id from app_public.door_decisions'),
    insider: 'manager',
    gets: 2,
    outsider: 'member',
    getsInstead: 1,
  },
  'app_public.doors.insert_manager': {
    tries: (run) =>
      run(
        'insert into app_public.doors (organization_id, office_id, name) values ($1, $2, $3) returning name',
        [studio.organizationId, studio.officeId, 'Back'],
      ),
    insider: 'manager',
    gets: [{ name: 'Back' }],
    outsider: 'member',
    getsInstead: '42501',
  },
  'app_public.doors.select_member': {
    tries: read('select name from app_public.doors'),
    insider: 'member',
    gets: [{ name: 'Front' }],
    outsider: 'stranger',
    getsInstead: [],
  },
  'app_public.doors.update_manager': {
    tries: count(`update app_public.doors set name = 'New' returning id`),
    insider: 'manager',
    gets: 1,
    outsider: 'member',
    getsInstead: 0,
  },
  'app_public.email_addresses.select_self': {
    tries: read(`select address from app_public.email_addresses where address = 'mia@example.com'`),
    insider: 'member',
    gets: [{ address: 'mia@example.com' }],
    outsider: 'owner',
    getsInstead: [],
  },
  'app_public.invitations.delete_manager': {
    tries: count('delete from app_public.invitations returning id'),
    insider: 'manager',
    gets: 1,
    outsider: 'manager', // who sees those for an owner, too
    getsInstead: 1,
  },
  'app_public.invitations.delete_owner': {
    tries: count(`delete from app_public.invitations where role = 'owner' returning id`),
    insider: 'owner',
    gets: 2,
    outsider: 'manager',
    getsInstead: 0,
  },
  'app_public.invitations.insert_manager': {
    tries: invite('member'),
    insider: 'manager',
    gets: 'done',
    outsider: 'member',
    getsInstead: '42501',
  },
  'app_public.invitations.insert_owner': {
    tries: invite('owner'),
    insider: 'owner',
    gets: 'done',
    outsider: 'manager',
    getsInstead: '42501',
  },
  'app_public.invitations.select_manager': {
    tries: count('select id from app_public.invitations'),
    insider: 'manager',
    gets: 3,
    outsider: 'member',
    getsInstead: 0,
  },
  'app_public.membership_roles.select_anyone': {
    tries: count('select role from app_public.membership_roles'),
    insider: 'anonymous caller',
    gets: 3,
  },
  'app_public.memberships.delete_manager': {
    tries: count(
      `delete from app_public.memberships
       where role = 'member' and person_id <> app_public.current_person_id() returning id`,
    ),
    insider: 'manager',
    gets: 2,
    outsider: 'member',
    getsInstead: 0,
  },
  'app_public.memberships.delete_owner': {
    tries: count(`delete from app_public.memberships where role = 'manager' returning id`),
    insider: 'owner',
    gets: 1,
    outsider: 'member',
    getsInstead: 0,
  },
  'app_public.memberships.delete_self': {
    // No outsider: who tries it on all is gone afterwards, and sees nobody. memberships.test.ts tries one by one.
    tries: count(`delete from app_public.memberships where role <> 'owner' returning id`),
    insider: 'member',
    gets: 1,
  },
  'app_public.memberships.select_member': {
    tries: count('select id from app_public.memberships'),
    insider: 'member',
    gets: 4,
    outsider: 'stranger',
    getsInstead: 1,
  },
  'app_public.memberships.update_manager': {
    tries: count(`update app_public.memberships set role = 'manager' where role = 'member' returning id`),
    insider: 'manager',
    gets: 2,
    outsider: 'member',
    getsInstead: 0,
  },
  'app_public.memberships.update_owner': {
    tries: count(`update app_public.memberships set role = 'owner' where role = 'member' returning id`),
    insider: 'owner',
    gets: 2,
    outsider: 'member',
    getsInstead: 0,
  },
  'app_public.offices.insert_manager': {
    tries: (run) =>
      run('insert into app_public.offices (organization_id, name) values ($1, $2) returning name', [
        studio.organizationId,
        'Annex',
      ]),
    insider: 'manager',
    gets: [{ name: 'Annex' }],
    outsider: 'member',
    getsInstead: '42501',
  },
  'app_public.offices.select_member': {
    tries: read('select name from app_public.offices'),
    insider: 'member',
    gets: [{ name: 'Main' }],
    outsider: 'stranger',
    getsInstead: [],
  },
  'app_public.offices.update_manager': {
    tries: count(`update app_public.offices set name = 'New' returning id`),
    insider: 'manager',
    gets: 1,
    outsider: 'member',
    getsInstead: 0,
  },
  'app_public.organizations.select_member': {
    tries: read(`select name from app_public.organizations where name = 'Studio'`),
    insider: 'member',
    gets: [{ name: 'Studio' }],
    outsider: 'stranger',
    getsInstead: [],
  },
  'app_public.organizations.update_manager': {
    tries: count(`update app_public.organizations set name = 'New' where name = 'Studio' returning id`),
    insider: 'manager',
    gets: 1,
    outsider: 'member',
    getsInstead: 0,
  },
  'app_public.people.select_colleague': {
    tries: read(`select name from app_public.people where name = 'Olga'`),
    insider: 'member',
    gets: [{ name: 'Olga' }],
    outsider: 'stranger',
    getsInstead: [],
  },
  'app_public.people.update_self': {
    tries: count(`update app_public.people set name = 'Maria' where name = 'Mia' returning id`),
    insider: 'member',
    gets: 1,
    outsider: 'owner',
    getsInstead: 0,
  },
}

/** What somebody gets: an answer, or the SQLSTATE of a refusal. */
const attempt = ({ tries }: Probe, who: Who): Promise<unknown> => tries(runAs(as, studio, who)).catch(codeOf)

/** A policy's name and table, and the same policy without its condition. */
async function policyOf(name: string) {
  const [policy] = await as.owner(
    `select
       format('%I on %I.%I', policyname, schemaname, tablename) as place,
       concat(case when qual is not null then ' using (true)' end,
              case when with_check is not null then ' with check (true)' end) as opened
     from pg_policies where format('%s.%s.%s', schemaname, tablename, policyname) = $1`,
    [name],
  )
  return policy as { place: string; opened: string }
}

describe('the policies', () => {
  test('each has a probe here, and each probe a policy', async () => {
    const rows = await as.owner(
      `select format('%s.%s.%s', schemaname, tablename, policyname) as name
       from pg_policies where schemaname in ('app_public', 'app_hidden', 'app_private')`,
    )

    expect(rows.map((row) => row.name).sort()).toEqual(Object.keys(probes).sort())
  })

  test.each(Object.entries(probes))(
    '%s gives those it is for what nothing else does',
    async (name, probe) => {
      const { place } = await policyOf(name)

      const withPolicy = await attempt(probe, probe.insider)
      await as.owner(`drop policy ${place}`)
      const without = await attempt(probe, probe.insider)

      expect(withPolicy).toEqual(probe.gets)
      expect(without).not.toEqual(probe.gets)
    },
  )

  const bounded = Object.entries(probes).filter(([, probe]) => probe.outsider)
  test.each(bounded)('%s alone keeps others out', async (name, probe) => {
    const { place, opened } = await policyOf(name)

    const withPolicy = await attempt(probe, probe.outsider!)
    await as.owner(`alter policy ${place}${opened}`)
    const without = await attempt(probe, probe.outsider!)

    expect(withPolicy).toEqual(probe.getsInstead)
    expect(without).not.toEqual(probe.getsInstead)
  })
})
