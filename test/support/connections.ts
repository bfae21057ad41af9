import { afterAll, beforeAll } from '@jest/globals'
import pg from 'pg'
import { makeDatabase, type Run, type TestDatabase } from './database.ts'
import { eventually } from './eventually.ts'

/** Somebody with a connection of their own; the owner in rights, so that only what is meant to stands in their way. */
export type Connection = {
  run: Run
  /** From now on, who the functions take the caller for. */
  become(caller: { person?: string; device?: string }): Promise<void>
  /** Resolves once what was asked last waits for somebody else. */
  untilWaiting(): Promise<void>
}

/** Connections that are truly apart, to a database of the tests of a file; what they commit stays. */
export function useConnections(count: number): {
  database(): TestDatabase
  /** One more, that never waits for the others by itself. */
  owner: Run
  connections(): Connection[]
} {
  let database: TestDatabase
  let clients: pg.Client[] = []
  let connections: Connection[] = []
  const runOn =
    (client: () => pg.Client): Run =>
    async (sql, values) =>
      (await client().query<Record<string, unknown>>(sql, values)).rows
  const owner = runOn(() => clients[0]!)

  const toConnection = (client: pg.Client): Connection => {
    const run = runOn(() => client)
    const { processID } = client as pg.Client & { processID: number } // which the types of pg leave out
    return {
      run,
      become: async ({ person = '', device = '' }) => {
        await run(
          `select set_config('plinth.person_id', $1, false), set_config('plinth.device_id', $2, false)`,
          [person, device],
        )
      },
      untilWaiting: () =>
        eventually(async () => {
          const [row] = await owner('select cardinality(pg_blocking_pids($1)) > 0 as waits', [processID])
          if (row!.waits !== true) throw new Error('It does not wait.')
        }),
    }
  }
  beforeAll(async () => {
    database = await makeDatabase()
    clients = await Promise.all(
      Array.from({ length: count + 1 }, async () => {
        const client = new pg.Client({ connectionString: database.ownerUrl })
        await client.connect()
        return client
      }),
    )
    connections = clients.slice(1).map(toConnection)
  })
  afterAll(async () => {
    await Promise.all(clients.map((client) => client.end()))
    await database.drop()
  })
  return { database: () => database, owner, connections: () => connections }
}
