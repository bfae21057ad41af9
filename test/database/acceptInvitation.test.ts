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

const token = 'not-what-a-real-one-looks-like'
const accept = 'select organization_id, person_id, role from app_public.accept_invitation($1)'
const find = 'select organization_name, role, inviter_name from app_public.find_invitation($1)'
const resend = 'select id, inviter_id from app_public.resend_invitation($1)'
const nothing = [{ organization_id: null, person_id: null, role: null }]
const nothingFound = [{ organization_name: null, role: null, inviter_name: null }]

/** What the task does that mails an invitation. */
const mailed = (id: string, secret = token) =>
  as.owner(
    `insert into app_private.invitation_tokens (organization_id, invitation_id, hash)
     select organization_id, id, sha256(convert_to($2, 'UTF8')) from app_public.invitations where id = $1`,
    [id, secret],
  )

async function invited(who: 'owner' | 'manager' = 'manager', role = 'member'): Promise<string> {
  const session = await startSession(as.owner, studio[who])
  const [invitation] = await as.person(studio[who], session)(
    `insert into app_public.invitations (organization_id, address, role)
     values ($1, 'ida@example.com', $2) returning id`,
    [studio.organizationId, role],
  )
  await mailed(invitation!.id as string)
  return invitation!.id as string
}

const roleOf = async (person: string) =>
  (
    await as.owner('select role from app_public.memberships where organization_id = $1 and person_id = $2', [
      studio.organizationId,
      person,
    ])
  )[0]?.role

/** What makes an invitation worth nothing. */
const ends: [string, string][] = [
  ['has expired', 'update app_public.invitations set expires_at = now()'],
  ['was revoked', 'delete from app_public.invitations'],
  ['was sent again', 'delete from app_private.invitation_tokens'],
  [
    'is from somebody who was removed since',
    `delete from app_public.memberships where person_id = (select inviter_id from app_public.invitations)`,
  ],
  [
    'is from somebody who is a mere member since',
    `update app_public.memberships set role = 'member'
     where person_id = (select inviter_id from app_public.invitations)`,
  ],
  ['is nobody’s any more', 'update app_public.invitations set inviter_id = null'],
  ['is for an owner, and from somebody who is none', `update app_public.invitations set role = 'owner'`],
  ['is from an organization that is gone', `delete from app_public.organizations where name = 'Studio'`],
]

describe('app_public.accept_invitation', () => {
  test.each([
    ['owner', 'owner'],
    ['owner', 'manager'],
    ['manager', 'manager'],
    ['manager', 'member'],
  ] as const)('whoever has the token of the %s becomes a %s', async (who, role) => {
    await invited(who, role)

    const rows = await as.person(studio.stranger)(accept, [token])

    expect(rows).toEqual([{ organization_id: studio.organizationId, person_id: studio.stranger, role }])
    expect(await roleOf(studio.stranger)).toBe(role)
    expect(
      await as.person(studio.stranger)(
        `select detail from app_public.security_events where kind = 'joined_organization'
         and organization_id = $1`,
        [studio.organizationId],
      ),
    ).toEqual([{ detail: `Studio, ${role}` }])
  })

  test('it is good once', async () => {
    await invited()
    await as.person(studio.stranger)(accept, [token])
    await as.owner('delete from app_public.memberships where organization_id = $1 and person_id = $2', [
      studio.organizationId,
      studio.stranger,
    ])

    expect(await as.person(studio.stranger)(accept, [token])).toEqual(nothing)
    expect(await roleOf(studio.stranger)).toBeUndefined()
    expect(await as.owner('select * from app_private.invitation_tokens')).toEqual([])
  })

  test.each([
    ['owner', 'member'],
    ['member', 'manager'],
  ] as const)('the %s keeps their role, and one for a %s is used up', async (who, role) => {
    await invited('owner', role)

    const rows = await as.person(studio[who])(accept, [token])

    expect(rows).toEqual([{ organization_id: studio.organizationId, person_id: studio[who], role: who }])
    expect(await as.owner('select id from app_public.invitations')).toEqual([])
  })

  test.each(ends)('one that %s makes nobody a member', async (_, sql) => {
    await invited()
    await as.owner(sql)

    expect(await as.person(studio.stranger)(accept, [token])).toEqual(nothing)
    expect(await roleOf(studio.stranger)).toBeUndefined()
  })

  test.each(['', 'x', null, token.toUpperCase(), ` ${token}`])('the token %j is unknown', async (given) => {
    await invited()

    expect(await as.person(studio.stranger)(accept, [given])).toEqual(nothing)
  })

  test('an anonymous caller may not call it, and a caller without an id becomes nobody', async () => {
    await invited()

    await expect(as.anonymous(accept, [token])).rejects.toMatchObject({ code: '42501' })
    await expect(as.person('')(accept, [token])).rejects.toMatchObject({ code: '23502' })
    expect(await as.owner('select id from app_public.invitations')).toHaveLength(1)
  })
})

