import { setTimeout as sleep } from 'node:timers/promises'
import { startGpiod } from './gpiod.ts'
import type { Say } from './terminal.ts'

/** What holds the door shut. This file is the one to change for another kind. */
export type Lock = {
  /**
   * Lets the door be opened for so many seconds. Resolves when it can be; rejects when it cannot, and then it
   * stays shut. While it is open, it stays so for the longer of both.
   */
  open(seconds: number): Promise<void>
  /** Resolves when the door is shut again. */
  shut(): Promise<void>
}

/** Begins a stretch in which the door is open; `ended` resolves behind it. Rejects when it could not begin. */
type Pulse = (seconds: number) => Promise<{ ended: Promise<void> }>

// gpioset says within this time that it may not have the line.
const refusalMs = 300

/** A relay on a GPIO line, like "gpiochip0:17", driven by `gpioset` of libgpiod 2. Shuts the door first. */
export async function makeGpioLock(line: string, say: Say, program = 'gpioset'): Promise<Lock> {
  const set = (value: 0 | 1, periods: string) =>
    startGpiod(program, line, { options: ['--toggle', periods], value }).ended
  await set(0, '0')
  return makeLock(async (seconds) => {
    // It sets the line back and ends by itself, so the door shuts even if this program does not live to see it.
    const ended = set(1, `${Math.ceil(seconds * 1000)}ms,0`)
    await Promise.race([ended, sleep(refusalMs)])
    return { ended }
  }, say)
}

/** A lock that is only talked about. */
export function makeSimulatedLock(say: Say): Lock {
  return makeLock(async (seconds) => {
    say('[ OPEN ] the door can be opened')
    return { ended: sleep(seconds * 1000).then(() => say('[ shut ] the door is shut')) }
  }, say)
}

function makeLock(pulse: Pulse, say: Say): Lock {
  let openUntil = 0
  let underWay: Promise<void> | null = null
  const hold = async (ended: Promise<void>): Promise<void> => {
    await ended
    const rest = (openUntil - performance.now()) / 1000
    if (rest > 0) await hold((await pulse(rest)).ended)
  }
  return {
    async open(seconds) {
      const until = performance.now() + seconds * 1000
      if (underWay) {
        openUntil = Math.max(openUntil, until)
        return
      }
      // Taken before the first wait, so that of two at once only one drives the line.
      const begun = pulse(seconds)
      openUntil = 0
      underWay = begun
        .then(({ ended }) => hold(ended))
        .catch((error: unknown) => say(`The lock does not work: ${String(error)}`))
        .finally(() => (underWay = null))
      await begun
    },
    async shut() {
      await underWay
    },
  }
}
