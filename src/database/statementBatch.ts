import pg from 'pg'
import pgUtils from 'pg/lib/utils.js'
import { type PreparedStatements, preparedStatementsOf } from './preparedStatements.ts'

/** One statement of a batch. Values are what `pg` takes as values. */
export type Statement = {
  text: string
  values: readonly unknown[]
  /** Statements that stay prepared are told apart by this and their text; null: parse it each time. */
  plan: string | null
}

/** The part of pg's connection that speaks the extended query protocol. */
export type ProtocolConnection = {
  stream: { cork(): void; uncork(): void }
  parse(message: { text: string; name: string }): void
  bind(message: { statement: string; values: unknown[] }): void
  describe(message: { type: 'P'; name: '' }): void
  execute(message: { portal: '' }): void
  close(message: { type: 'S'; name: string }): void
  sync(): void
}

/** What pg's own query class gives to build on; its types leave this out. */
type PgQuery = {
  _result: { command: string | null }
  callback: (error: Error | null, result: pg.QueryArrayResult) => void
  handleDataRow(message: unknown): void
  handleCommandComplete(message: unknown, connection: ProtocolConnection): void
  handleError(error: Error, connection: ProtocolConnection): void
  handleReadyForQuery(connection: ProtocolConnection): void
}
const PgQuery = pg.Query as unknown as new (config: object) => PgQuery

/**
 * Several statements in one trip: their messages leave in one write, ahead of a single Sync, so that
 * Postgres runs them in order as one implicit transaction (unless one of them is `begin`). Whatever
 * fails undoes all of it. The result is that of the last statement.
 */
export class StatementBatch extends PgQuery {
  readonly #statements: readonly Statement[]
  readonly #prepared: PreparedStatements
  #completed = 0

  constructor(client: pg.ClientBase, statements: readonly Statement[], rowMode: 'array' | undefined) {
    super({ text: '', rowMode })
    this.#statements = statements
    this.#prepared = preparedStatementsOf(client)
  }

  /** Index of the statement that ran, or failed, last. */
  get position(): number {
    return Math.min(this.#completed, this.#statements.length - 1)
  }

  /** Called by pg when it is this query's turn. */
  submit(connection: ProtocolConnection): Error | null {
    let values: unknown[][]
    try {
      // All of them before anything is written: a value that cannot be sent must not leave half a batch.
      values = this.#statements.map((statement) =>
        statement.values.map((value) => pgUtils.prepareValue(value)),
      )
    } catch (error) {
      return error as Error
    }
    connection.stream.cork()
    this.#prepared.closeDropped(connection)
    this.#statements.forEach(({ text, plan }, index) => {
      const statement = this.#prepared.use(connection, text, plan)
      connection.bind({ statement, values: values[index]! })
      if (index === this.#statements.length - 1) connection.describe({ type: 'P', name: '' })
      connection.execute({ portal: '' })
    })
    connection.sync()
    connection.stream.uncork()
    return null
  }

  override handleDataRow(message: unknown): void {
    if (this.#isLast()) super.handleDataRow(message)
  }

  override handleCommandComplete(message: unknown, connection: ProtocolConnection): void {
    if (this.#isLast()) super.handleCommandComplete(message, connection)
    this.#completed++
  }

  handleEmptyQuery(): void {
    this.#completed++
  }

  override handleError(error: Error, connection: ProtocolConnection): void {
    // Which of them Postgres had parsed by then is not known, so none is used again.
    for (const { text, plan } of this.#statements) this.#prepared.drop(text, plan)
    super.handleError(error, connection)
  }

  #isLast(): boolean {
    return this.#completed === this.#statements.length - 1
  }
}

/** Runs a batch on a client; rejects with what failed, `failedAt` saying which statement it was. */
export function runBatch(
  client: pg.ClientBase,
  statements: readonly Statement[],
  rowMode?: 'array',
): Promise<pg.QueryArrayResult> {
  return new Promise((resolve, reject) => {
    const batch = new StatementBatch(client, statements, rowMode)
    batch.callback = (error, result) => {
      if (error) reject(Object.assign(error, { failedAt: batch.position }))
      else resolve(result)
    }
    client.query(batch as unknown as pg.Submittable)
  })
}
