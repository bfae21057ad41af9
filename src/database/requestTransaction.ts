import type { PgClient, WithPgClient } from 'postgraphile/@dataplan/pg'

/** One transaction for all that a request changes. */
export type RequestTransaction = {
  /**
   * In place of the pool's: the first change begins the transaction, and every later statement of the
   * request, reads too, is part of it. What is read before has a connection for itself and gives it
   * back, so that none is held while, say, a password is hashed. Reads are told by their name: a
   * statement that has none is taken for a change.
   */
  withPgClient: WithPgClient
  /** Commits or rolls back. Rejects when the commit fails. */
  end(outcome: 'commit' | 'rollback'): Promise<void>
}

class RolledBack extends Error {}

/** Makes a transaction of a request; it takes no connection before the first change. */
export function makeRequestTransaction(withPgClient: WithPgClient): RequestTransaction {
  let hasEnded = false
  const ending = Promise.withResolvers<null>()
  ending.promise.catch(() => {}) // where nothing was begun, nobody else listens
  let joined: Promise<PgClient> | undefined
  let ended: Promise<unknown> = Promise.resolve()

  const begin = (settings: Record<string, string | undefined> | null): Promise<PgClient> =>
    new Promise((resolve, reject) => {
      ended = withPgClient(settings, (client) =>
        client.withTransaction((transaction) => {
          resolve(joinable(transaction))
          return ending.promise
        }),
      )
      ended.catch(reject)
    })

  return {
    async withPgClient(settings, callback) {
      const join = () => (joined ??= begin(settings))
      if (hasEnded) throw new Error('The request has been answered.')
      if (joined) return callback(await joined)
      return callback({
        query: async (query) =>
          joined || query.name === undefined
            ? (await join()).query(query)
            : withPgClient(settings, (client) => client.query(query)),
        withTransaction: async (inner) => inner(await join()),
      })
    },
    async end(outcome) {
      hasEnded = true
      if (outcome === 'commit') ending.resolve(null)
      else ending.reject(new RolledBack())
      await ended.catch((error: unknown) => {
        if (!(error instanceof RolledBack)) throw error
      })
    },
  }
}

/** A transaction that whoever asks for one is let into. */
function joinable(transaction: PgClient): PgClient {
  const client: PgClient = {
    query: (query) => transaction.query(query),
    withTransaction: (inner) => inner(client),
  }
  return client
}
