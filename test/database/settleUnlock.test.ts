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
const refusal = { is_granted: false, unlock_seconds: null, reason: expect.any(String) }

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
