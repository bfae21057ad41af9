import { afterEach, beforeEach } from '@jest/globals'
import { type ControllerOptions, runController } from '../../examples/door-controller/src/controller.ts'
import { makeRinging, type RingingOptions } from '../../examples/door-controller/src/ringing.ts'
import { type FakeDoorApi, startFakeDoorApi } from './fakeDoorApi.ts'
import { until } from './process.ts'

/** A door controller under way in this process. */
export type TestController = {
  /** What it has said so far. */
  said: string[]
  /** Resolves when it has said a line. */
  says(line: string): Promise<void>
  /** Rings, as a key or a button does. */
  press(place: number): void
  /** For how long its lock was opened, each time; a lock of the test's own notes nothing here. */
  opened: number[]
  /** States that it has kept, in order. */
  saved: object[]
  ended: Promise<void>
  stop(): Promise<void>
}

/** Controllers of an API that does as each test of a file tells it; all are stopped behind each. */
export function useController(): {
  api: () => FakeDoorApi
  /** Starts one, which waits shortly where it would wait long, and whose bell takes presses without a rest. */
  start(options?: Partial<ControllerOptions>, bell?: Partial<RingingOptions>): TestController
} {
  let api: FakeDoorApi
  const ends: (() => Promise<unknown>)[] = []
  beforeEach(async () => {
    api = await startFakeDoorApi()
  })
  afterEach(async () => {
    await Promise.all(ends.splice(0).map((end) => end()))
    await api.close()
  })

  return {
    api: () => api,
    start(options, bell) {
      const said: string[] = []
      const say = (line: string) => void said.push(line)
      const opened: number[] = []
      const saved: object[] = []
      const ringing = makeRinging({ say, restMs: 0, ...bell })
      const stopping = new AbortController()
      const ended = runController({
        state: { url: api.url, deviceId: 'device', token: 'key', keyFrom: new Date().toISOString() },
        save: async (state) => void saved.push(state),
        lock: { open: async (seconds) => void opened.push(seconds), shut: async () => {} },
        ringing,
        say,
        signal: stopping.signal,
        random: () => 0.01,
        ...options,
      })
      const stop = () => {
        stopping.abort()
        return ended
      }
      ends.push(() => stop().catch(() => {}))
      const says = (line: string) => until(() => said.includes(line))
      return { said, says, press: ringing.press, opened, saved, ended, stop }
    },
  }
}
