import { beforeEach, describe, expect, test } from '@jest/globals'
import { useTransaction } from '../support/database.ts'
import { makeStudio, type Studio } from '../support/people.ts'
import { startSession } from '../support/sessions.ts'
import { everybody, runAs } from './actors.ts'
import { insertInvitation, inviting } from './inviting.ts'

const as = useTransaction()
let studio: Studio
beforeEach(async () => {
  studio = await makeStudio(as.owner)
})

const invite = inviting(as, () => studio)

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
      `${insertInvitation} returning id, role, inviter_id, expires_at = now() + interval '14 days' as is_for_two_weeks`,
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
    const inviting = runAs(
      as,
      studio,
      who,
    )(insertInvitation, [studio.organizationId, 'ida@example.com', role])

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
      const inviting = as.person(studio.manager)(insertInvitation, [studio.organizationId, address, 'member'])

      await expect(inviting).rejects.toMatchObject({ code: '22023', column: 'address' })
    },
  )

  test('an address is invited once by an organization, however it is written', async () => {
    await invite('manager')

    await expect(invite('manager', 'IDA@example.com')).rejects.toMatchObject({ code: '23505' })
    await as.person(studio.stranger)(insertInvitation, [
      studio.strangerOrganizationId,
      'ida@example.com',
      'member',
    ])
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
