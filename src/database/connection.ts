import pg from 'pg'
import { codeOf, Fault, messageOf } from '../fault.ts'
import type { Log } from '../log.ts'

/** The oldest Postgres that Plinth runs on. */
export const leastPostgres = 15

/** An address as it may be shown: without its password. */
export function publicUrl(url: string): string {
  const shown = new URL(url)
  shown.password = ''
  shown.search = ''
  return shown.toString()
}

/** The database that an address names; as in libpq, the user's name where it names none. */
export function databaseOf(url: string): string {
  const { pathname, username } = new URL(url)
  return decodeURIComponent(pathname.slice(1) || username)
}

/** The same server and user, another database. */
export function withDatabase(url: string, database: string): string {
  const other = new URL(url)
  other.pathname = `/${encodeURIComponent(database)}`
  return other.toString()
}

/** Runs something on a connection of its own, which is closed afterwards whatever happens. */
export async function withConnection<T>(url: string, run: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 })
  client.on('error', () => {}) // a lost connection fails the query that is running
  await client.connect()
  try {
    return await run(client)
  } finally {
    await client.end().catch(() => {})
  }
}

/**
 * Connects once and returns the server's version, such as "18.4". Throws a Fault in words where the
 * database cannot be reached, refuses the sign-in, or is too old.
 */
export async function checkServer(url: string, setting: string): Promise<string> {
  const rows = await withConnection(url, (client) =>
    client.query<{ server_version: string; number: number }>(
      `select current_setting('server_version') as server_version,
              current_setting('server_version_num')::int as number`,
    ),
  ).catch((error: unknown) => {
    throw connectionFault(url, setting, error)
  })
  const { server_version: version = '', number = 0 } = rows.rows[0] ?? {}
  if (number < leastPostgres * 10_000) {
    throw new Fault(`Postgres ${version} is too old: Plinth needs ${leastPostgres} or newer.`, [
      `It runs at ${publicUrl(url)} (${setting}).`,
    ])
  }
  return version.split(' ')[0] ?? version
}

function connectionFault(url: string, setting: string, error: unknown): Fault {
  const { hostname, port, username } = new URL(url)
  const where = `${hostname}:${port || 5432}`
  const database = databaseOf(url)
  const messages: Record<string, string> = {
    ECONNREFUSED: `No database answers at ${where}: is Postgres running there?`,
    ENOTFOUND: `There is no host named ${hostname}.`,
    EAI_AGAIN: `The name ${hostname} cannot be looked up at present.`,
    ETIMEDOUT: `${where} did not answer in time.`,
    '28P01': `Postgres at ${where} refuses the password of ${username}.`,
    '28000': `Postgres at ${where} does not let ${username} in.`,
    '3D000': `There is no database named ${database} at ${where}.`,
    '53300': `Postgres at ${where} has no connection left.`,
    '57P03': `Postgres at ${where} is starting up or shutting down.`,
  }
  return new Fault(
    messages[codeOf(error) ?? ''] ?? `Cannot connect to the database at ${where}: ${messageOf(error)}.`,
    [`Check ${setting}: ${publicUrl(url)}`],
    { cause: error },
  )
}

/** A pool that survives the loss of its connections and that never lets a caller wait without end. */
export function makePool(url: string, size: number, log: Log, waitMs = 10_000): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    max: size,
    connectionTimeoutMillis: waitMs,
    idleTimeoutMillis: 30_000,
    application_name: 'plinth',
  })
  // Without a listener, the loss of an idle connection would end the process.
  pool.on('error', (error) => log.warn({ error: error.message }, 'idle database connection lost'))
  pool.on('connect', (client) => client.on('error', () => {}))
  return pool
}

/**
 * Ends a pool; resolves when its connections are gone. By itself it does not wait for them, and Postgres, if it is
 * stopped next, has something to say to each that it finds.
 */
export async function endPool(pool: pg.Pool): Promise<void> {
  let left = pool.totalCount
  const gone = new Promise<void>((resolve) => {
    if (left === 0) resolve()
    pool.on('remove', () => --left === 0 && resolve())
  })
  await pool.end()
  await gone
}
