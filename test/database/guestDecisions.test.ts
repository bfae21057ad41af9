import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, test } from '@jest/globals'
import { useTransaction } from '../support/database.ts'
import { makePass, type PassColumns } from '../support/guests.ts'
import { makeStudio, type Studio } from '../support/people.ts'

const as = useTransaction()
let studio: Studio
beforeEach(async () => {
  studio = await makeStudio(as.owner)
})

const decide = async (passId: string | null, at = '0 seconds', doorId: string | null = studio.doorId) =>
  (
    await as.owner('select * from app_private.decide_door($1, null, now() + $3::interval, $2)', [
      doorId,
      passId,
      at,
    ])
  )[0]!
const letIn = { is_allowed: true, rule: 'Guest pass', reason: 'You are let in by your pass.' }
const denied = (reason: string) => ({ is_allowed: false, rule: null, reason })
const notForIt = denied('There is no such door, or your pass is not for it.')
const lockDown = () =>
  as.person(studio.owner)('select app_public.start_lockdown($1, $2)', [studio.officeId, 'Intruder'])
const close = () =>
  as.owner(
    `insert into app_public.closures (organization_id, office_id, name, starts_on, ends_on)
     values ($1, $2, 'Holidays', current_date - 1, current_date + 1)`,
    [studio.organizationId, studio.officeId],
  )

describe('app_private.decide_door of a pass', () => {
  test('lets in from its first moment on, and up to its last', async () => {
    const { id } = await makePass(as.owner, studio, { starts_at: '1 hour', ends_at: '2 hours' })

    const answers = []
    for (const at of ['59:59.999999', '1:00:00', '1:59:59.999999', '2:00:00'])
      answers.push(await decide(id, at))

    expect(answers).toEqual([
      denied('Your pass is not valid yet.'),
      letIn,
      letIn,
      denied('Your pass has expired.'),
    ])
  })

  test.each(['infinity', '-infinity', null])('at %s nobody is let in', async (at) => {
    const { id } = await makePass(as.owner, studio)

    const rows = await as.owner('select (app_private.decide_door($1, null, $2, $3)).is_allowed', [
      studio.doorId,
      at,
      id,
    ])

    expect(rows).toEqual([{ is_allowed: false }])
  })

  test.each<[string, PassColumns, string]>([
    ['revoked', { revoked_at: '2026-01-01' }, 'Your pass has been revoked.'],
    ['of a host who left', { host_id: null, revoked_at: '2026-01-01' }, 'Your pass has been revoked.'],
    ['used up', { uses: 2, used_count: 2 }, 'Your pass is used up.'],
    ['early', { starts_at: '1 second' }, 'Your pass is not valid yet.'],
    ['late', { ends_at: '0 seconds' }, 'Your pass has expired.'],
  ])('one that is %s lets nobody in', async (_, columns, reason) => {
    expect(await decide((await makePass(as.owner, studio, columns)).id)).toEqual(denied(reason))
  })

  test('one that is not there, or for another door, is told nothing about the door', async () => {
    const { id } = await makePass(as.owner, studio, {}, [])
    await lockDown()

    expect(await decide(id)).toEqual(notForIt)
    expect(await decide(randomUUID())).toEqual(notForIt)
    expect(await decide(id, '0', randomUUID())).toEqual(notForIt)
    expect(await decide(id, '0', null)).toEqual(notForIt)
  })

  test('one of another organization is told nothing about the door, whatever it lists', async () => {
    const [other] = await as.owner(
      `with office as (
         insert into app_public.offices (organization_id, name) values ($1, 'Elsewhere') returning *
       ), door as (
         insert into app_public.doors (organization_id, office_id, name)
         select organization_id, id, 'Front' from office returning *
       )
       select organization_id as "organizationId", office_id as "officeId", id as "doorId" from door`,
      [studio.strangerOrganizationId],
    )
    const theirs = { ...(other as unknown as Studio), manager: studio.stranger }

    expect(await decide((await makePass(as.owner, theirs)).id)).toEqual(notForIt)
  })

  test('nobody is let in by no pass and as no person', async () => {
    expect(await decide(null)).toEqual(
      denied('There is no such door, or you are not a member of its organization.'),
    )
  })

  test('a person who may come in does not with a pass that may not: the pass is what counts', async () => {
    const { id } = await makePass(as.owner, studio, { revoked_at: '2026-01-01' })

    const rows = await as.owner('select (app_private.decide_door($1, $2, now(), $3)).is_allowed', [
      studio.doorId,
      studio.owner,
      id,
    ])

    expect(rows).toEqual([{ is_allowed: false }])
  })

  test('a lockdown keeps out every guest, and does not say why', async () => {
    const { id } = await makePass(as.owner, studio)
    await lockDown()

    expect(await decide(id)).toEqual(denied('The office is locked down.'))
  })

  test.each([
    ['owner', true],
    ['manager', true],
    ['member', false],
  ] as const)('on a closure the guest of the %s is let in: %s', async (host, isAllowed) => {
    const { id } = await makePass(as.owner, studio, { host_id: studio[host] })
    await close()

    expect(await decide(id)).toEqual(
      isAllowed ? letIn : denied('Your host may not open this door at this time.'),
    )
  })

  test.each([
    ['owner', true],
    ['manager', true],
    ['member', false],
  ] as const)('where no rule lets anybody in, the guest of the %s is: %s', async (host, isAllowed) => {
    const { id } = await makePass(as.owner, studio, { host_id: studio[host] })
    await as.owner('delete from app_public.access_rules')

    expect(await decide(id)).toMatchObject({ is_allowed: isAllowed })
  })

  test('the guest of a member comes and goes with the rules for that member', async () => {
    const { id } = await makePass(as.owner, studio, { host_id: studio.member })
    expect(await decide(id)).toEqual(letIn)

    await as.owner(`update app_public.access_rules set role = 'owner'`)
    expect(await decide(id)).toMatchObject({ is_allowed: false })

    await as.owner(`update app_public.memberships set role = 'manager' where person_id = $1`, [studio.member])
    expect(await decide(id)).toEqual(letIn)
  })

  test('the guest of a manager who became a member is let in where a member is', async () => {
    const { id } = await makePass(as.owner, studio)
    await as.owner('delete from app_public.access_rules')
    await as.owner(`update app_public.memberships set role = 'member' where person_id = $1`, [studio.manager])

    expect(await decide(id)).toMatchObject({ is_allowed: false })
  })
})
