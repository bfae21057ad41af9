import { randomBytes } from 'node:crypto'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadConfig } from '../src/config.ts'
import { withConnection, withDatabase } from '../src/database/connection.ts'
import { type EmbeddedPostgres, startEmbedded } from '../src/database/embedded.ts'
import { connectionsLetGo, migrate } from '../src/database/migrations.ts'
import { makeLog } from '../src/log.ts'

/** What differs from Postgres's defaults; commits are durable. */
export const postgresSettings = {
  max_connections: '300', // every server keeps its pool
  shared_buffers: '512MB',
  random_page_cost: '1.1',
  max_wal_size: '4GB',
  jit: 'off', // its compiling would swamp queries of a few milliseconds, for everybody alike
}

/** Raises a Postgres of the usual, durable kind with the settings above and nothing in it. */
export async function raisePostgres(): Promise<EmbeddedPostgres> {
  const dataDir = mkdtempSync(join(tmpdir(), 'plinth-bench-'))
  chmodSync(dataDir, 0o755) // the user that Postgres runs as under root has to enter it
  const remove = () => rmSync(dataDir, { recursive: true, force: true })
  try {
    const first = await startEmbedded({ dataDir })
    await withConnection(first.superuserUrl, async (client) => {
      for (const [name, value] of Object.entries(postgresSettings)) {
        await client.query(`alter system set ${name} = '${value}'`)
      }
    }).finally(first.stop)
    const server = await startEmbedded({ dataDir })
    return { ...server, stop: () => server.stop().finally(remove) }
  } catch (error) {
    remove()
    throw error
  }
}

/** A migrated database of this project. */
export type ProjectDatabase = {
  superuserUrl: string
  ownerUrl: string
  authenticatorUrl: string
  /** Address for another role, whose password is to be `password`. */
  urlAs(role: string): string
  password: string
}

/** Makes the first database of this project in a server. */
export async function makeProjectDatabase(serverUrl: string, name: string): Promise<ProjectDatabase> {
  const superuserUrl = withDatabase(serverUrl, name)
  const password = randomBytes(16).toString('hex')
  const urlAs = (role: string) => {
    const url = new URL(superuserUrl)
    url.username = role
    url.password = password
    return url.toString()
  }
  const ownerUrl = urlAs('plinth_owner')
  const authenticatorUrl = urlAs('plinth_authenticator')

  await withConnection(serverUrl, async (client) => {
    await client.query(`create role plinth_owner login createdb createrole password '${password}'`)
    await client.query(`create role plinth_authenticator login noinherit password '${password}'`)
    await client.query(`create database ${name} owner plinth_owner`)
  })
  const config = loadConfig({
    env: { DATABASE_URL: ownerUrl, AUTHENTICATOR_DATABASE_URL: authenticatorUrl },
  })
  await migrate(config, { ownerUrl, authenticatorUrl }, makeLog({ logLevel: 'warn' }, false))
  await connectionsLetGo()
  return { superuserUrl, ownerUrl, authenticatorUrl, urlAs, password }
}

/** Process id of the server at an address, whose children are the backends. */
export const postmasterPid = (superuserUrl: string): Promise<number> =>
  withConnection(superuserUrl, async (client) => {
    const { rows } = await client.query<{ pid: string }>(
      `select split_part(pg_read_file('postmaster.pid'), E'\\n', 1) as pid`,
    )
    return Number(rows[0]?.pid)
  })
