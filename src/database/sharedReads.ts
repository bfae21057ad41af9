import pLimit from 'p-limit'
import type { PgClientQuery, PgClientResult, WithPgClient } from 'postgraphile/@dataplan/pg'
import type { NodePostgresPgClient } from 'postgraphile/adaptors/pg'

type Client = Pick<NodePostgresPgClient, 'query' | 'withTransaction' | 'rawClient'>

/**
 * Access to the database for those who are all told at once: at most `atOnce` of them use a connection at
 * a time, so that requests find some free, and a read that has not begun yet is shared by all who ask the
 * same as the same caller. One that has begun is not: it might not see what somebody has just been told.
 */
export function makeSharedReads(
  withPgClient: WithPgClient<NodePostgresPgClient>,
  atOnce: number,
): WithPgClient<NodePostgresPgClient> {
  const inTurn = pLimit(atOnce)
  const waiting = new Map<string, Promise<PgClientResult<unknown>>>()

  return async (settings, callback) => {
    const query = async <Row>(asked: PgClientQuery): Promise<PgClientResult<Row>> => {
      const key = JSON.stringify([settings, asked.text, asked.values, asked.arrayMode])
      let answer = waiting.get(key)
      if (!answer) {
        answer = inTurn(async () => {
          // Those who were told at the same moment are to have asked by then.
          await new Promise((resolve) => setImmediate(resolve))
          waiting.delete(key)
          return withPgClient(settings, (client) => client.query<unknown>(asked))
        })
        waiting.set(key, answer)
      }
      const { rows, ...rest } = await answer
      return { ...rest, rows: [...rows] as Row[] }
    }
    const client: Client = {
      query,
      withTransaction: (run) =>
        inTurn(() => withPgClient(settings, (connected) => connected.withTransaction(run))),
      get rawClient(): never {
        throw new Error('A shared read has no connection of its own.')
      },
    }
    return callback(client)
  }
}
