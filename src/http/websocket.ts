import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { CloseCode, handleProtocols, makeServer, type ServerOptions } from 'graphql-ws'
import { makeGraphQLWSConfig } from 'postgraphile/grafserv'
import { GraphQLError } from 'postgraphile/graphql'
import { WebSocket, WebSocketServer } from 'ws'
import { errorRegistry } from '../errorRegistry.ts'
import { AppError } from '../errors.ts'
import { messageOf } from '../fault.ts'
import type { Log } from '../log.ts'
import type { Limits } from '../limits.ts'
import type { Callers } from './callers.ts'
import type { Identify } from './identity.ts'
import { excessError } from './pageSizeRule.ts'

/** The close codes of ours, beside those of the protocol. After 1001 and 1013 a client is to come again. */
export const closeCodes = {
  shuttingDown: 1001,
  tooSlow: 1013,
  unauthenticated: 4401,
  tooManyConnections: 4403,
} as const

/** The WebSockets of the GraphQL endpoint. */
export type WebSockets = {
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
  /** Tells everybody to come again later, and waits until they are gone or a second has passed. */
  close(): Promise<void>
}

export type WebSocketOptions = {
  server: Parameters<typeof makeGraphQLWSConfig>[0]
  identify: Identify
  callers: Callers
  limits: Limits
  /** Whether so much waits for the database that more would only wait longer. */
  isBusy(): boolean
  log: Log
}

type Extra = { socket: WebSocket; request: IncomingMessage }

const pingEveryMs = 12_000

/** Speaks graphql-transport-ws; who is calling is settled by `connection_init`, and watched from then on. */
export function makeWebSockets({
  server,
  identify,
  callers,
  limits,
  isBusy,
  log,
}: WebSocketOptions): WebSockets {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: limits.frameBytes,
    handleProtocols,
    perMessageDeflate: false, // costs memory for each connection, and may cost much more
  })
  const countOf = new Map<string, number>()
  const running = new WeakMap<WebSocket, number>()
  const counted = async <Result>(socket: WebSocket, run: () => Result): Promise<Awaited<Result>> => {
    running.set(socket, (running.get(socket) ?? 0) + 1)
    try {
      return await run()
    } finally {
      running.set(socket, running.get(socket)! - 1)
    }
  }
  const stock = makeGraphQLWSConfig(server) as ServerOptions<Record<string, unknown>, Extra>

  const graphql = makeServer<Record<string, unknown>, Extra>({
    ...stock,
    connectionInitWaitTimeout: limits.initMs,
    async onConnect({ connectionParams, extra: { socket, request } }) {
      const refuse = (code: number, reason: string) => {
        cut(socket, code, reason)
        return false // and no acknowledgement
      }
      try {
        const settings = await identify(authorizationIn(connectionParams))
        if (isBusy()) return refuse(closeCodes.tooSlow, 'Try again later')
        if (await callers.hasEnded(settings)) throw new AppError('UNAUTHENTICATED', '')
        if (socket.readyState !== WebSocket.OPEN) return false
        const isNobody = authorizationIn(connectionParams) === undefined
        const caller = isNobody ? `from ${request.clientAddress}` : JSON.stringify(settings)
        const count = countOf.get(caller) ?? 0
        if (count >= limits.connectionsPerCaller) {
          return refuse(closeCodes.tooManyConnections, 'Too many connections')
        }
        countOf.set(caller, count + 1)
        request.callerSettings = settings
        const onEnded = () => cut(socket, closeCodes.unauthenticated, 'Your session has ended')
        const unwatch = callers.watch({ settings, onEnded })
        socket.once('close', () => {
          unwatch()
          const rest = countOf.get(caller)! - 1
          if (rest > 0) countOf.set(caller, rest)
          else countOf.delete(caller)
        })
        return true
      } catch (error) {
        if (!(error instanceof AppError)) log.warn({ error: messageOf(error) }, 'a WebSocket was not let in')
        const isTheirs = error instanceof AppError && errorRegistry[error.code].status < 500
        return isTheirs
          ? refuse(closeCodes.unauthenticated, 'Your token is not valid')
          : refuse(closeCodes.tooSlow, 'Try again later')
      }
    },
    // A client may be done with an operation that is still being carried out; it counts until it ends.
    async execute(args) {
      const { socket } = (args as unknown as { requestContext: { ws: Extra } }).requestContext.ws
      return counted(socket, () => stock.execute!(args))
    },
    async onSubscribe(context, id, payload) {
      const { socket } = context.extra
      const count = Math.max(Object.keys(context.subscriptions).length, (running.get(socket) ?? 0) + 1)
      const maximum = limits.operationsPerConnection
      if (count > maximum) return [excessError({ limit: 'operationsPerConnection', value: count, maximum })]
      if (isBusy()) return [unavailable()]
      return counted(socket, () => stock.onSubscribe!(context, id, payload))
    },
  })

  sockets.on('connection', (socket: WebSocket, request: IncomingMessage) => {
    keepAlive(socket)
    socket.on('error', (error) => log.debug({ error: error.message }, 'WebSocket'))
    const closed = graphql.opened(
      {
        protocol: socket.protocol,
        send: (data) => send(socket, data, limits),
        close: (code, reason) => cut(socket, code ?? 1000, reason ?? ''),
        onMessage(receive) {
          socket.on('message', (data: Buffer) => {
            void receive(data.toString()).catch((error: unknown) => {
              log.error({ err: error }, 'a WebSocket message could not be handled')
              cut(socket, CloseCode.InternalServerError, 'Internal error')
            })
          })
        },
      },
      { socket, request },
    )
    socket.once('close', (code, reason) => void closed(code, reason.toString()))
  })

  return {
    upgrade(request, socket, head) {
      sockets.handleUpgrade(request, socket, head, (opened) => sockets.emit('connection', opened, request))
    },
    async close() {
      const open = [...sockets.clients]
      const gone = open.map((socket) => new Promise((resolve) => socket.once('close', resolve)))
      for (const socket of open) cut(socket, closeCodes.shuttingDown, 'The server is shutting down')
      await Promise.all(gone)
    },
  }
}

