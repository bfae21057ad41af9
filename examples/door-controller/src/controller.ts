import { setTimeout as sleep } from 'node:timers/promises'
import { makeBackOff } from './backOff.ts'
import { ApiError, connect, cursorLost, notEnrolled } from './connection.ts'
import { Ended, exitCodes, messageOf } from './ended.ts'
import { renewKey } from './key.ts'
import type { Lock } from './lock.ts'
import { makeReports } from './reports.ts'
import type { Ringing } from './ringing.ts'
import type { DeviceState } from './stateFile.ts'
import type { Say } from './terminal.ts'
import { heartbeat, type Memory, work } from './work.ts'

export type ControllerOptions = {
  state: DeviceState
  /** Keeps the state for the next start. */
  save(state: DeviceState): Promise<void>
  lock: Lock
  ringing: Ringing
  say: Say
  /** Aborted to stop. */
  signal: AbortSignal
  /** Milliseconds by a clock that never jumps. */
  now?: () => number
  /** From 0 up to 1, to spread what many devices would do at once. */
  random?: () => number
  heartbeatMs?: number
  silenceMs?: number
}

/** Opens doors, and rings at them, until it is stopped. Rejects with `Ended` when the device is not enrolled any more. */
export async function runController(options: ControllerOptions): Promise<void> {
  const { lock, ringing, say, signal, save, heartbeatMs = 30_000, now = () => performance.now() } = options
  const backOff = makeBackOff(options.random)
  const memory: Memory = { cursor: null, asked: new Set(), reports: makeReports(say) }
  let state = options.state

  /** Makes one connection and works on it. Resolves to come again at once; rejects when it is lost. */
  async function connectOnce(): Promise<void> {
    const connection = connect(state.url, state.token, options.silenceMs)
    const ending = new AbortController()
    const stop = () => void connection.close()
    signal.addEventListener('abort', stop)
    try {
      await connection.ask(heartbeat)
      const renewed = await renewKey(state, { ask: connection.ask, save })
      if (renewed) {
        state = renewed
        return
      }
      say(`Connected to ${state.url}`)
      const onHeartbeat = backOff.reset
      await work({
        connection,
        memory,
        lock,
        ringing,
        say,
        now,
        heartbeatMs,
        onHeartbeat,
        signal: ending.signal,
      })
    } finally {
      signal.removeEventListener('abort', stop)
      ending.abort()
      memory.reports.pause()
      ringing.pause()
      await connection.close()
    }
  }

  const isStopped = () => signal.aborted
  while (!isStopped()) {
    try {
      await connectOnce()
    } catch (error) {
      if (isStopped()) break
      if (error instanceof Ended) throw error
      if (error instanceof ApiError && error.code === notEnrolled)
        throw new Ended(
          exitCodes.notEnrolled,
          'This device is not enrolled any more. Use: node src/main.ts enrol <code>',
        )
      if (error instanceof ApiError && error.code === cursorLost) {
        memory.cursor = null
        ringing.startOver()
      }
      say(`No connection: ${messageOf(error)}`)
      await sleep(backOff.next(), undefined, { signal }).catch(() => {})
    }
  }
  await lock.shut()
}
