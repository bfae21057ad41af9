import { beforeEach, describe, expect, test } from '@jest/globals'
import { useTransaction } from '../support/database.ts'
import { makeStudio, type Studio } from '../support/people.ts'
import { startSession } from '../support/sessions.ts'
import { addOwner, members, runAs, whoDoesItTo } from './actors.ts'

const as = useTransaction()
let studio: Studio
beforeEach(async () => {
  studio = await makeStudio(as.owner)
})

/** The owner, who has signed in some time ago. */
const signedIn = async (age = '0') => as.person(studio.owner, await startSession(as.owner, studio.owner, age))

describe('a role', () => {
  const change =
    'update app_public.memberships set role = $3 where organization_id = $1 and person_id = $2 returning role'

  test.each(
    whoDoesItTo({
      owner: members,
      manager: ['manager', 'member'],
      member: [],
      stranger: [],
      'anonymous caller': [],
    }),
  )('the %s %s change that of the %s', async (who, does, whom) => {
    await addOwner(as, studio)
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

describe('whose an organization is', () => {
  test.each([
    ['somebody is made an owner', `update app_public.memberships set role = 'owner' where person_id = $1`],
    ['an owner becomes a member', `update app_public.memberships set role = 'member' where person_id = $2`],
    ['an owner is removed', 'delete from app_public.memberships where person_id = $2'],
  ])('is not for an old session, nor for a key: by a recent sign-in alone %s', async (_, sql) => {
    const nora = await addOwner(as, studio)
    const statement = `with given as (select $1::uuid, $2::uuid) ${sql} returning role`
    const values = [studio.member, nora]
    const [old, recent] = [await signedIn('11 minutes'), await signedIn()]

    await expect(old(statement, values)).rejects.toMatchObject({ code: 'REAUT' })
    await expect(as.person(studio.owner)(statement, values)).rejects.toMatchObject({ code: 'REAUT' })
    expect(await recent(statement, values)).toHaveLength(1)
  })

  test('does not change by what an old session may do: leave, and see to managers and members', async () => {
    await addOwner(as, studio)
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