const unsent = new WeakMap<object, Promise<void>>()

/** Resolves once a client has taken what it was sent so far, or is gone. */
export const whenTaken = (socket: object): Promise<void> => unsent.get(socket) ?? Promise.resolve()

function send(socket: WebSocket, data: string, limits: Limits): Promise<void> {
  const taken = Promise.all([whenTaken(socket), deliver(socket, data, limits)]).then(() => {})
  unsent.set(socket, taken)
  return taken
}

/** Resolves once the client's system has taken the message; who takes too long over it is cut. */
function deliver(socket: WebSocket, data: string, limits: Limits): Promise<void> {
  if (socket.readyState !== WebSocket.OPEN) return Promise.resolve()
  return new Promise((resolve) => {
    const tooSlow = () => cut(socket, closeCodes.tooSlow, 'Too slow')
    if (socket.bufferedAmount + data.length > limits.unreadBytes && socket.bufferedAmount > 0) {
      tooSlow()
      resolve()
      return
    }
    const timer = setTimeout(tooSlow, limits.unreadMs)
    socket.send(data, () => {
      clearTimeout(timer)
      resolve()
    })
  })
}

/** Closes, and does not wait long for the other side's leave: one that does not read never gives it. */
function cut(socket: WebSocket, code: number, reason: string): void {
  socket.close(code, reason)
  const timer = setTimeout(() => socket.terminate(), 1000)
  socket.once('close', () => clearTimeout(timer))
}

/** Ends a connection whose other side has gone without a word. */
function keepAlive(socket: WebSocket): void {
  let isAlive = true
  socket.on('pong', () => (isAlive = true))
  const timer = setInterval(() => {
    if (!isAlive) return socket.terminate()
    isAlive = false
    socket.ping()
  }, pingEveryMs)
  socket.once('close', () => clearInterval(timer))
}

/** The token in `connection_init`, by the name that the header has, however it is written. */
function authorizationIn(parameters: Readonly<Record<string, unknown>> | undefined): string | undefined {
  const [, value] =
    Object.entries(parameters ?? {}).find(([name]) => name.toLowerCase() === 'authorization') ?? []
  return typeof value === 'string' ? value : undefined
}

const unavailable = () =>
  new GraphQLError(errorRegistry.UNAVAILABLE.message, {
    extensions: { code: 'UNAVAILABLE', retryable: true },
  })
