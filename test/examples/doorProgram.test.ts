import { appendFileSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { type FakeDoorApi, newCommand, startFakeDoorApi } from '../support/fakeDoorApi.ts'
import { usePlinth } from '../support/process.ts'

const { spawn, run, folder } = usePlinth(afterEach)
const program = join(import.meta.dirname, '../../examples/door-controller/src/main.ts')
const good = 'ABCD-EFGH-IJKL'

let api: FakeDoorApi
beforeEach(async () => {
  api = await startFakeDoorApi()
  api.answer('Enrol', ({ code }) => ({
    enrolDevice: { result: code === good ? { token: 'plinth_device_1', deviceId: 'one' } : null },
  }))
})
afterEach(() => api.close())

describe('the door controller, as a program', () => {
  test('enrols, keeps its key to itself, runs, and ends with 0 when it is told to', async () => {
    const cwd = folder()

    const enrolled = await run(['enrol', good, '--url', api.url], { program, cwd })
    const running = spawn(['run'], { program, cwd })
    await running.says(/Connected to/)
    await api.until('Commands')
    api.tell(newCommand())
    await api.until('Report')
    running.signal('SIGTERM')

    expect(enrolled).toMatchObject({ code: 0, stdout: expect.stringContaining('Enrolled as device one') })
    expect(enrolled.stdout).not.toContain('plinth_device_1')
    expect(statSync(join(cwd, 'door-controller.json')).mode & 0o777).toBe(0o600)
    expect(api.tokens).toEqual(['Bearer plinth_device_1'])
    expect(await running.ended).toMatchObject({ code: 0, stderr: '' })
    expect(running.output()).toMatch(/\[ OPEN \][^]*\[ shut \]/)
  })

  test('enrols by itself with a code that it is started with, once', async () => {
    const cwd = folder()
    const codes: unknown[] = []
    api.answer('Enrol', ({ code }) => {
      codes.push(code)
      return { enrolDevice: { result: { token: 'plinth_device_1', deviceId: 'one' } } }
    })
    const start = () => spawn(['run', '--code', good, '--url', api.url], { program, cwd })

    const first = start()
    await first.says(/Connected to/)
    first.signal('SIGTERM')
    await first.ended
    await start().says(/Connected to/)

    expect(codes).toEqual([good])
    expect(statSync(join(cwd, 'door-controller.json')).mode & 0o777).toBe(0o600)
  })

  test('goes where it is sent, not where it was enrolled', async () => {
    const cwd = folder()
    const state = {
      url: 'http://127.0.0.1:9',
      deviceId: 'one',
      token: 'key',
      keyFrom: new Date().toISOString(),
    }
    writeFileSync(join(cwd, 'door-controller.json'), JSON.stringify(state))

    const running = spawn(['run'], { program, cwd, env: { PLINTH_URL: api.url } })

    await running.says(new RegExp(`Connected to ${api.url}`))
  })

  test('opens a door by gpioset', async () => {
    const cwd = folder()
    const calls = join(cwd, 'calls')
    writeFileSync(join(cwd, 'gpioset'), `#!/bin/sh\necho "$@" >> ${calls}\n`, { mode: 0o755 })
    await run(['enrol', good], { program, cwd, env: { PLINTH_URL: api.url } })

    const running = spawn(['run', '--gpio', 'gpiochip0:17'], { program, cwd, env: { PATH: `${cwd}:/bin` } })
    await api.until('Commands')
    api.tell(newCommand())
    const report = await api.until('Report')
    running.signal('SIGINT')
    await running.ended

    expect(report).toMatchObject({ hasOpened: true })
    expect(readFileSync(calls, 'utf8')).toContain('--chip gpiochip0 --toggle 1000ms,0 17=1')
  })

  test('rings when gpiomon tells of a press, and leaves nothing running', async () => {
    const cwd = folder()
    const [gpiomon, events] = [join(cwd, 'gpiomon'), join(cwd, 'events')]
    writeFileSync(gpiomon, '#!/bin/sh\necho $$ > pid\nexec tail -n +1 -f events\n', { mode: 0o755 })
    writeFileSync(events, 'Monitoring\n')
    await run(['enrol', good], { program, cwd, env: { PLINTH_URL: api.url } })

    const running = spawn(['run'], { program, cwd, env: { DOOR_BELL: 'gpiochip0:27', PATH: `${cwd}:/bin` } })
    await api.until('Rings')
    appendFileSync(events, 'pressed\n')
    await running.says(/^Rang at Front door\.$/m)
    running.signal('SIGTERM')

    expect(await running.ended).toMatchObject({ code: 0, stderr: '' })
    const pid = Number(readFileSync(join(cwd, 'pid'), 'utf8'))
    expect(() => process.kill(pid, 0)).toThrow('ESRCH')
  })

  test('takes what comes in by a pipe for no keys', async () => {
    const cwd = folder()
    await run(['enrol', good, '--url', api.url], { program, cwd })

    const running = spawn(['run'], { program, cwd, input: 'r\n1\nq\n\x03' })
    await api.until('Rings')
    api.tell(newCommand())
    await api.until('Report')

    expect(running.hasEnded()).toBe(false)
    expect(running.output()).not.toContain('Keys')
    expect(api.asked.map(({ name }) => name)).not.toContain('Ring')
  })

  test('whose device is revoked, ends with 3', async () => {
    const cwd = folder()
    await run(['enrol', good, '--url', api.url], { program, cwd })
    const running = spawn(['run'], { program, cwd })
    await api.until('Commands')

    api.cut(4401)

    expect(await running.ended).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('node src/main.ts enrol <code>'),
    })
  })

  test('without a key, ends with 3', async () => {
    expect(await run(['run'], { program })).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('node src/main.ts enrol <code>'),
    })
  })

  test.each([
    ['a wrong code at its start', () => ['run', '--code', 'WRONG', '--url', api.url], /code is wrong/],
    ['a wrong code', () => ['enrol', 'WRONG', '--url', api.url], /code is wrong/],
    ['nobody there', () => ['enrol', good, '--url', 'http://127.0.0.1:9'], /does not answer/],
    ['no such folder', () => ['enrol', good, '--url', api.url, '--state', 'none/state'], /Cannot write/],
  ])('given %s, ends with 1', async (_, args, says) => {
    const { code, stderr } = await run(args(), { program })

    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(says) })
  })

  test.each([
    [[], 'Say what to do: enrol, or run.'],
    [['frob'], 'There is no command "frob".'],
    [['enrol'], 'enrol takes one code, got 0.'],
    [['enrol', good, 'now'], 'enrol takes one code, got 2.'],
    [['run', 'now'], 'run takes options only, got "now".'],
    [['--what'], "'--what'"],
    [['run', '--gpio', '17'], 'got "17"'],
    [['run', '--bell', 'gpiochip0'], 'got "gpiochip0"'],
  ])('does not understand %j: says what is wrong, and ends with 2', async (args, says) => {
    expect(await run(args, { program })).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining(says),
    })
  })
})
