import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { errorRegistry } from '../errorRegistry.ts'

/** What pages of other websites may do. */
export type Origins = {
  /** Whether a page may open a WebSocket: none of a website that is neither listed nor the API's own. */
  mayConnect(request: IncomingMessage): boolean
  /** Tells a browser that a listed website may read the answer. True when the request was but a question. */
  answerCors(request: IncomingMessage, response: ServerResponse): boolean
}

/** Makes the rules for a list of websites; `*` stands for all. There are no cookies, so all may be listed. */
export function makeOrigins(allowed: readonly string[]): Origins {
  const isListed = (origin: string) => allowed.includes('*') || allowed.includes(origin)

  return {
    mayConnect({ headers: { origin, host } }) {
      // Only browsers send it, and they cannot be made to leave it out.
      if (origin === undefined || isListed(origin)) return true
      return URL.canParse(origin) && new URL(origin).host === host
    },
    answerCors(request, response) {
      if (allowed.length === 0) return false
      const { origin } = request.headers
      response.setHeader('Vary', 'Origin')
      if (origin === undefined || !isListed(origin)) return false
      response.setHeader('Access-Control-Allow-Origin', origin)
      response.setHeader('Access-Control-Expose-Headers', 'X-Request-Id, Retry-After')
      if (request.method !== 'OPTIONS' || !request.headers['access-control-request-method']) return false
      response.setHeader('Access-Control-Allow-Methods', 'POST')
      response.setHeader('Access-Control-Allow-Headers', 'Authorization, Content-Type, X-Request-Id')
      response.setHeader('Access-Control-Max-Age', '7200') // browsers remember it no longer
      response.writeHead(204).end()
      return true
    },
  }
}

/** Refuses to open a WebSocket, before there is one. */
export function refuseUpgrade({ requestId }: IncomingMessage, socket: Duplex): void {
  const { status } = errorRegistry.FORBIDDEN
  const message = 'Pages of this website may not open a WebSocket here.'
  const body = JSON.stringify({ errors: [{ message, extensions: { code: 'FORBIDDEN', requestId } }] })
  // Nobody else listens any more, and half a connection would stay open as long as the client likes.
  socket.on('error', () => socket.destroy())
  socket.once('finish', () => socket.destroy())
  socket.end(
    `HTTP/1.1 ${status} Forbidden\r\nConnection: close\r\nContent-Type: application/json; charset=utf-8\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}
