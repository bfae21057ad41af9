// Longer than most: it is the list of who may make which pass, and of what may be wrong with one.
import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, test } from '@jest/globals'
import { useTransaction } from '../support/database.ts'
import { makePass } from '../support/guests.ts'
import { makePerson, makeStudio, type Studio } from '../support/people.ts'
import { everybody, runAs } from './actors.ts'

const as = useTransaction()
let studio: Studio
beforeEach(async () => {
  studio = await makeStudio(as.owner)
})

type Given = Partial<Record<'doors' | 'name' | 'email' | 'starts' | 'ends' | 'uses', unknown>>
const values = ({
  doors,
  name = 'Gus',
  email = 'gus@example.org',
  starts = '1 hour',
  ends = '2 hours',
  uses = 1,
}: Given) => [doors === undefined ? [studio.doorId] : doors, name, email, starts, ends, uses]
/** Makes a pass as somebody; moments are intervals from now, or null. */
const create = async (who: keyof Studio, given: Given = {}) =>
  (
    await as.person(studio[who])(
      `select * from app_public.create_guest_pass($1, $2, $3, now() + $4::interval, now() + $5::interval, $6)`,
      values(given),
    )
  )[0]!
const queue = (task: string) =>
  as.owner(
    `select jobs.payload from graphile_worker._private_jobs as jobs
     join graphile_worker._private_tasks as tasks on tasks.id = jobs.task_id where tasks.identifier = $1`,
    [task],
  )
const makeDoor = async (officeId = studio.officeId) => {
  const [door] = await as.owner(
    `insert into app_public.doors (organization_id, office_id, name)
     select organization_id, id, 'Rear' from app_public.offices where id = $1 returning id`,
    [officeId],
  )
  return door!.id as string
}
const makeOffice = async (organizationId = studio.organizationId) => {
  const [office] = await as.owner(
    `insert into app_public.offices (organization_id, name) values ($1, 'Second') returning id`,
    [organizationId],
  )
  return office!.id as string
}

