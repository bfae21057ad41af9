import { once } from 'node:events'
import { createClient } from 'graphql-ws'
import { WebSocket } from 'ws'
import { codeOf, messageOf } from './ended.ts'

/** One connection to the API, which is never made again: what was asked on it gets its answer on it, or none. */
export type Connection = {
  /** Runs a query or mutation. Rejects with an ApiError, or when the connection ends first. */
  ask(query: string, variables?: Record<string, unknown>): Promise<Record<string, unknown>>
  /** Subscribes. Rejects when the subscription or the connection ends. */
  follow(
    query: string,
    variables: Record<string, unknown>,
    hear: (data: Record<string, unknown>) => void,
  ): Promise<never>
  close(): Promise<void>
}

/** What the API has refused, by its code. */
export class ApiError extends Error {
  readonly code: string
  /** Whether the same may go well another time. */
  readonly isPassing: boolean

  constructor(code: string, message: string, isPassing = false) {
    super(message)
    this.code = code
    this.isPassing = isPassing
  }
}

/** The code of everything that means: this key is no good. */
export const notEnrolled = 'UNAUTHENTICATED'

/** The code that means: what was missed cannot be told any more. */
export const cursorLost = 'RELOAD'

/** Whether the API refuses this one thing, and will again; the connection is as good as before. */
export const isRefusal = (error: unknown): boolean =>
  error instanceof ApiError && !error.isPassing && error.code !== notEnrolled && error.code !== cursorLost

// How long the other side may take to agree that a connection is closed.
const goodbyeMs = 1000

type Fault = { message: string; extensions?: { code?: unknown; retryable?: unknown } }

/** Connects; what is wrong with the connection shows when something is asked. Silent ones are given up. */
export function connect(url: string, token: string, silenceMs = 10_000): Connection {
  let socket: WebSocket | undefined
  let ended: Error | undefined
  const keep = (made: WebSocket) => {
    socket = made
    made.on('open', () => watch(made, silenceMs))
  }
  class Socket extends WebSocket {
    constructor(address: string, protocols: string) {
      super(address, protocols, { handshakeTimeout: silenceMs, perMessageDeflate: false })
      keep(this)
    }
  }
  const end = (reason: Error) => {
    ended ??= reason
    Promise.resolve(client.dispose()).catch(() => {}) // or it would connect again by itself, and send again what was asked
  }
  const client = createClient({
    url: `${url.replace(/^http/, 'ws').replace(/\/$/, '')}/graphql`,
    webSocketImpl: Socket,
    connectionParams: { authorization: `Bearer ${token}` },
    connectionAckWaitTimeout: silenceMs,
    lazy: false,
    onNonLazyError: () => {},
    retryAttempts: 0,
    on: { closed: (event) => end(reasonOf(event)) },
  })

  const receive = (
    payload: { query: string; variables?: Record<string, unknown> },
    hear: (data: Record<string, unknown>) => void,
  ): Promise<void> =>
    new Promise((resolve, reject) => {
      if (ended) return reject(ended)
      client.subscribe(payload, {
        next({ data, errors }) {
          if (errors?.[0]) reject(apiError(errors[0]))
          else if (data) hear(data)
        },
        error: (error) => reject(reasonOf(error)),
        complete: () => resolve(),
      })
    })

  return {
    async ask(query, variables = {}) {
      let answer: Record<string, unknown> | undefined
      await receive({ query, variables }, (data) => (answer = data))
      if (!answer) throw ended ?? new Error('The API has not answered.')
      return answer
    },
    async follow(query, variables, hear) {
      await receive({ query, variables }, hear)
      throw ended ?? new Error('The API has ended the subscription.')
    },
    async close() {
      end(new Error('The connection was closed.'))
      if (!socket || socket.readyState === WebSocket.CLOSED) return
      const closed = once(socket, 'close')
      socket.close(1000)
      const timer = setTimeout(() => socket?.terminate(), goodbyeMs)
      await closed.finally(() => clearTimeout(timer))
    },
  }
}

/** Ends a connection whose other side has gone without a word. */
function watch(socket: WebSocket, silenceMs: number): void {
  let isAlive = true
  socket.on('pong', () => (isAlive = true))
  const timer = setInterval(() => {
    if (!isAlive) return socket.terminate()
    isAlive = false
    socket.ping()
  }, silenceMs / 2)
  socket.once('close', () => clearInterval(timer))
}

const unauthenticated = 4401

// The API's errors, the closing of the socket, or whatever went wrong with it.
function reasonOf(error: unknown): Error {
  if (Array.isArray(error)) return apiError(error[0] as Fault)
  if (codeOf(error) === unauthenticated) return new ApiError(notEnrolled, 'The key is not valid.')
  if (error instanceof Error) return error
  const { code, reason, message } = error as { code?: number; reason?: string; message?: string }
  return new Error(message ?? `The connection was closed: ${code ?? messageOf(error)} ${reason ?? ''}`.trim())
}

function apiError({ message, extensions }: Fault): ApiError {
  const code = typeof extensions?.code === 'string' ? extensions.code : ''
  return new ApiError(code, message, extensions?.retryable === true)
}
