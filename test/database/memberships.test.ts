import { beforeEach, describe, expect, test } from '@jest/globals'
import { useTransaction } from '../support/database.ts'
import { makePerson, makeStudio, type Studio } from '../support/people.ts'
import { everybody, runAs } from './actors.ts'

const as = useTransaction()
let studio: Studio
beforeEach(async () => {
  studio = await makeStudio(as.owner)
})

const insert = 'insert into app_public.memberships (organization_id, person_id, role) values ($1, $2, $3)'

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

  test.each(everybody)('the %s cannot change a role', async (who) => {
    const promoting = runAs(as, studio, who)(`update app_public.memberships set role = 'owner'`)

    await expect(promoting).rejects.toMatchObject({ code: '42501' })
  })

  test.each(everybody)('the %s cannot delete a membership', async (who) => {
    await expect(runAs(as, studio, who)('delete from app_public.memberships')).rejects.toMatchObject({
      code: '42501',
    })
  })

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
