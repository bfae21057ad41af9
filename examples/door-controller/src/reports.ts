import { ApiError, type Connection } from './connection.ts'
import { messageOf } from './ended.ts'
import type { Say } from './terminal.ts'

/** Outcomes that the API has yet to hear of. They outlive connections, and are lost with the program. */
export type Reports = {
  add(commandId: string, hasOpened: boolean): void
  /** Sends what is due, and from now on at once; rejects when the connection ends. */
  sendBy(ask: Connection['ask']): Promise<void>
  /** Waits for the next connection. */
  pause(): void
}

const reportUnlock = `mutation Report($id: UUID!, $hasOpened: Boolean!) {
  reportUnlock(input: { commandId: $id, hasOpened: $hasOpened }) { result }
}`

/** An outcome that was sent twice is one outcome, so each is sent until it is heard. */
export function makeReports(say: Say): Reports {
  const due = new Map<string, boolean>()
  let ask: Connection['ask'] | null = null

  async function send(commandId: string, hasOpened: boolean): Promise<void> {
    if (!ask) return
    try {
      await ask(reportUnlock, { id: commandId, hasOpened })
      due.delete(commandId)
    } catch (error) {
      if (!(error instanceof ApiError) || error.isPassing) throw error
      due.delete(commandId) // it would be refused again
      say(`The API does not take the outcome: ${messageOf(error)}`)
    }
  }
  return {
    add(commandId, hasOpened) {
      due.set(commandId, hasOpened)
      send(commandId, hasOpened).catch(() => {}) // it stays due, and whoever holds the connection hears why
    },
    pause: () => void (ask = null),
    async sendBy(newAsk) {
      ask = newAsk
      await Promise.all([...due].map(([commandId, hasOpened]) => send(commandId, hasOpened)))
    },
  }
}
