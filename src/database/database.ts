import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import type { Config } from '../config.ts'
import { Fault } from '../fault.ts'
import type { Progress } from '../progress.ts'
import { checkServer, withConnection, withDatabase } from './connection.ts'
import { runningEmbedded, startEmbedded } from './embedded.ts'
import { takeLock } from './processLock.ts'

/** A database to work with: one that was configured, or the embedded one. */
export type Database = {
  /** As the owner, who migrates and runs jobs. */
  ownerUrl: string
  /** As the API, which owns nothing. */
  authenticatorUrl: string
  /** Such as "18.4". */
  version: string
  isEmbedded: boolean
  /** Stops the embedded Postgres if this process started it. */
  close(): Promise<void>
}

// The embedded cluster has one database; owner and authenticator are ordinary roles in it, with the
// rights they would have anywhere else, so that what works here works there.
const embedded = { database: 'plinth', owner: 'plinth_owner', authenticator: 'plinth_authenticator' }

/** Where the embedded Postgres is locked while a process runs it. */
export const lockFile = (config: Pick<Config, 'dataDir'>): string => join(config.dataDir, 'lock.json')

/**
 * Opens the configured database, or starts the embedded one. With `mayShare`, joins an embedded one
 * that another process is running; without, that is a Fault.
 */
export async function openDatabase(
  config: Config,
  command: string,
  progress: Progress,
  { mayShare = false } = {},
): Promise<Database> {
  if (config.authenticatorDatabaseUrl !== null) {
    const authenticatorUrl = config.authenticatorDatabaseUrl
    const ownerUrl = config.databaseUrl ?? authenticatorUrl
    return progress.step('Postgres', async (note) => {
      const version = await checkServer(
        ownerUrl,
        config.databaseUrl ? 'DATABASE_URL' : 'AUTHENTICATOR_DATABASE_URL',
      )
      note(`${version} at ${new URL(ownerUrl).host}`)
      return { ownerUrl, authenticatorUrl, version, isEmbedded: false, close: async () => {} }
    })
  }

  return progress.step('Embedded Postgres', async (note) => {
    if (mayShare) {
      const running = await runningEmbedded(config.dataDir)
      if (running) {
        const opened = await prepareEmbedded(config, running.superuserUrl)
        note(`${opened.version}, joined on port ${running.port}`)
        return { ...opened, close: async () => {} }
      }
    }
    const lock = lockData(config, command)
    try {
      const server = await startEmbedded({ dataDir: config.dataDir })
      try {
        const opened = await prepareEmbedded(config, server.superuserUrl)
        note(`${opened.version} on port ${server.port}`)
        const close = () => server.stop().finally(lock.release)
        return { ...opened, close }
      } catch (error) {
        await server.stop()
        throw error
      }
    } catch (error) {
      lock.release()
      throw error
    }
  })
}

function lockData(config: Config, command: string): { release(): void } {
  try {
    const lock = takeLock(lockFile(config), command)
    if ('release' in lock) return lock
    const { holder } = lock
    throw new Fault(`${config.dataDir} is in use by "plinth ${holder.command}" (process ${holder.pid}).`, [
      'Stop that one first (Ctrl-C in its terminal), or give this one a folder of its own: --data-dir',
    ])
  } catch (error) {
    if (error instanceof Fault) throw error
    throw new Fault(
      `The data folder ${config.dataDir} cannot be written.`,
      ['Set DATA_DIR to a folder that you may write to.'],
      { cause: error },
    )
  }
}

/** Makes the owner and the database on the first run; on later ones finds them. */
async function prepareEmbedded(
  config: Config,
  superuserUrl: string,
): Promise<Pick<Database, 'ownerUrl' | 'authenticatorUrl' | 'version' | 'isEmbedded'>> {
  const password = keepSecret(config, 'owner-password')
  const ownerUrl = new URL(withDatabase(superuserUrl, embedded.database))
  ownerUrl.username = embedded.owner
  ownerUrl.password = password
  const authenticatorUrl = new URL(ownerUrl)
  authenticatorUrl.username = embedded.authenticator
  authenticatorUrl.password = keepSecret(config, 'authenticator-password')

  const version = await checkServer(superuserUrl, 'DATA_DIR')
  await withConnection(superuserUrl, async (client) => {
    const has = async (sql: string, name: string) => (await client.query(sql, [name])).rowCount === 1
    const owner = pg.escapeIdentifier(embedded.owner)
    if (!(await has('select from pg_roles where rolname = $1', embedded.owner))) {
      await client.query(
        `create role ${owner} login createdb createrole password ${pg.escapeLiteral(password)}`,
      )
    }
    if (!(await has('select from pg_database where datname = $1', embedded.database))) {
      await client.query(`create database ${pg.escapeIdentifier(embedded.database)} owner ${owner}`)
    }
  })
  return {
    ownerUrl: ownerUrl.toString(),
    authenticatorUrl: authenticatorUrl.toString(),
    version,
    isEmbedded: true,
  }
}

function keepSecret(config: Config, name: string): string {
  const folder = join(config.dataDir, 'secrets')
  const file = join(folder, name)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  if (!existsSync(file)) writeFileSync(file, randomBytes(24).toString('hex'), { mode: 0o600 })
  return readFileSync(file, 'utf8')
}
