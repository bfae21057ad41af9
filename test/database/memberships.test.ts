import { beforeEach, describe, expect, test } from '@jest/globals'
import { useTransaction } from '../support/database.ts'
import { makePerson, makeStudio, type Studio } from '../support/people.ts'
import { startSession } from '../support/sessions.ts'
import { everybody, runAs, type Who } from './actors.ts'

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

/** Who may do a thing to whom; everybody else finds no such membership. */
type Grid = Record<Who, readonly ('owner' | 'manager' | 'member')[]>

const members = ['owner', 'manager', 'member'] as const
const cells = (grid: Grid) =>
  everybody.flatMap((who) =>
    members.map((whom) => [who, grid[who].includes(whom) ? 'does' : 'does not', whom] as const),
  )

/** A second owner, so that the first may lose the role. */
const addOwner = async () => {
  const nora = await makePerson(as.owner, 'Nora')
  await as.owner(insert, [studio.organizationId, nora, 'owner'])
}

describe('a role', () => {
  const change =
    'update app_public.memberships set role = $3 where organization_id = $1 and person_id = $2 returning role'

  test.each(
    cells({
      owner: members,
      manager: ['manager', 'member'],
      member: [],
      stranger: [],
      'anonymous caller': [],
    }),
  )('the %s %s change that of the %s', async (who, does, whom) => {
    await addOwner()
    const role = whom === 'member' ? 'manager' : 'member'
    const run = who === 'owner' ? await signedIn() : runAs(as, studio, who)
    const changing = run(change, [studio.organizationId, studio[whom], role])

    if (who === 'anonymous caller') await expect(changing).rejects.toMatchObject({ code: '42501' })
    else expect(await changing).toEqual(does === 'does' ? [{ role }] : [])
  })

  test.each(members)('an owner makes the %s an owner', async (whom) => {
    const run = await signedIn()
    const rows = await run(change, [studio.organizationId, studio[whom], 'owner'])

    expect(rows).toEqual([{ role: 'owner' }])
  })

  test.each(['manager', 'member'] as const)('a manager cannot make the %s an owner', async (whom) => {
    const promoting = as.person(studio.manager)(change, [studio.organizationId, studio[whom], 'owner'])

    await expect(promoting).rejects.toMatchObject({ code: '42501' })
  })

  test('a member cannot promote themselves, nor an owner of one organization in another', async () => {
    const self = await as.person(studio.member)(change, [studio.organizationId, studio.member, 'manager'])
    const other = await as.person(studio.stranger)(change, [studio.organizationId, studio.member, 'manager'])

    expect([self, other]).toEqual([[], []])
  })

  test('an ex-manager changes nobody’s', async () => {
    await as.owner('delete from app_public.memberships where person_id = $1', [studio.manager])

    const rows = await as.person(studio.manager)(change, [studio.organizationId, studio.member, 'manager'])

    expect(rows).toEqual([])
  })

  test('an unknown one is refused', async () => {
    const changing = as.person(studio.owner)(change, [studio.organizationId, studio.member, 'king'])

    await expect(changing).rejects.toMatchObject({ code: '23503' })
  })
})

describe('the end of a membership', () => {
  const remove =
    'delete from app_public.memberships where organization_id = $1 and person_id = $2 returning role'

  test.each(
    cells({
      owner: members,
      manager: ['manager', 'member'],
      member: ['member'],
      stranger: [],
      'anonymous caller': [],
    }),
  )('the %s %s remove the %s', async (who, does, whom) => {
    await addOwner()
    const removing = runAs(as, studio, who)(remove, [studio.organizationId, studio[whom]])

    if (who === 'anonymous caller') await expect(removing).rejects.toMatchObject({ code: '42501' })
    else expect(await removing).toEqual(does === 'does' ? [{ role: whom }] : [])
  })

  test('an ex-manager removes nobody', async () => {
    await as.owner('delete from app_public.memberships where person_id = $1', [studio.manager])

    expect(await as.person(studio.manager)(remove, [studio.organizationId, studio.member])).toEqual([])
  })
})

describe('whose an organization is', () => {
  const nora = async () =>
    (await as.owner(`select id from app_public.people where name = 'Nora'`))[0]!.id as string

  test.each([
    ['somebody is made an owner', `update app_public.memberships set role = 'owner' where person_id = $1`],
    ['an owner becomes a member', `update app_public.memberships set role = 'member' where person_id = $2`],
    ['an owner is removed', 'delete from app_public.memberships where person_id = $2'],
  ])('is not for an old session, nor for a key: by a recent sign-in alone %s', async (_, sql) => {
    await addOwner()
    const statement = `with given as (select $1::uuid, $2::uuid) ${sql} returning role`
    const values = [studio.member, await nora()]
    const [old, recent] = [await signedIn('11 minutes'), await signedIn()]

    await expect(old(statement, values)).rejects.toMatchObject({ code: 'REAUT' })
    await expect(as.person(studio.owner)(statement, values)).rejects.toMatchObject({ code: 'REAUT' })
    expect(await recent(statement, values)).toHaveLength(1)
  })

  test('does not change by what an old session may do: leave, and see to managers and members', async () => {
    await addOwner()
    const old = await signedIn('11 minutes')

    await old(`update app_public.memberships set role = 'manager' where person_id = $1`, [studio.member])
    await old('delete from app_public.memberships where person_id = $1', [studio.manager])
    await old('delete from app_public.memberships where person_id = $1', [studio.owner])

    expect(
      await as.owner('select role from app_public.memberships where organization_id = $1 order by role', [
        studio.organizationId,
      ]),
    ).toEqual([{ role: 'manager' }, { role: 'owner' }])
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
    await addOwner()
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
