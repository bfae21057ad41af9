import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { makeBackOff } from './backOff.ts'
import { messageOf } from './ended.ts'
import { startGpiod } from './gpiod.ts'
import type { Say } from './terminal.ts'

export type ButtonOptions = {
  /** Called at each press. */
  press(): void
  say: Say
  /** Aborted to stop. */
  signal: AbortSignal
  /** The program that watches the line. */
  program?: string
  /** From 0 up to 1, to spread how long it waits before it watches again. */
  random?: () => number
}

const pressed = 'pressed'
// Contacts bounce for a few milliseconds; nobody presses for less than these.
const debounce = '30ms'

/**
 * Watches a button between a GPIO line, like "gpiochip0:27", and ground. Resolves when it is watched; rejects when
 * it cannot be. If that fails later, it is said and tried again until it is stopped.
 */
export async function watchButton(line: string, options: ButtonOptions): Promise<void> {
  const { press, say, signal, program = 'gpiomon' } = options
  const watch = () => {
    const { child, ended } = startGpiod(program, line, {
      options: [
        ...['--bias', 'pull-up', '--edges', 'falling', '--debounce-period', debounce],
        ...['--banner', '--format', pressed],
      ],
      signal,
    })
    const lines = createInterface(child.stdout)
    lines.on('line', (text) => {
      if (text === pressed) press()
    })
    return {
      begun: once(lines, 'line'), // its banner says that it has the line
      failed: ended.then(
        () => new Error(`${program} has ended.`),
        (error: unknown) => new Error(messageOf(error), { cause: error }),
      ),
    }
  }
  const backOff = makeBackOff(options.random)
  const isStopped = () => signal.aborted
  const watchAgain = async (reason: Error): Promise<void> => {
    if (isStopped()) return
    say(`The bell does not work: ${reason.message}`)
    await sleep(backOff.next(), undefined, { signal }).catch(() => {})
    if (!isStopped()) void watch().failed.then(watchAgain)
  }

  const { begun, failed } = watch()
  const first = await Promise.race([begun, failed])
  if (first instanceof Error && !isStopped()) throw first
  void failed.then(watchAgain)
}
