import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { makeBackOff } from '../../examples/door-controller/src/backOff.ts'
import { makeGpioLock, makeSimulatedLock } from '../../examples/door-controller/src/lock.ts'
import { loadState, saveState } from '../../examples/door-controller/src/stateFile.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plinth-door-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const state = { url: 'http://localhost:4000', deviceId: 'one', token: 'key', keyFrom: '2026-01-01T00:00:00Z' }

describe('the state file', () => {
  test('is read as it was written, and only its owner can read it', async () => {
    const path = join(folder, 'state.json')

    await saveState(path, state)

    expect(await loadState(path)).toEqual(state)
    expect(statSync(path).mode & 0o777).toBe(0o600)
  })

  test('written again, is private even if somebody had opened it up, and leaves nothing beside it', async () => {
    const path = join(folder, 'state.json')
    await saveState(path, state)
    chmodSync(path, 0o644)

    await saveState(path, { ...state, token: 'newer' })

    expect((await loadState(path)).token).toBe('newer')
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(readdirSync(folder)).toEqual(['state.json'])
  })

  test('that cannot be put in place, leaves the old one as it was', async () => {
    const path = join(folder, 'a folder')
    await saveState(join(folder, 'state.json'), state)

    await expect(saveState(join(path, 'state.json'), state)).rejects.toMatchObject({ exitCode: 1 })

    expect(await loadState(join(folder, 'state.json'))).toEqual(state)
  })

  test('that is missing, says to enrol', async () => {
    await expect(loadState(join(folder, 'none'))).rejects.toMatchObject({ exitCode: 3 })
  })

  test.each([
    '',
    'null',
    '[]',
    '{"url": "http://localhost"}',
    '{"url":1,"deviceId":1,"token":1,"keyFrom":1}',
  ])('that holds %j, is refused', async (text) => {
    writeFileSync(join(folder, 'state.json'), text)

    await expect(loadState(join(folder, 'state.json'))).rejects.toMatchObject({ exitCode: 1 })
  })
})

describe('waiting', () => {
  test('gets longer up to half a minute, and short again when it went well', () => {
    const { next, reset } = makeBackOff(() => 1)

    const waits = Array.from({ length: 9 }, next)
    reset()

    expect(waits).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000])
    expect(next()).toBe(500)
  })

  test('is a different time for each device', () => {
    const numbers = [0, 0.25, 0.5]
    const { next } = makeBackOff(() => numbers.shift()!)

    expect([next(), next(), next()]).toEqual([0, 250, 1000])
  })
})

describe('a lock on a GPIO line', () => {
  const calls = () => readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n')

  /** A gpioset that notes what it is called with. */
  function fakeGpioset(script = ''): void {
    const text = `#!/bin/sh\necho "$@" >> ${join(folder, 'calls')}\n${script}\n`
    writeFileSync(join(folder, 'gpioset'), text, { mode: 0o755 })
  }

  test('is shut first, and open for as long as it should be', async () => {
    fakeGpioset()

    const lock = await makeGpioLock('gpiochip0:17', () => {}, join(folder, 'gpioset'))
    await lock.open(5)
    await lock.shut()

    expect(calls()).toEqual(['--chip gpiochip0 --toggle 0 17=0', '--chip gpiochip0 --toggle 5000ms,0 17=1'])
  })

  test('asked again while it is open, stays open for the rest, and the line is never driven by two', async () => {
    fakeGpioset('period=${4%%[m,]*}; sleep $((period / 1000)).$(printf %03d $((period % 1000)))')
    const lock = await makeGpioLock('gpiochip0:17', () => {}, join(folder, 'gpioset'))

    await Promise.all([lock.open(0.1), lock.open(3)])
    await lock.shut()

    const [, first, second, ...others] = calls()
    expect(first).toBe('--chip gpiochip0 --toggle 100ms,0 17=1')
    expect(Number(/toggle (\d+)ms/.exec(second!)![1])).toBeLessThan(2950)
    expect(others).toEqual([])
  })

  test('that may not be used, is known at the start', async () => {
    fakeGpioset('echo "permission denied" >&2; exit 1')

    await expect(makeGpioLock('gpiochip0:17', () => {}, join(folder, 'gpioset'))).rejects.toThrow(
      'permission denied',
    )
  })

  test('that somebody has taken meanwhile, does not open, and may open later', async () => {
    const busy = join(folder, 'busy')
    fakeGpioset(`test ! -e ${busy} || { echo "device or resource busy" >&2; exit 1; }`)
    const lock = await makeGpioLock('gpiochip0:17', () => {}, join(folder, 'gpioset'))
    writeFileSync(busy, '')

    await expect(lock.open(1)).rejects.toThrow('resource busy')
    rmSync(busy)

    await expect(lock.open(1)).resolves.toBeUndefined()
  })

  test('without gpioset, says so', async () => {
    await expect(makeGpioLock('gpiochip0:17', () => {}, join(folder, 'gpioset'))).rejects.toThrow('gpioset')
  })
})

test('a simulated lock says when the door is open, and when it is shut', async () => {
  const said: string[] = []
  const lock = makeSimulatedLock((line) => void said.push(line))

  await lock.open(0.01)
  expect(said).toEqual(['[ OPEN ] the door can be opened'])
  await lock.shut()

  expect(said).toEqual(['[ OPEN ] the door can be opened', '[ shut ] the door is shut'])
})
