import { WebSocket } from 'ws'

/** A WebSocket that says exactly what it is told to say. */
export type RawSocket = {
  socket: WebSocket
  send(message: unknown): void
  /** Messages so far. */
  received: Record<string, any>[]
  /** Resolves with the next message of a type, and of an operation, one that is there already included. */
  message(type: string, id?: string): Promise<Record<string, any>>
  closed: Promise<{ code: number; reason: string }>
}

/** Opens one and waits until it is open. */
export async function openSocket(
  url: string,
  protocol = 'graphql-transport-ws',
  headers: Record<string, string> = {},
): Promise<RawSocket> {
  const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/graphql`, protocol, { headers })
  const received: Record<string, any>[] = []
  const listeners = new Set<() => void>()
  socket.on('message', (data: Buffer) => {
    received.push(JSON.parse(data.toString()) as Record<string, any>)
    for (const listener of listeners) listener()
  })
  const closed = new Promise<{ code: number; reason: string }>((resolve) =>
    socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() })),
  )
  socket.on('error', () => {}) // it says so by closing
  await new Promise((resolve) => socket.once('open', resolve).once('close', resolve))
  return {
    socket,
    send: (message) => socket.send(typeof message === 'string' ? message : JSON.stringify(message)),
    received,
    message: (type, id) =>
      new Promise((resolve) => {
        const look = () => {
          const found = received.find(
            (message) => message.type === type && (id === undefined || message.id === id),
          )
          if (!found) return
          listeners.delete(look)
          resolve(found)
        }
        listeners.add(look)
        look()
      }),
    closed,
  }
}
