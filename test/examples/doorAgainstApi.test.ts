import { EventEmitter } from 'node:events'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from '@jest/globals'
import { runController } from '../../examples/door-controller/src/controller.ts'
import { makeKey } from '../support/devices.ts'
import { until, usePlinth } from '../support/process.ts'
import { useLiveStudio } from '../support/realtime.ts'

const program = join(import.meta.dirname, '../../examples/door-controller/src/main.ts')
const { spawn, run, folder } = usePlinth(afterEach)
const live = useLiveStudio()

const makeCode = 'mutation ($id: UUID!) { createEnrolmentCode(input: { deviceId: $id }) { result { code } } }'
const unlock =
  'mutation ($id: UUID!) { unlockDoor(input: { doorId: $id }) { result { isAllowed reason commandId } } }'
const revoke = 'mutation ($id: UUID!) { revokeDevice(input: { id: $id }) { clientMutationId } }'

/** Enrols the studio's controller and runs it, as its installer would. */
async function startController() {
  const { deviceId, manager } = live.studio()
  const token = await live.signIn(manager)
  const body = await live.api().ask(makeCode, { token, variables: { id: deviceId } })
  const cwd = folder()
  const enrolled = await run(['enrol', body.data!.createEnrolmentCode.result.code, '--url', live.api().url], {
    program,
    cwd,
  })
  expect(enrolled).toMatchObject({ code: 0, stderr: '' })
  const running = spawn(['run'], { program, cwd })
  await running.says(/Connected/)
  return running
}

async function press() {
  const { doorId, member } = live.studio()
  const token = await live.signIn(member)
  const body = await live.api().ask(unlock, { token, variables: { id: doorId } })
  return body.data!.unlockDoor.result as { isAllowed: boolean; commandId: string }
}

describe('a door controller and its API', () => {
  test('open a door for a member, and say so', async () => {
    const running = await startController()

    const { commandId } = await press()
    await until(async () => {
      const [command] = await live.run('select state from app_public.unlock_commands where id = $1', [
        commandId,
      ])
      return command!.state === 'opened'
    })
    running.signal('SIGTERM')

    expect(await running.ended).toMatchObject({ code: 0, stdout: expect.stringContaining('[ OPEN ]') })
  })

  test('ring at its door, and a member hears of it', async () => {
    const { deviceId, doorId, member } = live.studio()
    const heard = await live.listenAs(member, 'subscription { ringChanged { event ring { doorId count } } }')
    const stopping = new AbortController()
    const button = new EventEmitter()
    const ended = runController({
      state: {
        url: live.api().url,
        deviceId,
        token: await makeKey(live.run, deviceId),
        keyFrom: new Date().toISOString(),
      },
      save: async () => {},
      lock: { open: async () => {}, shut: async () => {} },
      button,
      say: (line) => line.startsWith('Connected') && button.emit('data'),
      signal: stopping.signal,
    })
    await heard.until(2)
    stopping.abort()
    await ended

    expect(heard.events[1]).toEqual({ event: 'INSERTED', ring: { doorId, count: 1 } })
  })

  test('part when the device is revoked', async () => {
    const running = await startController()
    const { deviceId, manager } = live.studio()

    const body = await live
      .api()
      .ask(revoke, { token: await live.signIn(manager), variables: { id: deviceId } })

    expect(body.errors).toBeUndefined()
    expect(await running.ended).toMatchObject({ code: 3 })
  })
})
