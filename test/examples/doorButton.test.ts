import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import type { ReadStream } from 'node:tty'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { watchButton } from '../../examples/door-controller/src/bell.ts'
import { readKeys } from '../../examples/door-controller/src/keyboard.ts'
import { until } from '../support/process.ts'

describe('a button on a GPIO line', () => {
  let folder: string
  let stopping: AbortController
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'plinth-bell-'))
    stopping = new AbortController()
    writeFileSync(join(folder, 'events'), "Monitoring line '27'...\n")
  })
  afterEach(() => {
    stopping.abort()
    rmSync(folder, { recursive: true })
  })

  const read = (name: string) => readFileSync(join(folder, name), 'utf8').trim().split('\n')
  const touch = () => appendFileSync(join(folder, 'events'), 'pressed\n')

  /** A gpiomon that notes what it is called with and its process, and tells of each touch. */
  function fakeGpiomon(script = 'exec tail -n +1 -f events'): void {
    const text = `#!/bin/sh\ncd ${folder}\necho "$@" >> calls\necho $$ >> pids\n${script}\n`
    writeFileSync(join(folder, 'gpiomon'), text, { mode: 0o755 })
  }

  function watch() {
    const said: string[] = []
    let presses = 0
    const watched = watchButton('gpiochip0:27', {
      press() {
        presses++
      },
      say: (line) => void said.push(line),
      signal: stopping.signal,
      program: join(folder, 'gpiomon'),
      random: () => 0.01, // short waits
    })
    return { watched, said, presses: () => presses }
  }

  test('counts each press, and nothing else', async () => {
    fakeGpiomon()
    const { watched, presses } = watch()
    await watched
    expect(presses()).toBe(0)

    touch()
    touch()

    await until(() => presses() === 2)
    expect(read('calls')).toEqual([
      '--chip gpiochip0 --bias pull-up --edges falling --debounce-period 30ms --banner --format pressed 27',
    ])
  })

  test('that is stopped, is watched by no program any more', async () => {
    fakeGpiomon()
    await watch().watched
    const [pid] = read('pids')

    stopping.abort()

    await until(() => {
      try {
        return !process.kill(Number(pid), 0)
      } catch {
        return true
      }
    })
  })

  test('that may not be watched, is known at the start', async () => {
    fakeGpiomon('echo "permission denied" >&2; exit 1')

    await expect(watch().watched).rejects.toThrow('gpiomon ended with 1: permission denied')
  })

  test('without gpiomon, says so', async () => {
    await expect(watch().watched).rejects.toThrow('gpiomon')
  })

  test('whose program dies, says so, and is watched again', async () => {
    fakeGpiomon()
    const { watched, said, presses } = watch()
    await watched

    process.kill(Number(read('pids')[0]), 'SIGKILL')
    await until(() => read('pids').length === 2)
    touch()

    await until(() => presses() === 1)
    expect(said).toEqual([expect.stringContaining('The bell does not work: gpiomon ended with')])
  })

  test('that cannot be watched again at once, is tried again', async () => {
    fakeGpiomon(
      'test ! -e busy || { rm busy; echo "device or resource busy" >&2; exit 1; }; exec tail -f events',
    )
    const { watched, said, presses } = watch()
    await watched
    writeFileSync(join(folder, 'busy'), '')

    process.kill(Number(read('pids')[0]), 'SIGKILL')
    await until(() => read('pids').length === 3)
    touch()

    await until(() => presses() === 1)
    expect(said).toEqual([
      expect.stringContaining('gpiomon ended with'),
      expect.stringContaining('resource busy'),
    ])
  })
})

describe('keys of a terminal', () => {
  /** A terminal that only passes on what is typed. */
  function startReading() {
    const heard: (number | 'stop')[] = []
    const modes: boolean[] = []
    const terminal = Object.assign(new PassThrough(), {
      setRawMode: (isRaw: boolean) => void modes.push(isRaw),
      unref: () => {},
    })
    readKeys(terminal as unknown as ReadStream, {
      press: (place) => void heard.push(place),
      stop: () => void heard.push('stop'),
    })
    const type = async (keys: string) => {
      terminal.write(`${keys}\x04`) // ends what was typed
      await until(() => heard.at(-1) === 'stop')
      return heard.slice(0, -1)
    }
    return { type, modes }
  }

  test('are read one by one, without Enter', () => {
    expect(startReading().modes).toEqual([true])
  })

  test.each([
    ['r', [1]],
    ['R', [1]],
    ['\r', [1]],
    ['\n', [1]],
    ['319', [3, 1, 9]],
    ['q', ['stop']],
    ['\x03', ['stop']],
    ['0x \t\x12', []],
    ['\x1b[A\x1b[1;5C', []],
  ])('%j mean %j', async (keys, meaning) => {
    expect(await startReading().type(keys)).toEqual(meaning)
  })
})
