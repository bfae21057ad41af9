import { beforeEach, describe, expect, test } from '@jest/globals'
import { useTransaction } from '../support/database.ts'
import { makeStudio, type Studio } from '../support/people.ts'
import { startSession } from '../support/sessions.ts'
import { everybody, runAs } from './actors.ts'

const as = useTransaction()
let studio: Studio
beforeEach(async () => {
  studio = await makeStudio(as.owner)
})

const insert = 'insert into app_public.invitations (organization_id, address, role) values ($1, $2, $3)'
const invite = async (
  who: 'owner' | 'manager',
  address = 'ida@example.com',
  role = 'member',
  age?: string | null,
) => {
  const session = age === null ? '' : await startSession(as.owner, studio[who], age)
  const run = as.person(studio[who], session)
  return run(`${insert} returning id`, [studio.organizationId, address, role])
}

const queue = () =>
  as.owner(
    `select jobs.payload from graphile_worker._private_jobs as jobs
     join graphile_worker._private_tasks as tasks on tasks.id = jobs.task_id
     where tasks.identifier = 'invitation__send'`,
  )

describe('app_public.invitations', () => {
  test.each([
    ['owner', 2],
    ['manager', 2],
    ['member', 0],
    ['stranger', 0],
  ] as const)('the %s sees %i of them', async (who, count) => {
    await invite('owner')
    await invite('owner', 'ole@example.com', 'owner')

    expect(await as.person(studio[who])('select id from app_public.invitations')).toHaveLength(count)
  })

  test('an anonymous caller may not even ask', async () => {
    await expect(as.anonymous('select * from app_public.invitations')).rejects.toMatchObject({
      code: '42501',
    })
  })

  test.each([
    ['owner', 'owner'],
    ['owner', 'manager'],
    ['owner', 'member'],
    ['manager', 'manager'],
    ['manager', 'member'],
  ] as const)('the %s invites a %s, in their own name, for fourteen days', async (who, role) => {
    const session = await startSession(as.owner, studio[who])
    const rows = await as.person(studio[who], session)(
      `${insert} returning id, role, inviter_id, expires_at = now() + interval '14 days' as is_for_two_weeks`,
      [studio.organizationId, 'ida@example.com', role],
    )

    expect(rows).toEqual([{ id: expect.any(String), role, inviter_id: studio[who], is_for_two_weeks: true }])
    expect(await queue()).toEqual([{ payload: { id: rows[0]!.id } }])
  })

  test.each([
    ['manager', 'owner'],
    ['member', 'member'],
    ['stranger', 'member'],
    ['anonymous caller', 'member'],
  ] as const)('the %s cannot invite a %s, and nothing is sent', async (who, role) => {
    const inviting = runAs(as, studio, who)(insert, [studio.organizationId, 'ida@example.com', role])

    await expect(inviting).rejects.toMatchObject({ code: '42501' })
    expect(await queue()).toEqual([])
  })

  test.each(['11 minutes', null])(
    'to become an owner takes a recent sign-in, not one of %s ago',
    async (age) => {
      await expect(invite('owner', 'ole@example.com', 'owner', age)).rejects.toMatchObject({ code: 'REAUT' })
      expect(await queue()).toEqual([])

      expect(await invite('owner', 'mo@example.com', 'manager', age)).toHaveLength(1)
    },
  )

  test.each(['id', 'inviter_id', 'expires_at', 'created_at', 'updated_at'])(
    'not even an owner can choose its %s',
    async (column) => {
      const run = as.person(studio.owner)

      await expect(
        run(
          `insert into app_public.invitations (organization_id, address, ${column}) values ($1, 'a@b.c', default)`,
          [studio.organizationId],
        ),
      ).rejects.toMatchObject({ code: '42501' })
    },
  )

  test.each(everybody)('the %s cannot change one', async (who) => {
    const changing = runAs(as, studio, who)(`update app_public.invitations set role = 'owner'`)

    await expect(changing).rejects.toMatchObject({ code: '42501' })
  })

  test.each([
    ['owner', 'owner', 1],
    ['owner', 'member', 1],
    ['manager', 'owner', 0],
    ['manager', 'member', 1],
    ['member', 'member', 0],
    ['stranger', 'member', 0],
  ] as const)('the %s revokes that of a future %s: %i', async (who, role, count) => {
    await invite('owner', 'ida@example.com', role)

    const rows = await as.person(studio[who])('delete from app_public.invitations returning id')

    expect(rows).toHaveLength(count)
  })

  test('an anonymous caller cannot revoke one', async () => {
    await expect(as.anonymous('delete from app_public.invitations')).rejects.toMatchObject({ code: '42501' })
  })

  test('an address is stored as addresses are', async () => {
    await invite('manager', '  Ida@Example.COM ')

    expect(await as.person(studio.manager)('select address from app_public.invitations')).toEqual([
      { address: 'ida@example.com' },
    ])
  })

  test.each(['', 'ida', 'ida@example', 'a b@example.com', null, `${'x'.repeat(250)}@example.com`])(
    'a manager cannot invite %j',
    async (address) => {
      const inviting = as.person(studio.manager)(insert, [studio.organizationId, address, 'member'])

      await expect(inviting).rejects.toMatchObject({ code: '22023', column: 'address' })
    },
  )

  test('an address is invited once by an organization, however it is written', async () => {
    await invite('manager')

    await expect(invite('manager', 'IDA@example.com')).rejects.toMatchObject({ code: '23505' })
    await as.person(studio.stranger)(insert, [studio.strangerOrganizationId, 'ida@example.com', 'member'])
  })

  test('an unknown role is refused', async () => {
    await expect(invite('owner', 'ida@example.com', 'king')).rejects.toMatchObject({ code: '23503' })
  })

  test.each(everybody)('the %s has no right on tokens', async (who) => {
    await expect(runAs(as, studio, who)('select * from app_private.invitation_tokens')).rejects.toMatchObject(
      { code: '42501' },
    )
  })
})

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
    await as.person(studio.stranger)(insert, [studio.strangerOrganizationId, 'ida@example.com', 'member'])
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

    const inviting = as.person(studio.stranger)(insert, [studio.organizationId, 'ida@example.com', 'member'])

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
