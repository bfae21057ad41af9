import type { Pool, PoolClient } from 'pg'
import type { PgClientQuery, PgClientResult, WithPgClient } from 'postgraphile/@dataplan/pg'
import { makePgService, type NodePostgresPgClient } from 'postgraphile/adaptors/pg'
import { AppError } from '../errors.ts'
import { codeOf } from '../fault.ts'
import { runBatch, type Statement, toSent } from './statementBatch.ts'

/** What a request runs under: a handful of texts, from the caller's token. */
export type CallerSettings = Record<string, string | undefined>

/** What is known of the request that a statement belongs to, as JSON; '' for one that belongs to none. */
export type RequestFacts = () => string

/** How a caller's settings are applied to the transaction. */
export type CallerStatement = {
  /** Returns no rows: set_config is never null, and rows would only have to be sent and read. */
  text: string
  values(settings: CallerSettings, facts: RequestFacts): unknown[]
  /**
   * Tells callers apart who act as different roles. A plan made under row-level security holds for one
   * role; sharing its statement with another would have Postgres plan it anew at each change. Null: no
   * statement is to stay prepared.
   */
  plan(settings: CallerSettings): string | null
}

/**
 * For a project: the token's hash goes to the database with the query, and app_private.identify says
 * what it is worth. Nothing is remembered here, so a session that ends is refused on the next statement.
 * What is known of the request goes along, for SQL that counts attempts or keeps a record of them.
 */
export const identifyByToken: CallerStatement = {
  text: `select where set_config('plinth.request', $2, true) is null
         union all
         select
         from app_private.identify(decode(nullif($1, ''), 'hex')) as caller
         where set_config(caller.setting, caller.value, true) is null`,
  values: ({ tokenHash }, facts) => [tokenHash, facts()],
  plan: ({ tokenHash }) => (tokenHash ? 'known' : 'anonymous'),
}

/** For a database that is served as it is: the settings themselves, from verified claims. */
export const applySettings: CallerStatement = {
  text: `select
         from json_each_text($1::json) as caller
         where set_config(caller.key, caller.value, true) is null`,
  values: (settings) => [JSON.stringify(settings)],
  plan: ({ role = '' }) => role,
}

/**
 * A PostGraphile service on a pool, and what requests get at it with. Every
 * statement runs under the caller's settings, which last for its transaction alone. A single statement
 * takes one trip to the database: settings and statement leave together and are one implicit
 * transaction. Several, inside `withTransaction`, take one trip each, `begin` and settings travelling
 * with the first, and one for the commit.
 */
export function makeCallerService(
  pool: Pool,
  schemas: readonly string[],
  {
    caller,
    keepsPrepared = true,
    statementMs,
  }: {
    caller: CallerStatement
    keepsPrepared?: boolean
    /** When Postgres ends a statement; without, as it is set up to. */
    statementMs?: number
  },
) {
  const plan = keepsPrepared ? (settings: CallerSettings) => caller.plan(settings) : () => null
  const service = makePgService({ pool, schemas: [...schemas] })
  // Together with the caller's settings, so that it holds behind a pooler and costs no trip. To compile a query costs
  // more than it gains at the size of those that a request makes.
  const ownSettings = { jit: 'off', ...(statementMs && { statement_timeout: statementMs }) }
  const text = [
    caller.text,
    ...Object.entries(ownSettings).map(
      ([name, value]) => `select where set_config('${name}', '${value}', true) is null`,
    ),
  ].join(' union all ')
  const applied: CallerStatement = { ...caller, text, plan }
  const isAlways = statementMs !== undefined
  /** Access for one request, whose facts are asked for when its first statement is sent. */
  const forRequest = (facts: RequestFacts) => makeWithCaller(pool, applied, isAlways, facts)
  const createWithPgClient = () => forRequest(() => '')
  return {
    service: { ...service, adaptor: { ...service.adaptor, createWithPgClient } },
    withPgClient: createWithPgClient(),
    forRequest,
  }
}

function makeWithCaller(
  pool: Pool,
  caller: CallerStatement,
  isAlways: boolean,
  facts: RequestFacts,
): WithPgClient<NodePostgresPgClient> {
  return async (settings, callback) => {
    const plan = caller.plan(settings ?? {})
    const before =
      settings && (isAlways || Object.keys(settings).length > 0)
        ? [{ text: caller.text, values: caller.values(settings, facts), plan }]
        : []
    const client = await pool.connect()
    let failure: Error | undefined
    try {
      return await callback(makeCallerClient(client, before, plan))
    } catch (error) {
      // A connection whose transaction could not be ended is of no further use.
      if (error instanceof TransactionNotEnded) failure = error
      throw error instanceof TransactionNotEnded ? error.cause : error
    } finally {
      client.release(failure)
    }
  }
}

class TransactionNotEnded extends Error {}

function makeCallerClient(
  client: PoolClient,
  before: readonly Statement[],
  plan: string | null,
): NodePostgresPgClient {
  const run = async <Row>(
    { text, values = [], arrayMode }: PgClientQuery,
    takeAhead: () => readonly Statement[],
  ): Promise<PgClientResult<Row>> => {
    // A value that cannot be sent ends here, before anything counts as sent.
    const statement = { text, values: values.map(toSent), plan }
    const ahead = takeAhead()
    try {
      const { rows, rowCount } = await runBatch(client, [...ahead, statement], arrayMode)
      return { rows: rows as Row[], rowCount }
    } catch (error) {
      throw (error as { failedAt?: number }).failedAt === ahead.length ? error : callerFault(error)
    }
  }

  return {
    rawClient: client,
    query: (query) => run(query, () => before),
    async withTransaction(callback) {
      // Sent with the first statement; a transaction without one never begins.
      let pending: readonly Statement[] = [begin, ...before]
      const hasBegun = () => pending.length === 0

      const inside = (depth: number): NodePostgresPgClient => ({
        rawClient: client,
        query(query) {
          return run(query, () => {
            const first = pending
            pending = []
            return first
          })
        },
        async withTransaction(inner) {
          await this.query({ text: `savepoint level${depth}` })
          try {
            const result = await inner(inside(depth + 1))
            await this.query({ text: `release savepoint level${depth}` })
            return result
          } catch (error) {
            await this.query({ text: `rollback to savepoint level${depth}` })
            throw error
          }
        },
      })

      let result
      try {
        result = await callback(inside(1))
      } catch (error) {
        if (hasBegun()) {
          await client.query('rollback').catch(() => {
            throw new TransactionNotEnded('rollback failed', { cause: error })
          })
        }
        throw error
      }
      if (hasBegun()) {
        const { command } = await client.query('commit').catch((cause: unknown) => {
          throw new TransactionNotEnded('commit failed', { cause })
        })
        // Postgres answers so when a statement had failed and somebody went on regardless.
        if (command !== 'COMMIT')
          throw new Error('The transaction was rolled back: a statement in it had failed.')
      }
      return result
    },
  }
}

const begin: Statement = { text: 'begin', values: [], plan: null }

// 22023: there is no such role; 42501: this login may not become it. Both come from the token.
function callerFault(error: unknown): unknown {
  const code = codeOf(error)
  if (code !== '22023' && code !== '42501') return error
  return new AppError('FORBIDDEN', 'The role that your token names cannot be used here.', { cause: error })
}