describe('app_public.create_guest_pass', () => {
  test.each(['owner', 'manager', 'member'] as const)(
    'the %s makes one, as its host, and it is mailed',
    async (who) => {
      const pass = await create(who, { name: ' Gus ', email: ' Gus@Example.ORG', uses: 3 })

      expect(pass).toMatchObject({
        ...{ organization_id: studio.organizationId, office_id: studio.officeId, host_id: studio[who] },
        ...{ guest_name: 'Gus', guest_email: 'gus@example.org', uses: 3, used_count: 0 },
        ...{ sent_at: null, revoked_at: null },
      })
      expect(await as.owner('select pass_id, door_id from app_public.guest_pass_doors')).toEqual([
        { pass_id: pass.id, door_id: studio.doorId },
      ])
      expect(await queue('guest_pass__send')).toEqual([{ payload: { id: pass.id } }])
      expect(await as.owner('select from app_private.guest_pass_tokens')).toEqual([])
    },
  )

  test('an anonymous caller may not even ask', async () => {
    const asking = as.anonymous(`select app_public.create_guest_pass('{}', '', '', now(), now(), 1)`)

    await expect(asking).rejects.toMatchObject({ code: '42501' })
  })

  const refused = async (who: keyof Studio, given: Given, code: string, column?: string) => {
    await expect(create(who, given)).rejects.toMatchObject({ code, ...(column && { column }) })
    expect(await queue('guest_pass__send')).toEqual([])
    expect(await as.owner('select from app_public.guest_passes')).toEqual([])
  }

  test.each<[string, () => unknown, string]>([
    ['no doors', () => [], '22023'],
    ['null', () => null, '22023'],
    ['a null among them', () => [studio.doorId, null], '22023'],
    ['a door twice', () => [studio.doorId, studio.doorId], '22023'],
    ['more than fifty', () => Array.from({ length: 51 }, () => randomUUID()), '22023'],
    ['one that is not there', () => [studio.doorId, randomUUID()], 'NTFND'],
    [
      'one of another organization',
      async () => [await makeDoor(await makeOffice(studio.strangerOrganizationId))],
      'NTFND',
    ],
    ['those of two offices', async () => [studio.doorId, await makeDoor(await makeOffice())], '22023'],
  ])('a manager names %s: refused, naming the argument', async (_, doors, code) => {
    await refused('manager', { doors: await doors() }, code, 'door_ids')
  })

  test.each([
    ['name', '', 'guest_name'],
    ['name', '   ', 'guest_name'],
    ['name', 'x'.repeat(101), 'guest_name'],
    ['email', 'gus', 'guest_email'],
    ['email', 'gus@example.org, eve@example.org', 'guest_email'],
    ['email', 'Gus <gus@example.org>', 'guest_email'],
    ['email', 'gus@example.org\r\nBcc: eve@example.org', 'guest_email'],
    ['starts', '366 days', 'starts_at'],
    ['ends', '1 hour', 'ends_at'],
    ['ends', '59 minutes', 'ends_at'],
    ['ends', '367 days', 'ends_at'],
    ['uses', 0, 'uses'],
    ['uses', -1, 'uses'],
    ['uses', 101, 'uses'],
  ])('a manager gives as %s %j: refused, naming the argument', async (key, value, column) => {
    await refused('manager', { [key]: value }, '22023', column)
  })

  test.each([
    ['starts_at', `'-infinity', now() + interval '1 hour'`],
    ['starts_at', `'infinity', 'infinity'`],
    ['ends_at', `now(), 'infinity'`],
    ['ends_at', `now() - interval '2 hours', now()`],
  ])('a moment that is none, or over: refused, naming %s', async (column, moments) => {
    const making = as.person(studio.manager)(
      `select app_public.create_guest_pass($1, 'Gus', 'gus@example.org', ${moments}, 1)`,
      [[studio.doorId]],
    )

    await expect(making).rejects.toMatchObject({ code: '22023', column })
  })

  test.each([
    ['manager', '1 year 1 hour', true],
    ['manager', '1 year 1 hour 1 second', false],
    ['member', '30 days 1 hour', true],
    ['member', '30 days 1 hour 1 second', false],
  ] as const)('the %s makes one that ends in %s: %s', async (who, ends, isAllowed) => {
    if (isAllowed) expect(await create(who, { ends })).toMatchObject({ guest_name: 'Gus' })
    else await refused(who, { ends }, '22023', 'ends_at')
  })

  test('a member makes none for a door that no rule opens to her, a manager does', async () => {
    await as.owner(`update app_public.access_rules set role = 'owner'`)

    await refused('member', {}, '42501', 'door_ids')
    expect(await create('manager')).toMatchObject({ host_id: studio.manager })
  })

  test('a member makes one for the doors that a rule of hers lists, and for no other', async () => {
    await as.owner('update app_public.access_rules set is_whole_office = false')
    await as.owner(
      `insert into app_public.access_rule_doors (organization_id, rule_id, door_id)
       select organization_id, id, $1 from app_public.access_rules where organization_id = $2`,
      [studio.doorId, studio.organizationId],
    )

    expect(await create('member')).toMatchObject({ host_id: studio.member })
    await expect(create('member', { doors: [studio.doorId, await makeDoor()] })).rejects.toMatchObject({
      code: '42501',
    })
  })

  test('a stranger makes none, and is told the same as of a door that is not there', async () => {
    const ofTheirs = await create('stranger').catch((error: unknown) => error as Error)
    const ofNone = await create('stranger', { doors: [randomUUID()] }).catch(
      (error: unknown) => error as Error,
    )

    expect(ofTheirs).toMatchObject({ code: 'NTFND', message: (ofNone as Error).message })
  })

  test.each([
    ['account', 2, 'another@example.org', 'manager', 'owner'],
    ['address', 2, 'gus@example.org', 'owner', null],
    ['organization', 2, 'another@example.org', 'owner', null],
  ] as const)('too many mails of one %s are refused', async (per, most, email, next, other) => {
    await as.owner(
      `update app_private.attempt_limits set most = $2 where action = 'guest_pass' and per = $1`,
      [per, most],
    )
    await create('manager')
    await create('manager')

    await expect(create(next, { email })).rejects.toMatchObject({ code: 'TMANY' })
    if (other) expect(await create(other, { email })).toMatchObject({ guest_email: email })
  })

  test('a member may have fifty that are not over', async () => {
    for (let count = 0; count < 49; count++) await makePass(as.owner, studio, { host_id: studio.member })
    await makePass(as.owner, studio, { host_id: studio.member, starts_at: '-2 hours', ends_at: '-1 hour' })
    await create('member')

    await expect(create('member')).rejects.toMatchObject({ code: 'TMANY' })
    await as.owner('update app_public.guest_passes set revoked_at = now() where used_count = 0')
    expect(await create('member')).toMatchObject({ host_id: studio.member })
  })
})

describe('app_public.guest_passes', () => {
  test.each([
    ['owner', 2],
    ['manager', 2],
    ['member', 1],
    ['stranger', 0],
  ] as const)(
    'the %s sees %i of one of a manager and one of the member, and their doors',
    async (who, count) => {
      await create('manager')
      await create('member')

      expect(await as.person(studio[who])('select id from app_public.guest_passes')).toHaveLength(count)
      expect(await as.person(studio[who])('select from app_public.guest_pass_doors')).toHaveLength(count)
    },
  )

  test('a member does not see those of another member', async () => {
    const max = await makePerson(as.owner, 'Max')
    await as.owner('insert into app_public.memberships (organization_id, person_id) values ($1, $2)', [
      studio.organizationId,
      max,
    ])
    await create('member')

    expect(await as.person(max)('select from app_public.guest_passes')).toEqual([])
  })

  test.each(everybody)('the %s cannot write one past the functions', async (who) => {
    await create('manager')
    for (const sql of [
      'update app_public.guest_passes set uses = 100',
      'delete from app_public.guest_passes',
      'delete from app_public.guest_pass_doors',
      'select * from app_private.guest_pass_tokens',
    ]) {
      await expect(runAs(as, studio, who)(sql)).rejects.toMatchObject({ code: '42501' })
    }
  })

  test('a host sees what becomes of the guest’s commands, another member does not', async () => {
    const pass = await makePass(as.owner, studio, { host_id: studio.member })
    await as.owner('select app_private.open_door($1, null, $2)', [studio.doorId, pass.id])

    expect(await as.person(studio.member)('select pass_id from app_public.unlock_commands')).toEqual([
      { pass_id: pass.id },
    ])
    await as.owner('update app_public.guest_passes set host_id = $1', [studio.manager])
    expect(await as.person(studio.member)('select from app_public.unlock_commands')).toEqual([])
  })
})
