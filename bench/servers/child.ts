import type { RequestListener, Server } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { PoolConfig } from 'pg'

/** What a server process is told, in its environment. */
export const childSetting = (name: 'OWNER_URL' | 'AUTHENTICATOR_URL' | 'FLOOR_URL' | 'SCHEMAS'): string =>
  process.env[name] ?? ''

/** Connections to Postgres, the same for every server. */
export const poolSize = 20

/** A pool like the one Plinth has. */
export const poolOf = (url: 'AUTHENTICATOR_URL' | 'FLOOR_URL'): PoolConfig => ({
  connectionString: childSetting(url),
  max: poolSize,
  idleTimeoutMillis: 30_000,
})

/** Says on which port this process serves, and ends it when its parent is gone. */
export function announce(port: number): void {
  process.on('SIGINT', () => {}) // Ctrl-C reaches the parent too, which ends this process in its turn
  process.on('disconnect', () => process.exit())
  process.send?.({ port })
}

/** Serves on any free port of this machine's own address and says which. */
export function serveOn(server: Server): void {
  server.listen(0, '127.0.0.1', () => announce((server.address() as AddressInfo).port))
}

/** Serves a handler, such as an Express app. */
export const serve = (handler: RequestListener): void => serveOn(createServer(handler))
