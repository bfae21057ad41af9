import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { type WebSocket, WebSocketServer } from 'ws'

/** An API for door controllers that does as it is told, well or badly. */
export type FakeDoorApi = {
  url: string
  /** What was asked so far, by operation name, with variables. */
  asked: { name: string; variables: Record<string, any> }[]
  /** Resolves with the latest once as many of that name were asked. */
  until(name: string, count?: number): Promise<Record<string, any>>
  /** Answers an operation from now on; throwing answers with an error of that message as its code. */
  answer(name: string, how: (variables: Record<string, any>) => unknown): void
  /** Tells those who subscribe of a change. */
  tell(change: { event: string; unlockCommand: { id: string; state: string } | null }): void
  /** Tells them what has become of a ring. */
  tellOfRing(ring: { id: string; state: string; door: { name: string } | null }): void
  /** Closes every connection, or lets it stand without ever reading again. */
  cut(code: number, reason?: string): void
  freeze(): void
  /** Tokens that were shown by connection_init, in order. */
  tokens: string[]
  close(): Promise<void>
}

/** Of one subscription operation, by the name of its field. */
type Subscription = { socket: WebSocket; id: string; field: string }

const fields: Record<string, string> = { Commands: 'unlockCommandChanged', Rings: 'ringChanged' }

/** Starts one. It has one door, grants every claim once, for a second, and takes every report and ring. */
export async function startFakeDoorApi(): Promise<FakeDoorApi> {
  const http = createServer((request, response) => void answerPost(request, response))
  const server = new WebSocketServer({ server: http, handleProtocols: () => 'graphql-transport-ws' })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  const asked: FakeDoorApi['asked'] = []
  const watchers = new Set<() => void>()
  const subscriptions = new Set<Subscription>()
  const granted = new Set<string>()
  const tokens: string[] = []
  let cursor = 0
  const answers = new Map<string, (variables: Record<string, any>) => unknown>([
    ['Heartbeat', () => ({ sendHeartbeat: {} })],
    ['Pending', () => ({ unlockCommands: { nodes: [] } })],
    ['Report', () => ({ reportUnlock: { result: true } })],
    ['Doors', () => ({ doors: { nodes: [{ id: 'front', name: 'Front door' }] } })],
    ['Ring', () => ({ ringDoorbell: { result: { state: 'ringing', isQuiet: false } } })],
    [
      'Claim',
      ({ id }) => {
        const isGranted = !granted.has(id as string)
        granted.add(id as string)
        return {
          claimUnlock: {
            result: { isGranted, unlockSeconds: isGranted ? 1 : null, reason: isGranted ? null : 'no' },
          },
        }
      },
    ],
  ])

  const receive = async (socket: WebSocket, data: string): Promise<void> => {
    const send = (message: object) => socket.send(JSON.stringify(message))
    const { type, id, payload } = JSON.parse(data)
    if (type === 'connection_init') {
      tokens.push(payload.authorization as string)
      send({ type: 'connection_ack' })
    }
    if (type !== 'subscribe') return
    const name = /\w+ (\w+)/.exec(payload.query as string)![1]!
    const variables = (payload.variables ?? {}) as Record<string, any>
    asked.push({ name, variables })
    watchers.forEach((watcher) => watcher())
    const field = fields[name]
    if (field !== undefined && !answers.has(name)) {
      const subscription = { socket, id, field }
      subscriptions.add(subscription)
      if (variables.after === null) tellOne(subscription, { event: 'STARTED' })
      return
    }
    try {
      send({ type: 'next', id, payload: { data: await answers.get(name)!(variables) } })
      send({ type: 'complete', id })
    } catch (error) {
      const { message } = error as Error
      send({ type: 'error', id, payload: [{ message, extensions: { code: message } }] })
    }
  }
  const answerPost = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { query, variables } = (await json(request)) as { query: string; variables: Record<string, any> }
    const data = await answers.get(/\w+ (\w+)/.exec(query)![1]!)!(variables)
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ data }))
  }
  const tellOne = ({ socket, id, field }: Subscription, change: object) => {
    const data = { [field]: { ...change, cursor: `cursor ${cursor}` } }
    socket.send(JSON.stringify({ type: 'next', id, payload: { data } }))
  }
  const tellAll = (field: string | undefined, change: object) => {
    cursor++
    for (const one of subscriptions) if (one.field === field) tellOne(one, change)
  }

  server.on('connection', (socket) => {
    socket.on('message', (data: Buffer) => void receive(socket, data.toString()))
    socket.on('close', () => {
      for (const one of subscriptions) if (one.socket === socket) subscriptions.delete(one)
    })
  })
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    asked,
    tokens,
    until: (name, count = 1) =>
      new Promise((resolve) => {
        const look = () => {
          const those = asked.filter((one) => one.name === name)
          if (those.length < count) return
          watchers.delete(look)
          resolve(those.at(-1)!.variables)
        }
        watchers.add(look)
        look()
      }),
    answer: (name, how) => void answers.set(name, how),
    tell: (change) => tellAll(fields.Commands, change),
    tellOfRing: (ring) => tellAll(fields.Rings, { event: 'UPDATED', ring }),
    cut: (code, reason) => server.clients.forEach((socket) => socket.close(code, reason)),
    freeze: () => server.clients.forEach((socket) => socket.pause()),
    async close() {
      server.clients.forEach((socket) => socket.terminate())
      http.closeAllConnections()
      await new Promise((resolve) => http.close(resolve))
    },
  }
}

/** A command that waits to be claimed, as a change tells of it. */
export const newCommand = (id: string = randomUUID()) => ({
  event: 'INSERTED',
  unlockCommand: { id, state: 'pending' },
})