describe('app_public.find_invitation', () => {
  test.each(everybody)('the %s who has the token sees what it offers', async (who) => {
    await invited('manager', 'manager')

    const rows = await runAs(as, studio, who)(find, [token])

    expect(rows).toEqual([{ organization_name: 'Studio', role: 'manager', inviter_name: 'Marc' }])
  })

  test.each(ends)('one that %s is not to be found', async (_, sql) => {
    await invited()
    await as.owner(sql)

    expect(await as.anonymous(find, [token])).toEqual(nothingFound)
  })

  test.each(['', 'x', null])('nor is one by the token %j', async (given) => {
    await invited()

    expect(await as.anonymous(find, [given])).toEqual(nothingFound)
  })

  test('to look at it does not use it up', async () => {
    await invited()
    await as.anonymous(find, [token])

    expect(await as.person(studio.stranger)(accept, [token])).toMatchObject([{ role: 'member' }])
  })
})

describe('app_public.resend_invitation', () => {
  test('what was mailed before is void at once, what comes then is good', async () => {
    const id = await invited()

    await as.person(studio.manager)(resend, [id])
    const withOld = await as.person(studio.stranger)(accept, [token])
    await mailed(id, 'another')
    const withNew = await as.person(studio.stranger)(accept, ['another'])

    expect(withOld).toEqual(nothing)
    expect(withNew).toMatchObject([{ role: 'member' }])
  })

  test('it is good for fourteen days again, and of whoever sent it', async () => {
    const id = await invited()
    await as.owner('update app_public.invitations set expires_at = now()')

    const rows = await as.person(studio.owner)(resend, [id])

    expect(rows).toEqual([{ id, inviter_id: studio.owner }])
    expect(
      await as.owner(
        `select expires_at = now() + interval '14 days' as is_for_two_weeks from app_public.invitations`,
      ),
    ).toEqual([{ is_for_two_weeks: true }])
  })

  test('asked for twice before it was sent it is mailed once', async () => {
    const id = await invited()
    await as.person(studio.manager)(resend, [id])

    expect(
      await as.owner(
        `select count(*)::int as count from graphile_worker._private_jobs as jobs
         join graphile_worker._private_tasks as tasks on tasks.id = jobs.task_id
         where tasks.identifier = 'invitation__send'`,
      ),
    ).toEqual([{ count: 1 }])
  })

  test('it counts as a mail', async () => {
    const id = await invited()
    for (let time = 2; time <= 5; time++) await as.person(studio.manager)(resend, [id])

    await expect(as.person(studio.manager)(resend, [id])).rejects.toMatchObject({ code: 'TMANY' })
  })

  test.each([
    ['manager', 'owner'],
    ['member', 'member'],
    ['stranger', 'member'],
  ] as const)('the %s cannot send that of a future %s, which stays good', async (who, role) => {
    const id = await invited('owner', role)

    await expect(as.person(studio[who])(resend, [id])).rejects.toMatchObject({ code: 'NTFND' })
    expect(await as.anonymous(find, [token])).toMatchObject([{ role }])
  })

  test('an ex-manager cannot send one any more', async () => {
    const id = await invited()
    await as.owner('delete from app_public.memberships where person_id = $1', [studio.manager])

    await expect(as.person(studio.manager)(resend, [id])).rejects.toMatchObject({ code: 'NTFND' })
  })

  test.each([
    ['nobody’s', () => studio.organizationId],
    ['null', () => null],
  ])('there is none with an id that is %s', async (_, id) => {
    await expect(as.person(studio.owner)(resend, [id()])).rejects.toMatchObject({ code: 'NTFND' })
  })

  test('an anonymous caller may not call it', async () => {
    const id = await invited()

    await expect(as.anonymous(resend, [id])).rejects.toMatchObject({ code: '42501' })
  })
})
