import { beforeEach, describe, expect, test } from '@jest/globals'
import { useTransaction } from '../support/database.ts'
import { makeDevice } from '../support/devices.ts'
import { makeStudio, type Studio } from '../support/people.ts'

const as = useTransaction()
let studio: Studio
beforeEach(async () => {
  studio = await makeStudio(as.owner)
})

const unlock = async (who = studio.member) =>
  (await as.person(who)('select * from app_public.unlock_door($1)', [studio.doorId]))[0]!
const commandOf = async (who = studio.member) => (await unlock(who)).command_id as string
const otherDevice = async () => {
  const id = await makeDevice(as.owner, studio)
  await as.owner('update app_public.devices set enrolled_at = now() where id = $1', [id])
  return id
}

describe('app_public.unlock_door', () => {
  test('what is allowed becomes a command to the controller of the door, for ten seconds', async () => {
    const id = await commandOf()

    const rows = await as.owner(
      `select commands.organization_id, commands.door_id, device_id, commands.person_id, state,
         expires_at - created_at = interval '10 seconds' as is_ten_seconds, is_allowed
       from app_public.unlock_commands as commands
       join app_public.door_decisions on door_decisions.id = decision_id
       where commands.id = $1`,
      [id],
    )
    expect(rows).toEqual([
      {
        organization_id: studio.organizationId,
        door_id: studio.doorId,
        device_id: studio.deviceId,
        person_id: studio.member,
        state: 'pending',
        is_ten_seconds: true,
        is_allowed: true,
      },
    ])
  })

  test('what is denied makes no command', async () => {
    await as.person(studio.stranger)('select app_public.unlock_door($1)', [studio.doorId])

    expect(await as.owner('select from app_public.unlock_commands')).toEqual([])
  })

  test.each([
    ['has no controller', 'update app_public.doors set device_id = null', 'no controller'],
    [
      'has one that was never enrolled',
      'update app_public.devices set enrolled_at = null',
      'not been enrolled',
    ],
    ['has one that was revoked', 'update app_public.devices set revoked_at = now()', 'been revoked'],
    ['has one that was never heard of', 'update app_public.devices set last_seen_at = null', 'offline'],
    [
      'has one that has been silent for 90 seconds',
      `update app_public.devices set last_seen_at = now() - interval '90 seconds'`,
      'offline',
    ],
  ])('a door that %s stays shut, and the log says why', async (_, sql, reason) => {
    await as.owner(sql)

    const answer = await unlock()

    expect(answer).toEqual({
      is_allowed: false,
      rule: 'Members',
      reason: expect.stringContaining(reason),
      command_id: null,
    })
    expect(await as.owner('select is_allowed, reason from app_public.door_decisions')).toEqual([
      { is_allowed: false, reason: answer.reason },
    ])
    expect(await as.owner('select from app_public.unlock_commands')).toEqual([])
  })

  test('a controller that was heard of 89.999 seconds ago is still asked', async () => {
    await as.owner(`update app_public.devices set last_seen_at = now() - interval '89.999 seconds'`)

    expect(await unlock()).toMatchObject({ is_allowed: true })
  })

  test('a stranger is not told that a controller is offline', async () => {
    const before = await unlock(studio.stranger)
    await as.owner('update app_public.devices set last_seen_at = null')

    expect(await unlock(studio.stranger)).toEqual(before)
  })
})

describe('app_public.unlock_commands', () => {
  const commands = 'select id from app_public.unlock_commands'

  test('who asked sees theirs while a member, a manager all, a stranger none', async () => {
    const mine = await commandOf()
    const other = await commandOf(studio.owner)

    expect(await as.person(studio.member)(commands)).toEqual([{ id: mine }])
    expect(await as.person(studio.manager)(`${commands} order by id`)).toEqual([{ id: mine }, { id: other }])
    expect(await as.person(studio.stranger)(commands)).toEqual([])
    await as.owner('delete from app_public.memberships where person_id = $1', [studio.member])
    expect(await as.person(studio.member)(commands)).toEqual([])
  })

  test('a device sees its own, and no other', async () => {
    const id = await commandOf()

    expect(await as.device(studio.deviceId)(commands)).toEqual([{ id }])
    expect(await as.device(await otherDevice())(commands)).toEqual([])
  })

  test.each([
    ['an owner', () => as.person(studio.owner)],
    ['a device', () => as.device(studio.deviceId)],
  ])('%s cannot write them past the functions', async (_, who) => {
    for (const statement of [
      `update app_public.unlock_commands set state = 'pending'`,
      `update app_public.unlock_commands set expires_at = 'infinity'`,
      'delete from app_public.unlock_commands',
      'insert into app_public.unlock_commands default values',
    ]) {
      await expect(who()(statement)).rejects.toMatchObject({ code: '42501' })
    }
  })
})
