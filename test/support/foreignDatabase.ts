import { afterAll, beforeAll } from '@jest/globals'
import { withConnection, withDatabase } from '../../src/database/connection.ts'
import { startThrowaway } from '../../src/database/throwaway.ts'
import { makeApi, type TestApi } from './api.ts'
import type { TestDatabase } from './database.ts'

/**
 * A database, for the tests of a file, in a server of its own, which has no role and no schema that Plinth
 * knows. Names of roles are their passwords.
 */
export function useForeignDatabase(sql: string): { database: () => TestDatabase } {
  let database: TestDatabase | undefined
  let stop: (() => Promise<void>) | undefined
  beforeAll(async () => {
    const server = await startThrowaway()
    stop = server.stop
    const name = 'unseen'
    await withConnection(server.superuserUrl, (client) => client.query(`create database ${name}`))
    const superuserUrl = withDatabase(server.superuserUrl, name)
    await withConnection(superuserUrl, (client) => client.query(sql))
    const none = '' // what is served as it is has one address
    database = { name, superuserUrl, ownerUrl: superuserUrl, authenticatorUrl: none, drop: async () => {} }
  }, 120_000)
  afterAll(() => stop?.())
  return { database: () => database! }
}

/**
 * Serves a foreign database as it is, signed in as `role` or else as its owner, with room for tests that ask
 * for everything there is of a row at once.
 */
export function serveAsIs(
  database: TestDatabase,
  role?: string,
  env: Record<string, string> = {},
): Promise<TestApi> {
  return makeApi(
    { ...database, ownerUrl: role ? urlAs(database, role) : database.ownerUrl },
    { SCHEMAS: 'public', LIMIT_OBJECTS: '100', ...env },
  )
}

function urlAs(database: TestDatabase, role: string): string {
  const url = new URL(database.superuserUrl)
  url.username = role
  url.password = role
  return url.toString()
}

/** Everything that is in the catalogs of a database and of its server, one line each. */
export function listCatalog(database: TestDatabase): Promise<string[]> {
  const catalogs = ['pg_class', 'pg_attribute', 'pg_proc', 'pg_namespace', 'pg_type', 'pg_constraint']
  const rest = [
    'pg_event_trigger',
    'pg_trigger',
    'pg_extension',
    'pg_policy',
    'pg_description',
    'pg_default_acl',
  ]
  const server = ['pg_database', 'pg_authid', 'pg_auth_members', 'pg_db_role_setting', 'pg_replication_slots']
  return withConnection(database.superuserUrl, async (client) => {
    const lines: string[] = []
    for (const catalog of [...catalogs, ...rest, ...server]) {
      // What the server keeps of its own accord: sizes, ages of transactions.
      const { rows } = await client.query<{ line: string }>(
        `select (to_jsonb(it) - '{relpages,reltuples,relallvisible,relallfrozen,relfrozenxid,relminmxid,datfrozenxid,datminmxid}'::text[])::text as line
         from ${catalog} as it order by 1`,
      )
      lines.push(...rows.map(({ line }) => `${catalog} ${line}`))
    }
    return lines
  })
}

/** Every row of every table, one line each. */
export function listRows(database: TestDatabase): Promise<string[]> {
  return withConnection(database.superuserUrl, async (client) => {
    const { rows: tables } = await client.query<{ name: string }>(
      `select oid::regclass::text as name from pg_class
       where relkind in ('r', 'm') and relnamespace <> all ('{pg_catalog,information_schema,pg_toast}'::regnamespace[])
       order by 1`,
    )
    const lines: string[] = []
    for (const { name } of tables) {
      const { rows } = await client.query<{ line: string }>(
        `select it::text as line from ${name} as it order by 1`,
      )
      lines.push(...rows.map(({ line }) => `${name} ${line}`))
    }
    return lines
  })
}
