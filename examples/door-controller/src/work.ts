import { setTimeout as sleep } from 'node:timers/promises'
import { claim } from './claim.ts'
import { type Connection, isRefusal } from './connection.ts'
import { messageOf } from './ended.ts'
import type { Lock } from './lock.ts'
import type { Reports } from './reports.ts'
import type { Ringing } from './ringing.ts'
import type { Say } from './terminal.ts'

/** What outlives a connection, though not the program. */
export type Memory = {
  /** Up to where changes have been dealt with; null at first. */
  cursor: string | null
  /** Commands that have their answer or wait for it: none is asked for twice, unless its answer was lost. */
  asked: Set<string>
  reports: Reports
}

export type WorkOptions = {
  connection: Connection
  memory: Memory
  lock: Lock
  ringing: Ringing
  say: Say
  /** Milliseconds by a clock that never jumps. */
  now(): number
  heartbeatMs: number
  /** The API has heard another heartbeat. */
  onHeartbeat(): void
  /** Aborted when the connection is given up. */
  signal: AbortSignal
}

export const heartbeat = 'mutation Heartbeat { sendHeartbeat(input: {}) { clientMutationId } }'

const pending = 'query Pending { unlockCommands(filter: { state: { equalTo: pending } }) { nodes { id } } }'
const changes = `subscription Commands($after: Cursor) {
  unlockCommandChanged(after: $after) { event cursor unlockCommand { id state } }
}`
type Change = { event: string; cursor: string; unlockCommand: { id: string; state: string } | null }

/** Does what there is to do on a connection, until that ends: rejects with the reason. */
export async function work(options: WorkOptions): Promise<never> {
  const { connection, memory, ringing } = options
  const failing = Promise.withResolvers<never>()

  // The cursor moves on only when all before it has been dealt with; else it is told again.
  let dealtWith: Promise<unknown> = Promise.resolve()
  const hear = (data: Record<string, unknown>) => {
    const change = data.unlockCommandChanged as Change
    dealtWith = Promise.all([dealtWith, dealWith(change, options)]).then(
      () => (memory.cursor = change.cursor),
    )
    dealtWith.catch(failing.reject)
  }
  return Promise.race([
    failing.promise,
    connection.follow(changes, { after: memory.cursor }, hear),
    memory.reports.sendBy(connection.ask).then(() => failing.promise),
    ringing.ringBy(connection).then(() => failing.promise),
    sendHeartbeats(options),
  ])
}

async function dealWith({ event, unlockCommand: command }: Change, options: WorkOptions): Promise<void> {
  if (event === 'STARTED') {
    const { unlockCommands } = await options.connection.ask(pending)
    const { nodes } = unlockCommands as { nodes: { id: string }[] }
    await Promise.all(nodes.map(({ id }) => carryOut(id, options)))
  } else if (command?.state === 'pending') {
    await carryOut(command.id, options)
  }
}

async function carryOut(commandId: string, options: WorkOptions): Promise<void> {
  const { connection, memory, lock, now, say } = options
  if (memory.asked.has(commandId)) return
  memory.asked.add(commandId)
  try {
    await claim(commandId, { ask: connection.ask, lock, now, say, report: memory.reports.add })
  } catch (error) {
    if (isRefusal(error)) return say(`Not opened: ${messageOf(error)}`)
    memory.asked.delete(commandId) // it may be asked for again
    throw error
  }
}

async function sendHeartbeats({ connection, heartbeatMs, onHeartbeat, signal }: WorkOptions): Promise<never> {
  for (;;) {
    await sleep(heartbeatMs, undefined, { signal })
    await connection.ask(heartbeat)
    onHeartbeat()
  }
}
