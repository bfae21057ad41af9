import { afterAll, beforeAll } from '@jest/globals'
import pg from 'pg'
import { type TestApi, useApi } from './api.ts'
import type { Run, TestDatabase } from './database.ts'
import { makeStudio, type Studio } from './people.ts'
import { signInWith } from './sessions.ts'
import { subscribeTo, type Subscriber } from './subscriber.ts'

/** A studio whose rows are changed for good, and an API to hear of it by. */
export type LiveStudio = {
  api(): TestApi
  database(): TestDatabase
  studio(): Studio
  /** Runs SQL as the owner. */
  run: Run
  /** A new session of a person: its token. */
  signIn(personId: string): Promise<string>
  /** Subscribes on a socket of its own, which is closed behind the tests. */
  listenAs(personId: string | null, query: string, variables?: Record<string, unknown>): Promise<Subscriber>
  listenWith(token: string | undefined, query: string, variables?: Record<string, unknown>): Subscriber
}

/** Makes one for the tests of a file. */
export function useLiveStudio(env: Record<string, string> = {}): LiveStudio {
  const subscribers: Subscriber[] = []
  let client: pg.Client
  // Ahead of the API's own, which run in the order in which they are written.
  afterAll(async () => {
    await Promise.all(subscribers.map((subscriber) => subscriber.stop()))
    await client.end()
  })
  const { api, database } = useApi(env)
  let studio: Studio
  const live: LiveStudio = {
    api,
    database,
    studio: () => studio,
    run: async (sql, values) => (await client.query<Record<string, unknown>>(sql, values)).rows,
    signIn: (personId) => signInWith(live.run, personId),
    async listenAs(personId, query, variables) {
      return live.listenWith(personId === null ? undefined : await live.signIn(personId), query, variables)
    },
    listenWith(token, query, variables) {
      const subscriber = subscribeTo(api().url, query, {
        ...(token !== undefined && { token }),
        ...(variables && { variables }),
      })
      subscribers.push(subscriber)
      return subscriber
    },
  }
  beforeAll(async () => {
    client = new pg.Client({ connectionString: database().ownerUrl })
    await client.connect()
    studio = await makeStudio(live.run)
  })
  return live
}

/** What there is to say of an event in an assertion. */
export const told = ({ event, door }: Record<string, any>): [string, string | null] => [
  event as string,
  (door?.name as string | undefined) ?? null,
]
