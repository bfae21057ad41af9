import { afterAll, beforeAll } from '@jest/globals'
import { type Config, loadConfig } from '../../src/config.ts'
import { withConnection } from '../../src/database/connection.ts'
import { type Api, startApi } from '../../src/http/api.ts'
import { type Listener, listen } from '../../src/http/listen.ts'
import { makeLog } from '../../src/log.ts'
import { type Answer, ask, type Asked } from './ask.ts'
import { makeDatabase, type Run, type TestDatabase } from './database.ts'

/** An API on a database of the test's own. */
export type TestApi = {
  url: string
  config: Config
  /** Sends an operation, with a token as the bearer where one is given. */
  ask(query: string, options?: Asked): Promise<Answer>
  close(): Promise<void>
}

/** Serves a database as in production, but for introspection; `env` adds settings or replaces them. */
export async function makeApi(database: TestDatabase, env: Record<string, string> = {}): Promise<TestApi> {
  const config = loadConfig({
    env: {
      DATABASE_URL: database.ownerUrl,
      AUTHENTICATOR_DATABASE_URL: database.authenticatorUrl,
      LOG_LEVEL: 'silent',
      MODE: 'production',
      INTROSPECTION: 'on',
      ...env,
    },
  })
  const listener: Listener = await listen('127.0.0.1', 0)
  const log = makeLog(config, false)
  const authenticatorUrl = config.authenticatorDatabaseUrl ?? ''
  const api: Api = await startApi(config, authenticatorUrl, listener, log, null).catch(
    async (error: unknown) => {
      await listener.close(0)
      throw error
    },
  )
  const url = `http://127.0.0.1:${listener.port}`
  return {
    url,
    config,
    close: () => api.close(),
    ask: (query, options) => ask(url, query, options),
  }
}

/** An API on a clone of the project's database, for the tests of a file; `sql` is run there first, as the owner. */
export function useApi(
  env: Record<string, string> = {},
  sql = '',
): {
  api: () => TestApi
  database: () => TestDatabase
  /** Runs SQL as the owner, on a connection of its own. */
  run: Run
} {
  let database: TestDatabase | undefined
  let api: TestApi | undefined
  beforeAll(async () => {
    database = await makeDatabase()
    if (sql !== '') await withConnection(database.ownerUrl, (client) => client.query(sql))
    api = await makeApi(database, env)
  })
  afterAll(async () => {
    await api?.close()
    await database?.drop()
  })
  return {
    api: () => api!,
    database: () => database!,
    run: (text, values) =>
      withConnection(
        database!.ownerUrl,
        async (client) => (await client.query<Record<string, unknown>>(text, values)).rows,
      ),
  }
}
