import pg from 'pg'
import { serialize } from 'pg-protocol'
import pgUtils from 'pg/lib/utils.js'
import { type Prepared, type PreparedStatements, preparedStatementsOf } from './preparedStatements.ts'

/** One statement of a batch, its values as `toSent` makes them. */
export type Statement = {
  text: string
  values: readonly unknown[]
  /** Statements that stay prepared are told apart by this and their text; null: parse it each time. */
  plan: string | null
}

/** Rows of the last statement of a batch, as arrays or as objects, and how many it touched. */
export type BatchResult = { rows: unknown[]; rowCount: number | null }

/** The columns of a result: names, and what makes a value of the text that Postgres sends. */
export type Columns = { names: string[]; parsers: Parser[] }
type Parser = (text: string) => unknown

/** The part of pg's connection that a batch writes to. */
type Connection = { stream: { write(bytes: Buffer): boolean } }
// The types list the built-in types alone; the database has others.
const parserOf = pg.types.getTypeParser as (type: number, format: 'text') => Parser
type Settled = (error: Error | null, result?: BatchResult) => void

/** A value as it is sent: text, bytes or null. Throws for one that cannot be. */
export const toSent = (value: unknown): unknown => pgUtils.prepareValue(value)

/**
 * Several statements in one trip: their messages leave in one write, ahead of a single Sync, so that
 * Postgres runs them in order as one implicit transaction (unless one of them is `begin`). Whatever
 * fails undoes all of it. The result is that of the last statement. `pg` calls the handlers.
 */
export class StatementBatch implements pg.Submittable {
  callback: Settled
  readonly #statements: readonly Statement[]
  readonly #prepared: PreparedStatements
  readonly #asArrays: boolean
  readonly #rows: unknown[] = []
  #last: Prepared = { name: '' }
  #columns: Columns = { names: [], parsers: [] }
  #completed = 0
  #rowCount: number | null = null
  #failure: Error | null = null

  constructor(client: pg.ClientBase, statements: readonly Statement[], asArrays: boolean, callback: Settled) {
    this.#statements = statements
    this.#prepared = preparedStatementsOf(client)
    this.#asArrays = asArrays
    this.callback = callback
  }

  /** Index of the statement that ran, or failed, last. */
  get position(): number {
    return Math.min(this.#completed, this.#statements.length - 1)
  }

  /** Called by pg when it is this batch's turn. */
  submit(connection: unknown): void {
    const messages = this.#prepared.closeDropped()
    this.#statements.forEach(({ text, values, plan }, index) => {
      this.#last = this.#prepared.use(text, plan, messages)
      messages.push(serialize.bind({ statement: this.#last.name, values: [...values] }))
      // What is prepared and was described once is not described again.
      if (index === this.#statements.length - 1 && !this.#last.columns)
        messages.push(serialize.describe({ type: 'P' }))
      messages.push(serialize.execute())
    })
    messages.push(serialize.sync())
    this.#columns = this.#last.columns ?? this.#columns
    ;(connection as Connection).stream.write(Buffer.concat(messages))
  }

  handleRowDescription({ fields }: { fields: pg.FieldDef[] }): void {
    this.#columns = {
      names: fields.map(({ name }) => name),
      parsers: fields.map(({ dataTypeID }) => parserOf(dataTypeID, 'text')),
    }
    this.#last.columns = this.#columns
  }

  handleDataRow({ fields }: { fields: (string | null)[] }): void {
    if (this.#completed < this.#statements.length - 1 || this.#failure) return
    try {
      const { names, parsers } = this.#columns
      const values = fields.map((text, index) => (text === null ? null : parsers[index]!(text)))
      this.#rows.push(
        this.#asArrays ? values : Object.fromEntries(values.map((value, index) => [names[index], value])),
      )
    } catch (error) {
      this.#failure = error as Error
    }
  }

  handleCommandComplete({ text }: { text: string }): void {
    const count = /\d+$/.exec(text)
    this.#rowCount = count && Number(count[0])
    this.#completed++
  }

  handleEmptyQuery(): void {
    this.#completed++
  }

  handleError(error: Error): void {
    // Which of them Postgres had parsed by then is not known, so none is used again.
    for (const { text, plan } of this.#statements) this.#prepared.drop(text, plan)
    this.callback(error)
  }

  handleReadyForQuery(): void {
    this.callback(this.#failure, { rows: this.#rows, rowCount: this.#rowCount })
  }
}

/** Runs a batch on a client; rejects with what failed, `failedAt` saying which statement it was. */
export function runBatch(
  client: pg.ClientBase,
  statements: readonly Statement[],
  asArrays = false,
): Promise<BatchResult> {
  return new Promise((resolve, reject) => {
    const batch = new StatementBatch(client, statements, asArrays, (error, result) => {
      if (error) reject(Object.assign(error, { failedAt: batch.position }))
      else resolve(result!)
    })
    client.query(batch)
  })
}
