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
const report = async (id: string, hasOpened: boolean, deviceId = studio.deviceId) =>
  (await as.device(deviceId)('select app_public.report_unlock($1, $2) as is_so', [id, hasOpened]))[0]!.is_so
const stateOf = async (id: string) =>
  (await as.owner('select state from app_public.unlock_commands where id = $1', [id]))[0]!.state
const settle = (id: string) => as.owner('select app_private.settle_unlock($1)', [id])
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
    ['has one that was never enrolled', 'update app_public.devices set enrolled_at = null', 'offline'],
    ['has one that was revoked', 'update app_public.devices set revoked_at = now()', 'offline'],
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

describe('app_public.report_unlock', () => {
  test.each([
    [true, 'opened'],
    [false, 'failed'],
  ])('the controller tells %s: %s, as often as it likes', async (hasOpened, state) => {
    const id = await commandOf()
    await claim(id)

    expect([await report(id, hasOpened), await report(id, hasOpened)]).toEqual([true, true])
    expect(await report(id, !hasOpened)).toBe(false)
    expect(await stateOf(id)).toBe(state)
  })

  test.each([
    ['that nobody claimed', async () => undefined, 'pending'],
    ['that has expired', async (id: string) => expire(id).then(() => claim(id)), 'expired'],
    [
      'of unknown outcome',
      async (id: string) => {
        await claim(id)
        await as.owner(`update app_public.unlock_commands set claimed_at = claimed_at - interval '1 minute'`)
        await settle(id)
      },
      'unknown',
    ],
  ])('a command %s takes no report', async (_, prepare, state) => {
    const id = await commandOf()
    await prepare(id)

    expect(await report(id, true)).toBe(false)
    expect(await stateOf(id)).toBe(state)
  })

  test('another device cannot report', async () => {
    const id = await commandOf()
    await claim(id)

    expect(await report(id, true, await otherDevice())).toBe(false)
    expect(await stateOf(id)).toBe('claimed')
  })
})

describe('app_private.settle_unlock', () => {
  const jobs = () =>
    as.owner(
      `select key, payload, run_at - now() > interval '9.9 seconds' as is_later
       from graphile_worker._private_jobs as jobs
       join graphile_worker._private_tasks as tasks on tasks.id = jobs.task_id
       where identifier = 'unlock_command__settle'`,
    )

  test('a command is looked at once its time is over, by one job', async () => {
    const id = await commandOf()
    expect(await jobs()).toEqual([{ key: `unlock_command ${id}`, payload: { id }, is_later: true }])

    await claim(id)
    const [job, ...others] = await as.owner(
      `select run_at = claimed_at + interval '15 seconds' as is_due
       from app_public.unlock_commands as commands
       join graphile_worker.jobs on jobs.key = 'unlock_command ' || commands.id`,
    )
    expect([job, others]).toEqual([{ is_due: true }, []])
  })

  test('what nobody claimed has expired, however often it is looked at', async () => {
    const id = await commandOf()
    await settle(id)
    expect(await stateOf(id)).toBe('pending')
    await expire(id)

    await settle(id)
    await settle(id)

    expect(await stateOf(id)).toBe('expired')
    expect(await claim(id)).toEqual(refusal)
  })

  test('what was claimed and not reported on is unknown after 15 seconds, and not before', async () => {
    const id = await commandOf()
    await claim(id)
    const claimedAgo = (span: string) =>
      as.owner(
        'update app_public.unlock_commands set claimed_at = clock_timestamp() - $1::interval where id = $2',
        [span, id],
      )
    await claimedAgo('14 seconds')
    await settle(id)
    expect(await stateOf(id)).toBe('claimed')

    await claimedAgo('15 seconds')
    await settle(id)
    await settle(id)

    expect(await stateOf(id)).toBe('unknown')
    expect(await claim(id)).toEqual(refusal)
  })

  test.each([true, false])('what was reported stays so: %s', async (hasOpened) => {
    const id = await commandOf()
    await claim(id)
    await report(id, hasOpened)

    await settle(id)

    expect(await stateOf(id)).toBe(hasOpened ? 'opened' : 'failed')
  })

  test('of a command that is gone nothing is made', async () => {
    await settle(randomUUID())

    expect(await jobs()).toEqual([])
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
