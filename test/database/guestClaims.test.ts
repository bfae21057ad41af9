import { beforeEach, describe, expect, test } from '@jest/globals'
import { useTransaction } from '../support/database.ts'
import { makePass, type TestPass } from '../support/guests.ts'
import { makeStudio, type Studio } from '../support/people.ts'

const as = useTransaction()
let studio: Studio
beforeEach(async () => {
  studio = await makeStudio(as.owner)
})
const denied = (reason: string) => ({ is_allowed: false, rule: null, reason })

const open = async (pass: TestPass) =>
  (await as.owner('select * from app_private.open_door($1, null, $2)', [studio.doorId, pass.id]))[0]!
const claim = async (id: unknown) =>
  (await as.device(studio.deviceId)('select is_granted from app_public.claim_unlock($1)', [id]))[0]!
    .is_granted
const usedCount = async ({ id }: TestPass) =>
  (await as.owner('select used_count from app_public.guest_passes where id = $1', [id]))[0]!.used_count
const lockDown = () =>
  as.person(studio.owner)('select app_public.start_lockdown($1, $2)', [studio.officeId, 'Intruder'])
const close = () =>
  as.owner(
    `insert into app_public.closures (organization_id, office_id, name, starts_on, ends_on)
     values ($1, $2, 'Holidays', current_date - 1, current_date + 1)`,
    [studio.organizationId, studio.officeId],
  )

describe('a use of a pass', () => {
  test('counts when it is claimed, not when it is asked for', async () => {
    const pass = await makePass(as.owner, studio, { uses: 2 })

    const first = await open(pass)
    expect(await usedCount(pass)).toBe(0)
    expect(await claim(first.command_id)).toBe(true)
    expect(await usedCount(pass)).toBe(1)
  })

  test('is none when the command expires, and one when the lock fails: it may have opened', async () => {
    const pass = await makePass(as.owner, studio, { uses: 2 })
    const late = await open(pass)
    await as.owner('update app_public.unlock_commands set expires_at = clock_timestamp()')
    expect(await claim(late.command_id)).toBe(false)
    expect(await usedCount(pass)).toBe(0)

    const next = await open(pass)
    await claim(next.command_id)
    await as.device(studio.deviceId)('select app_public.report_unlock($1, false)', [next.command_id])
    expect(await usedCount(pass)).toBe(1)
  })

  test('is counted once for one command, however often it is claimed', async () => {
    const pass = await makePass(as.owner, studio, { uses: 5 })
    const { command_id } = await open(pass)

    expect([await claim(command_id), await claim(command_id), await claim(command_id)]).toEqual([
      true,
      false,
      false,
    ])
    expect(await usedCount(pass)).toBe(1)
  })

  test('asked for twice where one is left, is granted once', async () => {
    const pass = await makePass(as.owner, studio)
    const [first, second] = [await open(pass), await open(pass)]

    expect([await claim(first.command_id), await claim(second.command_id)]).toEqual([true, false])
    expect(await open(pass)).toMatchObject({
      is_allowed: false,
      reason: 'Your pass is used up.',
      command_id: null,
    })
  })

  test('by a person counts for no pass', async () => {
    const pass = await makePass(as.owner, studio)
    const [answer] = await as.person(studio.member)('select * from app_public.unlock_door($1)', [
      studio.doorId,
    ])

    expect(await claim(answer!.command_id)).toBe(true)
    expect(await usedCount(pass)).toBe(0)
  })
})

describe('a command of a guest', () => {
  test('and its decision name the pass and no person', async () => {
    const pass = await makePass(as.owner, studio)
    await open(pass)

    const asked = { person_id: null, pass_id: pass.id }
    expect(await as.owner('select person_id, pass_id from app_public.door_decisions')).toEqual([asked])
    expect(await as.owner('select person_id, pass_id from app_public.unlock_commands')).toEqual([asked])
  })

  test('that is refused makes no command, and is in the log', async () => {
    const pass = await makePass(as.owner, studio, { uses: 1, used_count: 1 })

    expect(await open(pass)).toEqual({ ...denied('Your pass is used up.'), command_id: null })
    expect(await as.owner('select pass_id, is_allowed from app_public.door_decisions')).toEqual([
      { pass_id: pass.id, is_allowed: false },
    ])
  })

  test('is not made while the controller is offline', async () => {
    await as.owner('update app_public.devices set last_seen_at = null')

    expect(await open(await makePass(as.owner, studio))).toMatchObject({
      is_allowed: false,
      rule: 'Guest pass',
      command_id: null,
    })
  })

  test.each<[string, (pass: TestPass) => Promise<unknown>]>([
    [
      'the pass was revoked',
      (pass) => as.person(studio.owner)('select app_public.revoke_guest_pass($1)', [pass.id]),
    ],
    [
      'the pass was over',
      (pass) =>
        as.owner('update app_public.guest_passes set ends_at = clock_timestamp() where id = $1', [pass.id]),
    ],
    [
      'the pass was used up',
      (pass) => as.owner('update app_public.guest_passes set used_count = uses where id = $1', [pass.id]),
    ],
    [
      'the pass was removed',
      (pass) => as.owner('delete from app_public.guest_passes where id = $1', [pass.id]),
    ],
    [
      'the door was taken off it',
      (pass) => as.owner('delete from app_public.guest_pass_doors where pass_id = $1', [pass.id]),
    ],
    [
      'its host left',
      () => as.owner('delete from app_public.memberships where person_id = $1', [studio.manager]),
    ],
    ['a lockdown began', lockDown],
    ['the device was revoked', () => as.owner('update app_public.devices set revoked_at = now()')],
  ])('that was made before %s is refused for good', async (_, change) => {
    const pass = await makePass(as.owner, studio)
    const { command_id } = await open(pass)
    await change(pass)

    expect(await claim(command_id)).toBe(false)
    expect(await as.owner('select state from app_public.unlock_commands')).toEqual([{ state: 'refused' }])
  })

  test('that was made before a closure is still granted for a manager’s guest, and not for a member’s', async () => {
    const ofManager = await open(await makePass(as.owner, studio))
    const ofMember = await open(await makePass(as.owner, studio, { host_id: studio.member }))
    await close()

    expect([await claim(ofManager.command_id), await claim(ofMember.command_id)]).toEqual([true, false])
  })

  test('is nobody’s and a guest’s at once: both are refused', async () => {
    const { id } = await makePass(as.owner, studio)

    const asking = as.owner('select app_private.open_door($1, $2, $3)', [studio.doorId, studio.member, id])

    await expect(asking).rejects.toMatchObject({ code: '23514' })
  })

  test('is left out where a manager replays what was decided: rules do not decide about it', async () => {
    const pass = await makePass(as.owner, studio)
    await claim((await open(pass)).command_id)
    await as.owner('delete from app_public.access_rules')

    const rows = await as.person(studio.manager)('select * from app_public.replay_decisions($1, $2)', [
      studio.officeId,
      new Date(Date.now() - 3_600_000),
    ])

    expect(rows).toEqual([])
  })
})
