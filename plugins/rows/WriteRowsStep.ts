import 'postgraphile'
import {
  type PgClientResult,
  type PgExecutorContext,
  pgSelect,
  type PgSelectSingleStep,
  type WithPgClient,
} from 'postgraphile/@dataplan/pg'
import { access, each, type ExecutionDetails, type GrafastResultsList, Step } from 'postgraphile/grafast'
import { type SQL, sql } from 'postgraphile/pg-sql2'
import { AppError } from '../../src/errors.ts'
import { type Given, nothingGiven } from './given.ts'
import { returnableKey, type Table } from './keys.ts'
import type { Alias, Statement } from './statements.ts'

/** What a statement made of an input: `keys` or whole `rows` as texts, in its order. */
type Written = { meta: Record<string, unknown>; returned: unknown[][] }

// What a Bind message of Postgres can count.
const maxValues = 65_535

/**
 * Writes rows by one statement, in a transaction: all that the input names, or none. Rows that are there
 * afterwards are read by their keys, as any query would read them; rows that are not, from what the
 * statement returns.
 */
export class WriteRowsStep extends Step<Written> {
  override isSyncAndSafe = false
  readonly #resource: Table
  readonly #makeStatement: (alias: Alias, given: Given) => Statement
  readonly #alias: Alias
  readonly #contextId: number
  readonly #inputIds: number[] = []
  #returning: SQL[] = []
  #read: ((text: string, index: number) => unknown) | undefined

  constructor(resource: Table, makeStatement: (alias: Alias, given: Given) => Statement) {
    super()
    this.#resource = resource
    this.#makeStatement = makeStatement
    this.#alias = sql.identifier(Symbol(resource.name))
    this.#contextId = this.addDependency(resource.executor.context())
    this.hasSideEffects = true
  }

  /** Has the input fill in what is given. */
  apply($input: Step<(given: Given) => void>): void {
    this.#inputIds.push(this.addUnaryDependency($input))
  }

  /** What the input said besides. */
  getMeta(name: string): Step {
    return access(this, ['meta', name])
  }

  /** The rows as they are now. */
  rows(): Step {
    this.#returnKey()
    return each(access(this, 'returned'), ($key: Step) => this.#rowOf($key))
  }

  /** The only row as it is now. */
  row(): PgSelectSingleStep {
    this.#returnKey()
    return this.#rowOf(access(this, ['returned', 0]))
  }

  /** The rows as they were last. */
  deletedRows(): Step {
    const { codec } = this.#resource
    this.#returning = [sql`(${this.#alias}.*)::text`]
    this.#read = (text) => text
    const asText = { ...codec, toPg: String }
    return each(access(this, 'returned'), ($row: Step) =>
      pgSelect({
        resource: this.#resource,
        identifiers: [],
        from: {
          callback: ($select) => sql`unnest(array[${$select.placeholder(access($row, 0), asText)}])`,
        },
        joinAsLateral: true,
      }).single(),
    )
  }

  #returnKey(): void {
    const codecs = this.#key().map((name) => this.#resource.codec.attributes[name]!.codec)
    this.#returning = this.#key().map((name, index) => {
      const column = sql`${this.#alias}.${sql.identifier(name)}`
      return codecs[index]!.castFromPg?.(column) ?? sql`${column}::text`
    })
    this.#read = (text, index) => codecs[index]!.fromPg(text)
  }

  #rowOf($key: Step): PgSelectSingleStep {
    const columns = this.#key().map((name, index) => [name, access($key, index)] as const)
    return this.#resource.get(Object.fromEntries(columns)) as PgSelectSingleStep
  }

  #key(): readonly string[] {
    return returnableKey(this.#resource)!.attributes
  }

  override execute({ indexMap, values }: ExecutionDetails): GrafastResultsList<Written> {
    const context = values[this.#contextId]!
    return indexMap(async (i) => {
      const given = nothingGiven()
      for (const id of this.#inputIds) {
        const input = values[id]!.unaryValue() as ((given: Given) => void) | ((given: Given) => void)[]
        for (const apply of [input].flat()) apply(given)
      }
      const statement = this.#makeStatement(this.#alias, given)
      const rows = statement.count > 0 ? await this.#run(statement, context.at(i) as PgExecutorContext) : []
      const read = (text: string | null, index: number) => (text === null ? null : this.#read?.(text, index))
      return { meta: given.meta, returned: rows.map(([, ...texts]) => texts.map(read)) }
    })
  }

  async #run(statement: Statement, context: PgExecutorContext): Promise<readonly Row[]> {
    const { text, values } = sql.compile(statement.text(this.#returning))
    if (values.length > maxValues) {
      const message = `At most ${maxValues} values at once; these are ${values.length}.`
      throw new AppError('BAD_USER_INPUT', message, { argument: ['input'] })
    }
    let written: readonly Row[] = []
    const withPgClient: WithPgClient = (settings, callback) =>
      context.withPgClient(settings, (client) =>
        client.withTransaction(async (transaction) => {
          const result = await callback(transaction)
          written = inOrder((result as PgClientResult<Row>).rows, statement)
          return result
        }),
      )
    try {
      // The executor also forgets what it has read for this request, as after any mutation.
      await this.#resource.executor.executeMutation({ context: { ...context, withPgClient }, text, values })
    } catch (error) {
      throw isSecondTime(error) ? (statement.secondTime ?? error) : error
    }
    return written
  }
}

type Row = readonly [place: number | string | null, ...texts: (string | null)[]]

/** The rows that were written, as the input has them; throws where one was not. */
function inOrder(rows: readonly Row[], { count, refusal }: Statement): readonly Row[] {
  // An insert has no place of its own to give, and gives its rows in the order of its values.
  const placed = new Map(rows.map((row, index) => [Number(row[0] ?? index), row]))
  return Array.from({ length: count }, (_, index) => {
    const row = placed.get(index)
    if (!row) throw refusal(index)
    return row
  })
}

const isSecondTime = (error: unknown) => (error as { routine?: string }).routine === 'ExecOnConflictUpdate'
