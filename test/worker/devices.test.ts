import { beforeEach, describe, expect, test } from '@jest/globals'
import { useConnections } from '../support/connections.ts'
import { makePerson, makeStudio, type Studio } from '../support/people.ts'
import { deliver } from '../support/post.ts'

const { database, owner: run } = useConnections(0)
let studio: Studio
beforeEach(async () => {
  await run('delete from app_public.organizations')
  await run('delete from app_public.people')
  studio = await makeStudio(run)
  await deliver(database())
})

const add = (task: string, payload: object) =>
  run('select graphile_worker.add_job($1, $2::json, max_attempts := 1)', [task, payload])
const lose = () => run(`update app_public.devices set last_seen_at = '2026-03-09 16:05Z', is_online = true`)
const lastErrors = async () => run('select last_error from graphile_worker.jobs')

describe('device__check', () => {
  test('tells owners and managers of a lost device, and nobody else', async () => {
    await makePerson(run, 'Zoe')
    await lose()
    await add('device__check', {})

    const mails = await deliver(database())

    const told = (name: string) => ({
      name: 'device-alert',
      to: `${name.toLowerCase()}@example.com`,
      values: {
        name,
        device: 'Controller',
        office: 'Main',
        organization: 'Studio',
        lastSeenAt: new Date('2026-03-09T16:05:00Z'),
        link: `https://app.example.com/devices/${studio.deviceId}#`,
      },
    })
    expect(mails).toEqual([told('Marc'), told('Olga')])
  })

  test('run twice it tells once', async () => {
    await lose()
    await add('device__check', {})
    await add('device__check', {})

    expect(await deliver(database())).toHaveLength(2)
  })
})

describe('device__send_alert', () => {
  test('says that a device is back', async () => {
    await add('device__send_alert', { deviceId: studio.deviceId, isOnline: true })

    const mails = await deliver(database())

    expect(mails.map(({ to, values }) => [to, values.lastSeenAt as unknown])).toEqual([
      ['marc@example.com', null],
      ['olga@example.com', null],
    ])
  })

  test('is done, not failed, when the device was revoked or is gone', async () => {
    await add('device__send_alert', { deviceId: crypto.randomUUID(), isOnline: false })
    await run('update app_public.devices set revoked_at = now()')
    await add('device__send_alert', { deviceId: studio.deviceId, isOnline: false })

    expect(await deliver(database())).toEqual([])
    expect(await lastErrors()).toEqual([])
  })

  test('a malformed payload fails with what is wrong about it', async () => {
    await add('device__send_alert', { deviceId: studio.deviceId })

    await deliver(database())

    expect(await lastErrors()).toEqual([{ last_error: expect.stringContaining('isOnline') }])
  })
})
