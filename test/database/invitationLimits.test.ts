import { beforeEach, describe, expect, test } from '@jest/globals'
import { useTransaction } from '../support/database.ts'
import { makeStudio, type Studio } from '../support/people.ts'
import { insertInvitation, inviting } from './inviting.ts'

const as = useTransaction()
let studio: Studio
beforeEach(async () => {
  studio = await makeStudio(as.owner)
})

const invite = inviting(as, () => studio)

describe('the limits of invitations', () => {
  const many = (count: number, organizationId = studio.organizationId) =>
    as.owner(
      `insert into app_public.invitations (organization_id, address)
       select $1, format('guest%s@example.com', n) from generate_series(1, $2::int) as n`,
      [organizationId, count],
    )

  test('an organization sends a hundred an hour, also in one statement, and another is free to', async () => {
    await expect(many(101)).rejects.toMatchObject({ code: 'TMANY' })
    await many(100)

    await expect(invite('manager')).rejects.toMatchObject({ code: 'TMANY' })
    await as.person(studio.stranger)(insertInvitation, [
      studio.strangerOrganizationId,
      'ida@example.com',
      'member',
    ])
  })

  test('to revoke and to invite again is counted as well', async () => {
    for (let time = 1; time <= 5; time++) {
      await invite('manager')
      await as.person(studio.manager)('delete from app_public.invitations')
    }

    await expect(invite('manager')).rejects.toMatchObject({ code: 'TMANY' })
  })

  test('an address gets five an hour, whoever sends them', async () => {
    await as.owner(
      `with organization as (
         insert into app_public.organizations (name) select 'Mill ' || n from generate_series(1, 5) as n returning id
       )
       insert into app_public.invitations (organization_id, address)
       select organization.id, 'ida@example.com' from organization`,
    )

    await expect(invite('manager')).rejects.toMatchObject({ code: 'TMANY' })
  })

  test('a network sends two hundred an hour', async () => {
    await as.owner(`select set_config('plinth.request', '{"address": "203.0.113.7"}', true)`)
    await as.owner(
      `insert into app_private.attempts (key)
       select app_private.attempt_key('invitation', 'network', '203.0.113.7/32') from generate_series(1, 200)`,
    )

    await expect(invite('manager')).rejects.toMatchObject({ code: 'TMANY' })
  })

  test('two hundred may be open, and expired ones are not', async () => {
    await many(100)
    await as.owner('delete from app_private.attempts')
    await as.owner(
      `insert into app_public.invitations (organization_id, address)
       select $1, format('visitor%s@example.com', n) from generate_series(1, 100) as n`,
      [studio.organizationId],
    )
    await as.owner('delete from app_private.attempts')

    await expect(invite('manager')).rejects.toMatchObject({ code: 'TMANY' })
    await as.owner(
      `update app_public.invitations set expires_at = now() where address = 'visitor1@example.com'`,
    )
    await invite('manager')
  })

  test('a stranger does not learn from it that an organization is at its limit', async () => {
    await many(100)

    const inviting = as.person(studio.stranger)(insertInvitation, [
      studio.organizationId,
      'ida@example.com',
      'member',
    ])

    await expect(inviting).rejects.toMatchObject({ code: '42501' })
  })
})

describe('app_private.purge_invitations', () => {
  test('removes what expired a month ago, and no other', async () => {
    await invite('owner', 'old@example.com')
    await invite('owner', 'expired@example.com')
    await invite('owner', 'open@example.com')
    await as.owner(
      `update app_public.invitations set expires_at = now() - case address
         when 'old@example.com' then interval '30 days' else interval '29 days'
       end where address <> 'open@example.com'`,
    )

    expect(await as.owner('select app_private.purge_invitations()::int as count')).toEqual([{ count: 1 }])
    expect(await as.owner('select address from app_public.invitations order by address')).toEqual([
      { address: 'expired@example.com' },
      { address: 'open@example.com' },
    ])
  })
})
