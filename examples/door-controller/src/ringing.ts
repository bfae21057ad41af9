import { type Connection, isRefusal } from './connection.ts'
import { messageOf } from './ended.ts'
import type { Say } from './terminal.ts'

/** The doorbell: rings at the doors of this device. */
export type Ringing = {
  /** Somebody rings at the first of the doors, by name, or at a later one. Now or not at all: a late ring is a lie. */
  press(place: number): void
  /** Rings by this connection from now on, and says what comes of it. Rejects when the connection ends. */
  ringBy(connection: Connection): Promise<void>
  /** The connection is lost. */
  pause(): void
  /** Hears of what comes, not of what it missed. */
  startOver(): void
}

export type RingingOptions = {
  say: Say
  /** Whether there are keys to be told of. */
  hasKeys?: boolean
  /** How long a door lets itself be rung at before it takes the next press. */
  restMs?: number
}

const doorsByName = 'query Doors { doors(orderBy: [NAME_ASC]) { nodes { id name } } }'
const ringDoorbell = `mutation Ring($id: UUID!) {
  ringDoorbell(input: { doorId: $id }) { result { state isQuiet } }
}`
const changes = `subscription Rings($after: Cursor) {
  ringChanged(after: $after) { cursor ring { id state door { name } } }
}`
type Door = { id: string; name: string }
type Ring = { state: string; isQuiet: boolean }
type Change = { cursor: string; ring: { id: string; state: string; door: Door | null } | null }

/** Makes one, which is silent until it has a connection. */
export function makeRinging({ say, hasKeys = false, restMs = 1000 }: RingingOptions): Ringing {
  const busy = new Set<number>()
  let ask: Connection['ask'] | null = null
  let cursor: string | null = null
  let settledId = ''
  let keysSaid = ''

  async function ring(place: number): Promise<void> {
    if (!ask) return say('Not rung: there is no connection.')
    const askHere = ask
    const door = (await loadDoors(askHere))[place - 1]
    if (!door) return say('Not rung: there is no such door.')
    const { ringDoorbell: payload } = await askHere(ringDoorbell, { id: door.id })
    const { state, isQuiet } = (payload as { result: Ring }).result
    if (state === 'answered') say(`Somebody has just answered at ${door.name}.`)
    else say(`Rang at ${door.name}${isQuiet ? ', in quiet hours: it bothers nobody' : ''}.`)
  }

  function hear(data: Record<string, unknown>): void {
    const change = data.ringChanged as Change
    cursor = change.cursor
    const { ring } = change
    if (!ring || ring.state === 'ringing' || ring.id === settledId) return
    settledId = ring.id
    const at = ring.door ? ` at ${ring.door.name}` : ''
    say(ring.state === 'answered' ? `Answered${at}.` : `Nobody has answered${at}.`)
  }

  async function sayKeys(askHere: Connection['ask']): Promise<void> {
    const keys = keysOf(await loadDoors(askHere))
    if (keys !== keysSaid) say(keys)
    keysSaid = keys
  }

  return {
    press(place) {
      if (busy.has(place)) return // a button that is stuck is one ring at a time
      busy.add(place)
      void ring(place)
        .catch((error: unknown) =>
          say(`${isRefusal(error) ? 'Not rung' : 'Perhaps not rung'}: ${messageOf(error)}`),
        )
        .finally(() => setTimeout(() => busy.delete(place), restMs).unref())
    },
    async ringBy(connection) {
      ask = connection.ask
      try {
        if (hasKeys) await sayKeys(ask)
        await connection.follow(changes, { after: cursor }, hear)
      } catch (error) {
        if (!isRefusal(error)) throw error
        say(`What comes of ringing is not told: ${messageOf(error)}`) // doors open all the same
      }
    },
    pause: () => void (ask = null),
    startOver: () => void (cursor = null),
  }
}

async function loadDoors(ask: Connection['ask']): Promise<Door[]> {
  const { doors } = await ask(doorsByName)
  return (doors as { nodes: Door[] }).nodes
}

function keysOf(doors: readonly Door[]): string {
  const rings = doors.slice(0, 9).map(({ name }, index) => {
    const key = doors.length === 1 ? 'r' : index + 1
    return `${key}${index === 0 ? ' rings' : ''} at ${name}, `
  })
  return `Keys: ${rings.join('')}q stops.`
}
