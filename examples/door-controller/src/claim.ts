import { messageOf } from './ended.ts'
import type { Connection } from './connection.ts'
import type { Lock } from './lock.ts'
import type { Say } from './terminal.ts'

/** A grant counts for so long from the asking, by a clock that is never set. */
export const patienceMs = 2000

export type ClaimOptions = {
  ask: Connection['ask']
  lock: Lock
  /** Milliseconds by a clock that never jumps. */
  now(): number
  /** Takes down the outcome, to be sent until it has arrived. */
  report(commandId: string, hasOpened: boolean): void
  say: Say
}

/** Whether the API grants the command to us, and for how long. */
type Answer = { isGranted: boolean | null; unlockSeconds: number | null; reason: string | null }

const claimUnlock = `mutation Claim($id: UUID!) {
  claimUnlock(input: { commandId: $id }) { result { isGranted unlockSeconds reason } }
}`

/**
 * Asks whether to carry out a command, and does so on a grant that came in time. Resolves when the answer has
 * been acted upon; rejects when there is none, and then nothing was opened.
 */
export async function claim(commandId: string, { ask, lock, now, report, say }: ClaimOptions): Promise<void> {
  const askedAt = now()
  const { claimUnlock: payload } = await ask(claimUnlock, { id: commandId })
  const answer = (payload as { result: Answer | null } | null)?.result
  const tookMs = now() - askedAt

  if (answer?.isGranted !== true) return say(`Not opened: ${answer?.reason ?? 'not granted'}`)
  const seconds = answer.unlockSeconds
  if (tookMs >= patienceMs || seconds === null) {
    say(`Not opened: the grant took ${(tookMs / 1000).toFixed(1)} s, which is too long.`)
    return report(commandId, false)
  }
  try {
    await lock.open(seconds)
    say(`Opened for ${seconds} s (granted within ${tookMs.toFixed(0)} ms).`)
    report(commandId, true)
  } catch (error) {
    say(`Not opened: ${messageOf(error)}`)
    report(commandId, false)
  }
}
