import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, test } from '@jest/globals'
import { useTransaction } from '../support/database.ts'
import { makePerson, makeStudio, type Studio } from '../support/people.ts'

const as = useTransaction()
let studio: Studio
beforeEach(async () => {
  studio = await makeStudio(as.owner)
})

const unlock = 'select * from app_public.unlock_door($1)'
const log =
  'select organization_id, door_id, person_id, is_allowed, rule, reason from app_public.door_decisions'

describe('app_public.unlock_door', () => {
  test.each(['owner', 'manager', 'member'] as const)(
    'the %s opens the door, by the office’s rule',
    async (who) => {
      const rows = await as.person(studio[who])(unlock, [studio.doorId])

      expect(rows).toEqual([
        { is_allowed: true, rule: 'Members', reason: expect.any(String), command_id: expect.any(String) },
      ])
    },
  )

  test('a member’s opening is recorded as it was answered', async () => {
    const [answer] = await as.person(studio.member)(unlock, [studio.doorId])

    expect(await as.owner(log)).toEqual([
      {
        organization_id: studio.organizationId,
        door_id: studio.doorId,
        person_id: studio.member,
        is_allowed: answer!.is_allowed,
        rule: answer!.rule,
        reason: answer!.reason,
      },
    ])
  })

  test('each asking is recorded, also by the same person', async () => {
    await as.person(studio.member)(unlock, [studio.doorId])
    await as.person(studio.member)(unlock, [studio.doorId])

    expect(await as.owner(log)).toHaveLength(2)
  })

  test('a stranger is denied, as an answer and not as an error', async () => {
    const rows = await as.person(studio.stranger)(unlock, [studio.doorId])

    expect(rows).toEqual([{ is_allowed: false, rule: null, reason: expect.any(String), command_id: null }])
  })

  test('a stranger’s attempt is recorded with the organization of the door', async () => {
    const [answer] = await as.person(studio.stranger)(unlock, [studio.doorId])

    expect(await as.owner(log)).toEqual([
      {
        organization_id: studio.organizationId,
        door_id: studio.doorId,
        person_id: studio.stranger,
        is_allowed: answer!.is_allowed,
        rule: answer!.rule,
        reason: answer!.reason,
      },
    ])
    expect(await as.person(studio.manager)(log)).toHaveLength(1)
  })

  test('strangers fill nobody’s log, one of them or many, and are answered all the same', async () => {
    await as.owner(
      `update app_private.attempt_limits set most = case per when 'account' then 2 else 3 end
       where action = 'door_of_others'`,
    )
    const another = await makePerson(as.owner, 'Ida')

    const answers = []
    for (let times = 0; times < 4; times++)
      answers.push(...(await as.person(studio.stranger)(unlock, [studio.doorId])))
    for (let times = 0; times < 2; times++)
      answers.push(...(await as.person(another)(unlock, [studio.doorId])))

    expect(answers).toEqual(Array(6).fill(answers[0]))
    expect((await as.owner(log)).map(({ person_id }) => person_id)).toEqual([
      ...[studio.stranger, studio.stranger, another],
    ])
    await as.person(studio.member)(unlock, [studio.doorId])
    expect(await as.owner(log)).toHaveLength(4)
  })

  test('a stranger cannot tell a door of others from one that does not exist', async () => {
    const atDoor = await as.person(studio.stranger)(unlock, [studio.doorId])
    const nowhere = await as.person(studio.stranger)(unlock, [randomUUID()])

    expect(nowhere).toEqual(atDoor)
  })

  test.each([
    ['a door that does not exist', randomUUID()],
    ['no door', null],
  ])('a member at %s is denied, and nothing is recorded', async (_, doorId) => {
    const rows = await as.person(studio.member)(unlock, [doorId])

    expect(rows).toMatchObject([{ is_allowed: false }])
    expect(await as.owner(log)).toEqual([])
  })

  test('a member who was removed is denied from then on', async () => {
    await as.owner('delete from app_public.memberships where person_id = $1', [studio.member])

    const rows = await as.person(studio.member)(unlock, [studio.doorId])

    expect(rows).toMatchObject([{ is_allowed: false }])
  })

  test('an anonymous caller may not even ask, and nothing is recorded', async () => {
    await expect(as.anonymous(unlock, [studio.doorId])).rejects.toMatchObject({ code: '42501' })

    expect(await as.owner(log)).toEqual([])
  })

  test('a member cannot have it decided without the record', async () => {
    const deciding = as.person(studio.member)('select app_private.decide_door($1, $2, now())', [
      studio.doorId,
      studio.member,
    ])

    await expect(deciding).rejects.toMatchObject({ code: '42501' })
  })

  test('a member is refused once there is no rule any more, and that is recorded', async () => {
    await as.person(studio.manager)('delete from app_public.access_rules')

    const [answer] = await as.person(studio.member)(unlock, [studio.doorId])

    expect(answer).toMatchObject({ is_allowed: false, rule: null, command_id: null })
    const { is_allowed, rule, reason } = answer!
    expect(await as.owner(log)).toMatchObject([{ is_allowed, rule, reason }])
  })

  test('deciding alone records nothing', async () => {
    await as.owner('select app_private.decide_door($1, $2, now())', [studio.doorId, studio.member])

    expect(await as.owner(log)).toEqual([])
  })
})
