import { beforeEach, describe, expect, test } from '@jest/globals'
import { useTransaction } from '../support/database.ts'
import { makePerson, makeStudio, type Studio } from '../support/people.ts'
import { startSession } from '../support/sessions.ts'
import { addOwner, everybody, members, runAs, whoDoesItTo } from './actors.ts'

const as = useTransaction()
let studio: Studio
beforeEach(async () => {
  studio = await makeStudio(as.owner)
})

const insert = 'insert into app_public.memberships (organization_id, person_id, role) values ($1, $2, $3)'

/** The owner, who has signed in some time ago. */
const signedIn = async (age = '0') => as.person(studio.owner, await startSession(as.owner, studio.owner, age))

describe('app_public.memberships', () => {
  test.each(['owner', 'manager', 'member'] as const)('the %s sees who else is a member', async (who) => {
    const rows = await as.person(studio[who])('select role from app_public.memberships order by role')

    expect(rows).toEqual([{ role: 'manager' }, { role: 'member' }, { role: 'owner' }])
  })

  test('a stranger sees the membership in their own organization alone', async () => {
    const rows = await as.person(studio.stranger)('select organization_id from app_public.memberships')

    expect(rows).toEqual([{ organization_id: studio.strangerOrganizationId }])
  })

  test('an anonymous caller may not even ask', async () => {
    await expect(as.anonymous('select * from app_public.memberships')).rejects.toMatchObject({
      code: '42501',
    })
  })

  test.each(everybody)('the %s cannot make a stranger a member', async (who) => {
    const joining = runAs(as, studio, who)(insert, [studio.organizationId, studio.stranger, 'member'])

    await expect(joining).rejects.toMatchObject({ code: '42501' })
  })

  test.each(['organization_id', 'id', 'person_id', 'created_at', 'updated_at'])(
    'not even an owner can set its %s',
    async (column) => {
      const setting = as.person(studio.owner)(`update app_public.memberships set ${column} = default`)

      await expect(setting).rejects.toMatchObject({ code: '42501' })
    },
  )

  test('a member who was removed sees nothing of the organization from then on', async () => {
    await as.owner('delete from app_public.memberships where person_id = $1', [studio.member])

    for (const table of ['organizations', 'memberships', 'offices', 'doors', 'door_decisions']) {
      expect(await as.person(studio.member)(`select * from app_public.${table}`)).toEqual([])
    }
  })

  test('a manager who was made a member changes nothing from then on', async () => {
    await as.owner(`update app_public.memberships set role = 'member' where person_id = $1`, [studio.manager])
    const run = as.person(studio.manager)

    for (const table of ['organizations', 'offices', 'doors']) {
      expect(await run(`update app_public.${table} set name = 'Mine' returning id`)).toEqual([])
    }
  })

  test('a membership is that of a member unless it says otherwise', async () => {
    const person = await makePerson(as.owner, 'Nora')

    const rows = await as.owner(
      'insert into app_public.memberships (organization_id, person_id) values ($1, $2) returning role',
      [studio.organizationId, person],
    )

    expect(rows).toEqual([{ role: 'member' }])
  })

  test.each([
    ['somebody a member twice', 'member', 'manager', '23505'],
    ['somebody a member in an unknown role', 'stranger', 'king', '23503'],
  ] as const)('not even the database’s owner makes %s', async (_, who, role, code) => {
    const adding = as.owner(insert, [studio.organizationId, studio[who], role])

    await expect(adding).rejects.toMatchObject({ code })
  })
})

describe('the end of a membership', () => {
  const remove =
    'delete from app_public.memberships where organization_id = $1 and person_id = $2 returning role'

  test.each(
    whoDoesItTo({
      owner: members,
      manager: ['manager', 'member'],
      member: ['member'],
      stranger: [],
      'anonymous caller': [],
    }),
  )('the %s %s remove the %s', async (who, does, whom) => {
    await addOwner(as, studio)
    const removing = runAs(as, studio, who)(remove, [studio.organizationId, studio[whom]])

    if (who === 'anonymous caller') await expect(removing).rejects.toMatchObject({ code: '42501' })
    else expect(await removing).toEqual(does === 'does' ? [{ role: whom }] : [])
  })

  test('an ex-manager removes nobody', async () => {
    await as.owner('delete from app_public.memberships where person_id = $1', [studio.manager])

    expect(await as.person(studio.manager)(remove, [studio.organizationId, studio.member])).toEqual([])
  })
})

describe('the last owner', () => {
  test.each([
    ['leave', 'delete from app_public.memberships where person_id = $1'],
    ['step down', `update app_public.memberships set role = 'manager' where person_id = $1`],
  ])('cannot %s', async (_, sql) => {
    await expect(as.person(studio.owner)(sql, [studio.owner])).rejects.toMatchObject({ code: 'P0001' })
  })

  test.each([
    ['deleted', 'delete from app_public.people where id = $1'],
    [
      'moved elsewhere',
      `update app_public.memberships set organization_id = (
         select id from app_public.organizations where name = 'Elsewhere'
       ) where person_id = $1`,
    ],
  ])('is not %s by the database’s owner either', async (_, sql) => {
    await expect(as.owner(sql, [studio.owner])).rejects.toMatchObject({ code: 'P0001' })
  })

  test('is not taken out with everybody else at once', async () => {
    await addOwner(as, studio)
    const run = as.person(studio.owner)

    await expect(run('delete from app_public.memberships')).rejects.toMatchObject({ code: 'P0001' })
    await expect(run(`update app_public.memberships set role = 'member'`)).rejects.toMatchObject({
      code: 'P0001',
    })
  })

  test('may swap places with somebody in one statement', async () => {
    const run = await signedIn()
    const rows = await run(
      `update app_public.memberships set role = case role when 'owner' then 'member' else 'owner' end
       where role in ('owner', 'member') returning role`,
    )

    expect(rows).toHaveLength(2)
  })

  test('goes along with the organization', async () => {
    await as.owner('delete from app_public.organizations where id = $1', [studio.organizationId])

    expect(
      await as.owner('select role from app_public.memberships where person_id = $1', [studio.owner]),
    ).toEqual([])
  })
})
