import { beforeEach, describe, expect, test } from '@jest/globals'
import { useConnections } from '../support/connections.ts'
import { makeKey } from '../support/devices.ts'
import { makeStudio, type Studio } from '../support/people.ts'

const { owner, connections } = useConnections(4)
let studio: Studio
beforeEach(async () => {
  await owner('delete from app_public.organizations')
  await owner('delete from app_public.people')
  await owner('select graphile_worker.complete_jobs(array(select id from graphile_worker.jobs))')
  studio = await makeStudio(owner)
})

/** Runs a statement in a transaction, which ends once another one waits for it: what the other one gets. */
async function whileIn(statement: string, other: string, values: unknown[] = []) {
  const [first, second] = connections()
  await first!.run('begin')
  await first!.run(statement)
  const answer = second!.run(other, values)
  await second!.untilWaiting()
  await first!.run('commit')
  return answer
}
const alerts = async () =>
  (await owner(`select from graphile_worker.jobs where task_identifier = 'device__send_alert'`)).length
const actAs = (caller: { person?: string; device?: string }) =>
  Promise.all(connections().map((connection) => connection.become(caller)))
const newCode = async () => {
  await connections()[0]!.become({ person: studio.manager })
  const [made] = await connections()[0]!.run('select code from app_public.create_enrolment_code($1)', [
    studio.deviceId,
  ])
  return made!.code as string
}
const tokens = async () => (await owner('select from app_private.tokens where device_id is not null')).length

describe('a code that is given several times at once', () => {
  test('makes one key', async () => {
    const code = await newCode()

    const keys = await Promise.all(
      connections().map(({ run }) => run('select device_id from app_public.enrol_device($1)', [code])),
    )

    expect(keys.flat().filter(({ device_id }) => device_id === studio.deviceId)).toHaveLength(1)
    expect(await tokens()).toBe(1)
  })

  test.each([
    ['revoked', (id: string) => `select app_public.revoke_device('${id}')`],
    ['given another code', (id: string) => `select app_public.create_enrolment_code('${id}')`],
  ])('makes none while its device is being %s', async (_, statement) => {
    const code = await newCode()

    const answer = await whileIn(
      statement(studio.deviceId),
      'select device_id from app_public.enrol_device($1)',
      [code],
    )

    expect(answer).toEqual([{ device_id: null }])
    expect(await tokens()).toBe(0)
  })
})

test('a device that changes its key while it is being revoked has none', async () => {
  await makeKey(owner, studio.deviceId)
  const [first, second] = connections()
  await first!.become({ person: studio.manager })
  await second!.become({ device: studio.deviceId })

  const answer = await whileIn(
    `select app_public.revoke_device('${studio.deviceId}')`,
    'select device_id from app_public.rotate_device_key()',
  )

  expect(answer).toEqual([{ device_id: null }])
  expect(await tokens()).toBe(0)
})

describe('alerts', () => {
  const check = 'select app_private.check_devices() as count'
  const beat = 'select is_online from app_public.send_heartbeat()'
  const silent = (isMissed: boolean) =>
    owner(
      `update app_public.devices
       set last_seen_at = now() - interval '2 minutes', is_online = $1, went_offline_at = $2`,
      [!isMissed, isMissed ? new Date() : null],
    )

  test('of two that look at once, one misses the device', async () => {
    await silent(false)

    expect(await whileIn(check, check)).toEqual([{ count: '0' }])
    expect(await alerts()).toBe(1)
  })

  test('of two signs of life at once, one brings it back', async () => {
    await silent(true)
    await actAs({ device: studio.deviceId })

    expect(await whileIn(beat, beat)).toEqual([{ is_online: true }])
    expect(await alerts()).toBe(1)
  })

  test('a sign of life that comes while somebody looks is heard', async () => {
    await silent(false)
    await actAs({ device: studio.deviceId })

    expect(await whileIn(beat, check)).toEqual([{ count: '0' }])
    expect(await alerts()).toBe(0)
  })

  test('one that comes just behind brings it back, with both mails', async () => {
    await silent(false)
    await actAs({ device: studio.deviceId })

    expect(await whileIn(check, beat)).toEqual([{ is_online: true }])
    expect(await alerts()).toBe(2)
  })
})
