import { beforeEach, describe, expect, test } from '@jest/globals'
import { useTransaction } from '../support/database.ts'
import { makeStudio, type Studio } from '../support/people.ts'

const as = useTransaction()
let studio: Studio
beforeEach(async () => {
  studio = await makeStudio(as.owner)
  await as.owner('select graphile_worker.complete_jobs(array(select id from graphile_worker.jobs))')
})

const beat = (deviceId = studio.deviceId) =>
  as.device(deviceId)('select id, is_online from app_public.send_heartbeat()')
const check = async () => (await as.owner('select app_private.check_devices() as count'))[0]!.count
const silentFor = (span: string) =>
  as.owner('update app_public.devices set last_seen_at = now() - $1::interval', [span])
const state = async () =>
  (
    await as.owner(
      'select is_online, went_offline_at is not null as is_missed, last_seen_at >= now() as is_seen from app_public.devices',
    )
  )[0]
const alerts = async () =>
  (
    await as.owner(
      `select payload from graphile_worker._private_jobs as jobs
       join graphile_worker._private_tasks as tasks on tasks.id = jobs.task_id
       where tasks.identifier = 'device__send_alert' order by jobs.id`,
    )
  ).map(({ payload }) => (payload as { isOnline: boolean }).isOnline)

describe('app_public.send_heartbeat', () => {
  test('a device that says so is there; for its first time nobody is told', async () => {
    await as.owner('update app_public.devices set is_online = false, last_seen_at = null')

    expect(await beat()).toEqual([{ id: studio.deviceId, is_online: true }])

    expect(await state()).toEqual({ is_online: true, is_missed: false, is_seen: true })
    expect(await alerts()).toEqual([])
  })

  test('a device that was revoked is not there by saying so', async () => {
    await as.person(studio.manager)('select app_public.revoke_device($1)', [studio.deviceId])

    expect(await beat()).toEqual([{ id: null, is_online: null }])
    expect(await state()).toMatchObject({ is_online: false })
  })

  test.each(['owner', 'member'] as const)('the %s cannot say so for it', async (who) => {
    const saying = as.person(studio[who])('select app_public.send_heartbeat()')

    await expect(saying).rejects.toMatchObject({ code: '42501' })
  })

  test('whoever is nobody says it for nobody', async () => {
    expect(await as.device('')('select id from app_public.send_heartbeat()')).toEqual([{ id: null }])
  })
})

describe('a device that falls silent', () => {
  test.each([
    ['89.999 seconds', 0],
    ['90 seconds', 1],
    ['1 year', 1],
  ])('for %s is missed: %d', async (span, count) => {
    await silentFor(span)

    expect(await check()).toBe(String(count))
    expect(await alerts()).toEqual(count === 1 ? [false] : [])
  })

  test('is missed once, comes back once, and is missed again', async () => {
    await silentFor('2 minutes')
    await check()
    await check()
    expect(await state()).toMatchObject({ is_online: false, is_missed: true })
    expect(await alerts()).toEqual([false])

    await beat()
    await beat()
    await check()
    expect(await state()).toEqual({ is_online: true, is_missed: false, is_seen: true })
    expect(await alerts()).toEqual([false, true])

    await silentFor('2 minutes')
    await check()
    expect(await alerts()).toEqual([false, true, false])
  })

  test('when it was revoked is missed by nobody, nor welcomed back', async () => {
    await silentFor('2 minutes')
    await check()
    await as.person(studio.manager)('select app_public.revoke_device($1)', [studio.deviceId])

    await check()
    await as.owner('update app_public.devices set revoked_at = null')
    await beat()

    expect(await alerts()).toEqual([false])
  })
})
