import { randomUUID } from 'node:crypto'
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
const claim = async (id: string | null, deviceId = studio.deviceId) =>
  (await as.device(deviceId)('select * from app_public.claim_unlock($1)', [id]))[0]!
const stateOf = async (id: string) =>
  (await as.owner('select state from app_public.unlock_commands where id = $1', [id]))[0]!.state
/** Moves a command's end to now, or past it by so many microseconds; time stands still in no transaction. */
const expire = (id: string) =>
  as.owner('update app_public.unlock_commands set expires_at = clock_timestamp() where id = $1', [id])
const otherDevice = async () => {
  const id = await makeDevice(as.owner, studio)
  await as.owner('update app_public.devices set enrolled_at = now() where id = $1', [id])
  return id
}
const granted = { is_granted: true, unlock_seconds: 5, reason: null }
const refusal = { is_granted: false, unlock_seconds: null, reason: expect.any(String) }

describe('app_public.claim_unlock', () => {
  test('the controller is granted it once, with how long to unlock', async () => {
    const id = await commandOf()

    expect(await claim(id)).toEqual(granted)
    expect(await claim(id)).toEqual(refusal)
    expect(await stateOf(id)).toBe('claimed')
  })

  test.each([
    ['of another door’s controller', async () => claim(await commandOf(), await otherDevice())],
    ['of nobody', async () => claim(await commandOf(), '')],
    ['of a command that is not there', async () => claim(randomUUID())],
    ['of no command', async () => claim(null)],
  ])('a claim %s is not granted', async (_, claiming) => {
    expect(await claiming()).toEqual(refusal)
  })

  test('a claim of another device takes nothing from the right one', async () => {
    const id = await commandOf()

    await claim(id, await otherDevice())

    expect(await claim(id)).toEqual(granted)
  })

  const doorIsGivenTo = async (deviceId: string | null) =>
    as.owner('update app_public.doors set device_id = $1', [deviceId])
  test.each([
    [
      'the member was removed',
      () => as.owner('delete from app_public.memberships where person_id = $1', [studio.member]),
    ],
    [
      'the account was deleted',
      async () => {
        await as.owner('delete from app_public.memberships where person_id = $1', [studio.member])
        await as.owner('delete from app_public.people where id = $1', [studio.member])
      },
    ],
    ['the device was revoked', () => as.owner('update app_public.devices set revoked_at = now()')],
    [
      'the device was enrolled anew',
      () => as.owner('update app_public.devices set enrolled_at = clock_timestamp()'),
    ],
    ['the door lost its controller', () => doorIsGivenTo(null)],
    ['the door got another controller', async () => doorIsGivenTo(await otherDevice())],
    [
      'a lockdown',
      () => as.person(studio.owner)('select app_public.start_lockdown($1, $2)', [studio.officeId, 'Drill']),
    ],
    [
      'a closure of that day',
      () =>
        as.owner(
          `insert into app_public.closures (organization_id, office_id, name, starts_on, ends_on)
           values ($1, $2, 'Holidays', current_date - 1, current_date + 1)`,
          [studio.organizationId, studio.officeId],
        ),
    ],
    ['the end of the rule', () => as.owner('delete from app_public.access_rules')],
  ])('a command from before %s is refused for good', async (_, change) => {
    const id = await commandOf()
    await change()

    expect(await claim(id)).toEqual(refusal)
    expect(await stateOf(id)).toBe('refused')
  })

  test('who was refused and is a member again has to ask again', async () => {
    const id = await commandOf()
    await as.owner('delete from app_public.memberships where person_id = $1', [studio.member])
    await claim(id)
    await as.owner('insert into app_public.memberships (organization_id, person_id) values ($1, $2)', [
      studio.organizationId,
      studio.member,
    ])

    expect(await claim(id)).toEqual(refusal)
    expect(await claim(await commandOf())).toEqual(granted)
  })

  test('a microsecond decides: at its expiry a command is over', async () => {
    // The clock stands for as long as the test says, in place of the server's.
    const [row] = await as.owner(
      `select pg_get_functiondef('app_public.claim_unlock(uuid)'::regprocedure) as text`,
    )
    await as.owner((row!.text as string).replaceAll('clock_timestamp()', 'now()'))
    const claimAt = async (offset: string) => {
      const id = await commandOf()
      await as.owner(
        'update app_public.unlock_commands set expires_at = now() + $2::interval where id = $1',
        [id, offset],
      )
      const { is_granted } = await claim(id)
      return [is_granted, await stateOf(id)]
    }

    expect(await claimAt('1 microsecond')).toEqual([true, 'claimed'])
    expect(await claimAt('0')).toEqual([false, 'expired'])
    expect(await claimAt('-1 microsecond')).toEqual([false, 'expired'])
  })

  test('by the real clock too, a command that has just ended is over', async () => {
    const id = await commandOf()
    await expire(id)

    expect(await claim(id)).toEqual(refusal)
    expect(await stateOf(id)).toBe('expired')
  })

  test('all that is not granted is told in the same words', async () => {
    const expired = await commandOf()
    await expire(expired)
    const taken = await commandOf()
    await claim(taken)
    const removed = await commandOf(studio.manager)
    await as.owner('delete from app_public.memberships where person_id = $1', [studio.manager])

    const answers = await Promise.all([claim(expired), claim(taken), claim(removed), claim(randomUUID())])

    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1)
  })

  test.each(['owner', 'manager', 'member'] as const)('the %s cannot claim', async (who) => {
    const claiming = as.person(studio[who])('select app_public.claim_unlock($1)', [await commandOf()])

    await expect(claiming).rejects.toMatchObject({ code: '42501' })
  })
})
