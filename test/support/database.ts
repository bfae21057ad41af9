import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach } from '@jest/globals'
import pg from 'pg'
import { withConnection, withDatabase } from '../../src/database/connection.ts'
import { cluster, clusterRoles, urlAs } from './cluster.ts'
import { eventually } from './eventually.ts'

/** A database of one's own: a clone of the migrated template, or an empty one. */
export type TestDatabase = {
  name: string
  ownerUrl: string
  authenticatorUrl: string
  superuserUrl: string
  drop(): Promise<void>
}

/** Makes a database; `template0` for an empty one. */
export async function makeDatabase(template = cluster().template): Promise<TestDatabase> {
  const { superuserUrl } = cluster()
  const name = `plinth_test_${randomUUID().replaceAll('-', '')}`
  await withConnection(superuserUrl, (client) =>
    client.query(
      `create database ${name} template ${template} owner ${clusterRoles.owner} strategy file_copy`,
    ),
  )
  return {
    name,
    ownerUrl: urlAs(superuserUrl, clusterRoles.owner, name),
    authenticatorUrl: urlAs(superuserUrl, clusterRoles.authenticator, name),
    superuserUrl: withDatabase(superuserUrl, name),
    // Not with (force): a connection that a test left open is a fault to hear of. One that was ended a
    // moment ago may still be on its way out.
    drop: () =>
      withConnection(superuserUrl, async (client) => {
        const open = async () =>
          (
            await client.query<{ query: string }>(
              'select query from pg_stat_activity where datname = $1 and backend_type = $2',
              [name, 'client backend'],
            )
          ).rows
        await eventually(async () => {
          const rows = await open()
          if (rows.length > 0) {
            throw new Error(`A test left connections open; their last statements: ${JSON.stringify(rows)}`)
          }
        }, 2000).finally(() => client.query(`drop database ${name} with (force)`))
      }),
  }
}

type Rows = Record<string, unknown>[]

/** Runs SQL as somebody, inside the test's transaction. An error undoes that statement alone. */
export type Run = (sql: string, values?: unknown[]) => Promise<Rows>

/** Who runs SQL in a test. */
export type Actors = {
  /** The owner, whom row-level security does not concern. */
  owner: Run
  anonymous: Run
  /** The person with an id, in the session with an id where one is given. */
  person(id: string, sessionId?: string): Run
  /** The device with an id. */
  device(id: string): Run
  /** Has a person act in a session from now on, until the test ends, where none is given. */
  stayIn(sessionId: string, id: string): void
}

/** A transaction for each test of a file, rolled back behind it. */
export function useTransaction(): Actors {
  let database: TestDatabase
  let client: pg.Client
  beforeAll(async () => {
    database = await makeDatabase()
    client = new pg.Client({ connectionString: database.superuserUrl })
    await client.connect()
  })
  afterAll(async () => {
    await client.end()
    await database.drop()
  })
  const sessions = new Map<string, string>()
  beforeEach(async () => {
    sessions.clear()
    await client.query('begin')
  })
  afterEach(() => client.query('rollback'))

  const runAs =
    (role: string, personId = '', sessionId = '', deviceId = ''): Run =>
    async (sql, values) => {
      await client.query('savepoint statement')
      try {
        await client.query(
          `select set_config('plinth.person_id', $1, true), set_config('plinth.session_id', $2, true),
             set_config('plinth.device_id', $3, true), set_config('role', $4, true)`,
          [personId, sessionId, deviceId, role],
        )
        const { rows } = await client.query<Rows[number]>(sql, values)
        await client.query('reset role; release savepoint statement')
        return rows
      } catch (error) {
        await client.query('rollback to savepoint statement')
        throw error
      }
    }
  return {
    owner: runAs(clusterRoles.owner),
    anonymous: runAs('plinth_anonymous'),
    person: (id, sessionId = sessions.get(id)) => runAs('plinth_person', id, sessionId),
    device: (id) => runAs('plinth_device', '', '', id),
    stayIn: (sessionId, id) => void sessions.set(id, sessionId),
  }
}
