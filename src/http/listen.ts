import { createServer, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { codeOf, Fault } from '../fault.ts'
import { portOwner } from './portOwner.ts'

/** A socket that listens, before and while there is something to serve on it. */
export type Listener = {
  server: Server
  /** The port, also where 0 was asked for. */
  port: number
  /** Takes no new connections, lets the running requests end, and cuts what is left after `graceMs`. */
  close(graceMs: number): Promise<void>
}

/**
 * Takes the port at once, so that a port in use is known before any work is done. Until a handler is
 * added to the server, every request is told to come back.
 */
export async function listen(host: string, port: number): Promise<Listener> {
  const server = createServer()
  const sockets = new Set<Socket>()
  const responses = new Set<ServerResponse>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  server.on('request', (request, response) => {
    responses.add(response)
    response.on('close', () => responses.delete(response))
    if (server.listenerCount('request') > 1) return
    response.writeHead(503, { 'Retry-After': '1', 'Content-Type': 'text/plain' })
    response.end(request.url === '/livez' ? 'ok\n' : 'starting\n')
  })

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  }).catch(async (error: unknown) => {
    throw await listenFault(host, port, error)
  })
  const address = server.address()

  return {
    server,
    port: typeof address === 'object' && address ? address.port : port,
    async close(graceMs) {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      const idle = setInterval(() => {
        // A connection that is kept alive becomes idle only when its last answer has gone out.
        server.closeIdleConnections()
        // A browser opens some in advance, and GraphiQL keeps a stream of events that has no end.
        for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy()
        for (const response of responses) if (isEndless(response)) response.destroy()
      }, 50)
      const cut = setTimeout(() => sockets.forEach((socket) => socket.destroy()), graceMs)
      await closed
      clearInterval(idle)
      clearTimeout(cut)
    },
  }
}

const isEndless = (response: ServerResponse): boolean =>
  String(response.getHeader('content-type')).startsWith('text/event-stream')

async function listenFault(host: string, port: number, cause: unknown): Promise<Fault> {
  switch (codeOf(cause)) {
    case 'EADDRINUSE':
      return new Fault(
        `Port ${port} is taken${portOwner(port)}.`,
        [`Stop that one, or use another port: --port ${await freePortAfter(host, port)}`],
        { cause },
      )
    case 'EACCES':
      return new Fault(`You may not listen on port ${port}.`, ['Use one above 1023: --port 4000'], { cause })
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new Fault(`${host} is not an address of this machine.`, ['Set HOST to 127.0.0.1 or 0.0.0.0.'], {
        cause,
      })
    default:
      return new Fault(`Cannot listen on ${host}:${port}.`, [], { cause })
  }
}

async function freePortAfter(host: string, port: number): Promise<number> {
  for (let candidate = port + 1; candidate < Math.min(port + 50, 65_536); candidate++) {
    const isFree = await new Promise<boolean>((resolve) => {
      const probe = createServer()
      probe.once('error', () => resolve(false))
      probe.listen(candidate, host, () => probe.close(() => resolve(true)))
    })
    if (isFree) return candidate
  }
  return 0
}
