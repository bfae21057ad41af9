import { beforeEach, describe, expect, test } from '@jest/globals'
import { useTransaction } from '../support/database.ts'
import { makeInOffice } from '../support/doorRules.ts'
import { makeStudio, type Studio } from '../support/people.ts'

const as = useTransaction()
let studio: Studio
beforeEach(async () => {
  studio = await makeStudio(as.owner)
})

describe('app_public.replay_decisions', () => {
  const replay = `select * from app_public.replay_decisions($1, now() - $2::interval)`
  const decide = async (who: 'owner' | 'manager' | 'member' | 'stranger', isAllowed: boolean, ago: string) =>
    (
      await as.owner(
        `insert into app_public.door_decisions (organization_id, door_id, person_id, is_allowed, reason, decided_at)
         values ($1, $2, $3, $4, 'Decided.', now() - $5::interval) returning id`,
        [studio.organizationId, studio.doorId, studio[who], isAllowed, ago],
      )
    )[0]!.id as string

  test.each(['owner', 'manager'] as const)('the %s sees what changed rules would change', async (who) => {
    const kept = await decide('manager', true, '3 days')
    const lost = await decide('member', true, '2 days')
    const gained = await decide('manager', false, '1 day')
    await as.owner(`update app_public.access_rules set role = 'manager'`)

    const rows = await as.person(studio[who])(replay, [studio.officeId, '7 days'])

    expect(rows).toEqual([
      {
        decision_id: gained,
        was_allowed: false,
        is_allowed: true,
        rule: 'Members',
        reason: expect.any(String),
      },
      { decision_id: lost, was_allowed: true, is_allowed: false, rule: null, reason: expect.any(String) },
    ])
    expect(rows).not.toContainEqual(expect.objectContaining({ decision_id: kept }))
  })

  test('a manager sees each attempt as of its moment', async () => {
    await decide('member', true, '3 days')
    const during = await decide('member', true, '2 days')
    await decide('member', true, '1 day')
    await makeInOffice(as.owner, studio, 'lockdowns', {
      reason: 'Drill',
      started_at: new Date(Date.now() - 60 * 3_600_000),
      ended_at: new Date(Date.now() - 36 * 3_600_000),
    })

    const rows = await as.person(studio.manager)(replay, [studio.officeId, '7 days'])

    expect(rows).toMatchObject([{ decision_id: during, is_allowed: false }])
  })

  test('a manager sees attempts from the moment they name on, and no other office’s', async () => {
    const inTime = await decide('member', false, '1 day')
    await decide('member', false, '3 days')
    const [annex] = await as.owner(
      `insert into app_public.offices (organization_id, name) values ($1, 'Annex') returning id`,
      [studio.organizationId],
    )

    const rows = await as.person(studio.manager)(replay, [studio.officeId, '1 day'])

    expect(rows.map((row) => row.decision_id)).toEqual([inTime])
    expect(await as.person(studio.manager)(replay, [annex!.id, '7 days'])).toEqual([])
  })

  test('attempts of strangers stay what they were, those of deleted accounts are left out', async () => {
    await decide('stranger', false, '1 day')
    await decide('member', false, '1 day')
    await as.owner('delete from app_public.people where id = $1', [studio.member])

    expect(await as.person(studio.manager)(replay, [studio.officeId, '7 days'])).toEqual([])
  })

  test('replaying changes nothing and records nothing', async () => {
    await decide('member', false, '1 day')
    const log = 'select * from app_public.door_decisions'
    const before = await as.owner(log)

    await as.person(studio.manager)(replay, [studio.officeId, '7 days'])

    expect(await as.owner(log)).toEqual(before)
  })

  test('a manager may go back a month and not further', async () => {
    const run = as.person(studio.manager)

    expect(await run(replay, [studio.officeId, '1 month'])).toEqual([])
    await expect(run(replay, [studio.officeId, '1 month 1 second'])).rejects.toMatchObject({
      code: '22023',
      column: 'since',
    })
    await expect(run(replay, [studio.officeId, null])).rejects.toMatchObject({ code: '22023' })
  })

  test.each(['member', 'stranger'] as const)('the %s cannot, and is told of no office', async (who) => {
    await expect(as.person(studio[who])(replay, [studio.officeId, '1 day'])).rejects.toMatchObject({
      code: 'NTFND',
      column: 'office_id',
    })
  })

  test('an anonymous caller may not even ask', async () => {
    await expect(as.anonymous(replay, [studio.officeId, '1 day'])).rejects.toMatchObject({ code: '42501' })
  })
})
