import { beforeEach, describe, expect, test } from '@jest/globals'
import { useTransaction } from '../support/database.ts'
import { makePerson, makeStudio, type Studio } from '../support/people.ts'
import { runAs, signInForMinutes } from './actors.ts'

const as = useTransaction()
let studio: Studio
beforeEach(async () => {
  studio = await makeStudio(as.owner)
})

const transfer = 'select person_id, role from app_public.transfer_ownership($1, $2)'
const roles = async () => {
  const rows = await as.owner(
    `select people.name, memberships.role from app_public.memberships
     join app_public.people on people.id = memberships.person_id
     where organization_id = $1 order by people.name`,
    [studio.organizationId],
  )
  return Object.fromEntries(rows.map(({ name, role }) => [name, role])) as Record<string, string>
}

describe('app_public.transfer_ownership', () => {
  test.each([
    ['manager', { Marc: 'owner', Mia: 'member', Olga: 'manager' }],
    ['member', { Marc: 'manager', Mia: 'owner', Olga: 'manager' }],
  ] as const)('an owner puts the %s in their place and is a manager from then on', async (whom, expected) => {
    await signInForMinutes(as, studio.owner, 0)

    const rows = await as.person(studio.owner)(transfer, [studio.organizationId, studio[whom]])

    expect(rows).toEqual([{ person_id: studio[whom], role: 'owner' }])
    expect(await roles()).toEqual(expected)
  })

  test('another owner stays one', async () => {
    const nora = await makePerson(as.owner, 'Nora')
    await as.owner(
      `insert into app_public.memberships (organization_id, person_id, role) values ($1, $2, 'owner')`,
      [studio.organizationId, nora],
    )
    await signInForMinutes(as, studio.owner, 0)

    await as.person(studio.owner)(transfer, [studio.organizationId, studio.member])

    expect(await roles()).toEqual({ Marc: 'manager', Mia: 'owner', Nora: 'owner', Olga: 'manager' })
  })

  test('both find it in their security log, and are told by mail', async () => {
    await signInForMinutes(as, studio.owner, 0)
    await as.person(studio.owner)(transfer, [studio.organizationId, studio.member])

    for (const who of ['owner', 'member'] as const) {
      const rows = await as.person(studio[who])(
        `select detail, notice is not null as is_mailed from app_public.security_events
         join app_public.security_event_kinds using (kind) where kind = 'ownership_transferred'`,
      )
      expect(rows).toEqual([{ detail: 'Studio', is_mailed: true }])
    }
  })

  test.each(['manager', 'member', 'stranger'] as const)('the %s has nothing to transfer', async (who) => {
    await signInForMinutes(as, studio[who], 0)

    const transferring = as.person(studio[who])(transfer, [studio.organizationId, studio[who]])

    await expect(transferring).rejects.toMatchObject({ code: 'NTFND', column: 'organization_id' })
  })

  test('an ex-owner has nothing to transfer any more', async () => {
    await signInForMinutes(as, studio.owner, 0)
    await as.person(studio.owner)(transfer, [studio.organizationId, studio.member])

    const again = as.person(studio.owner)(transfer, [studio.organizationId, studio.manager])

    await expect(again).rejects.toMatchObject({ code: 'NTFND', column: 'organization_id' })
  })

  test('an anonymous caller may not call it', async () => {
    await expect(as.anonymous(transfer, [studio.organizationId, studio.member])).rejects.toMatchObject({
      code: '42501',
    })
  })

  test.each([
    ['a stranger', () => studio.stranger],
    ['themselves', () => studio.owner],
    ['nobody', () => null],
    ['somebody who does not exist', () => studio.organizationId],
  ])('an owner cannot transfer it to %s', async (_, whom) => {
    await signInForMinutes(as, studio.owner, 0)

    const transferring = as.person(studio.owner)(transfer, [studio.organizationId, whom()])

    await expect(transferring).rejects.toMatchObject({ code: 'NTFND', column: 'person_id' })
    expect(await roles()).toEqual({ Marc: 'manager', Mia: 'member', Olga: 'owner' })
  })

  test.each([
    ['signed in eleven minutes ago', 11],
    ['with an API key', null],
  ])('an owner %s cannot transfer it', async (_, minutes) => {
    if (minutes !== null) await signInForMinutes(as, studio.owner, minutes)

    const transferring = runAs(as, studio, 'owner')(transfer, [studio.organizationId, studio.member])

    await expect(transferring).rejects.toMatchObject({ code: 'REAUT' })
  })
})
