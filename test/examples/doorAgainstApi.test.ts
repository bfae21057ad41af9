import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { afterEach, describe, expect, test } from '@jest/globals'
import { hangBell } from '../support/bells.ts'
import { until, usePlinth } from '../support/process.ts'
import { useLiveStudio } from '../support/realtime.ts'

const program = join(import.meta.dirname, '../../examples/door-controller/src/main.ts')
/** Runs another program on a terminal of its own; every Linux has util-linux's, macOS has one that is called otherwise. */
const terminal = '/usr/bin/script'
const [flush, ...command] =
  process.platform === 'darwin'
    ? ['-q', '/dev/null', process.execPath, program, 'run']
    : ['--flush', '-qec', `${process.execPath} ${program} run`, '/dev/null']
const { spawn, run, folder } = usePlinth(afterEach)
const live = useLiveStudio()

const makeCode = 'mutation ($id: UUID!) { createEnrolmentCode(input: { deviceId: $id }) { result { code } } }'
const unlock =
  'mutation ($id: UUID!) { unlockDoor(input: { doorId: $id }) { result { isAllowed reason commandId } } }'
const openFor =
  'mutation ($id: UUID!) { openForRing(input: { ringId: $id }) { result { isFirst isAllowed reason } } }'
const rings = 'subscription { ringChanged { event ring { id state count door { name } } } }'
const revoke = 'mutation ($id: UUID!) { revokeDevice(input: { id: $id }) { clientMutationId } }'

/** Enrols a device, the studio's controller where no other is meant, as its installer would: the folder of its key. */
async function enrol(deviceId = live.studio().deviceId) {
  const { manager } = live.studio()
  const token = await live.signIn(manager)
  const body = await live.api().ask(makeCode, { token, variables: { id: deviceId } })
  const cwd = folder()
  const enrolled = await run(['enrol', body.data!.createEnrolmentCode.result.code, '--url', live.api().url], {
    program,
    cwd,
  })
  expect(enrolled).toMatchObject({ code: 0, stderr: '' })
  return cwd
}

async function startController() {
  const running = spawn(['run'], { program, cwd: await enrol() })
  await running.says(/Connected/)
  return running
}

/** Runs a device on a terminal, whose keys are written to `keys`. */
async function startOnTerminal(deviceId?: string) {
  const keys = new PassThrough()
  const running = spawn(command, {
    node: terminal,
    program: flush,
    cwd: await enrol(deviceId),
    input: keys,
  })
  await running.says(/Keys: r rings at \w+, q stops\./)
  return { running, keys }
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

describe('a visitor at a terminal', () => {
  test('rings by a key at a controller, and is let in by a member who hears of it', async () => {
    const member = await live.signIn(live.studio().member)
    const hearing = live.listenWith(member, rings)
    await hearing.until(1)
    const { running, keys } = await startOnTerminal()

    keys.write('r')
    const { event, ring } = (await hearing.until(2))[1]!
    const body = await live.api().ask(openFor, { token: member, variables: { id: ring.id } })
    await Promise.all([/Rang at Front\./, /Answered at Front\./, /Opened for/].map(running.says))
    keys.write('q')

    expect([event, ring]).toMatchObject(['INSERTED', { state: 'ringing', count: 1, door: { name: 'Front' } }])
    expect(body.data!.openForRing.result).toMatchObject({ isFirst: true, isAllowed: true })
    expect(await running.ended).toMatchObject({ code: 0, stdout: expect.stringContaining('[ OPEN ]') })
  })

  test('rings at a doorbell that has no lock', async () => {
    const { organizationId, officeId } = live.studio()
    const [door] = await live.run(
      `insert into app_public.doors (organization_id, office_id, name) values ($1, $2, 'Rear') returning id`,
      [organizationId, officeId],
    )
    const bellId = await hangBell(live.run, { organizationId, officeId, doorId: door!.id as string })
    const member = await live.signIn(live.studio().member)
    const hearing = live.listenWith(member, rings)
    await hearing.until(1)
    const { running, keys } = await startOnTerminal(bellId)

    keys.write('\r')
    const [, { ring }] = (await hearing.until(2)) as [unknown, Record<string, any>]
    await running.says(/Rang at Rear\./)
    keys.write('\x03')

    expect(ring).toMatchObject({ state: 'ringing', door: { name: 'Rear' } })
    expect((await running.ended).code).toBe(0)
  })
})
