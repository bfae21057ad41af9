import type { IncomingMessage } from 'node:http'
import type { Pool } from 'pg'
import { requestFacts } from '../requestFacts.ts'

/**
 * Slack waits three seconds for an answer; what has taken longer, the wait for a connection counted in, is undone, so
 * that nobody is told it failed who then hears a door open.
 */
const patienceMs = 2500

/**
 * Runs one statement of the server's own, as a transaction that knows the request it belongs to; the value that it
 * selects, or null when it selects none.
 */
export async function runStatement(
  pool: Pool,
  request: IncomingMessage,
  text: string,
  values: unknown[],
): Promise<unknown> {
  const began = performance.now()
  const client = await pool.connect()
  let isLost = false
  try {
    const leftMs = Math.floor(patienceMs - (performance.now() - began))
    if (leftMs <= 0) throw new Error('There was no connection to the database in time.')
    await client.query('begin')
    await client.query(
      `select set_config('plinth.request', $1, true), set_config('statement_timeout', $2, true)`,
      [requestFacts(request), String(leftMs)],
    )
    const { rows } = await client.query<{ result: unknown }>(text, values)
    await client.query('commit')
    return rows[0]?.result ?? null
  } catch (error) {
    await client.query('rollback').catch(() => (isLost = true))
    throw error
  } finally {
    client.release(isLost)
  }
}
