import { LIST_TYPES, type PgCodec, type PgResourceUnique, sqlValueWithCodec } from 'postgraphile/@dataplan/pg'
import 'postgraphile/graphile-build-pg'
import { type SQL, sql } from 'postgraphile/pg-sql2'
import { AppError } from '../../src/errors.ts'
import type { Given, Values } from './given.ts'
import { isInsertable, isSelectable, isUpdatable, type Table } from './keys.ts'

/** A statement that writes rows, and what it is expected to do. */
export type Statement = {
  /** Gives of each row its place in the input, from 0, and then what is asked to be returned. */
  text(returning: readonly SQL[]): SQL
  /** How many rows it is about. */
  count: number
  /** What is wrong where it would write one row twice. */
  secondTime?: AppError
  /** Why it cannot have written the row at a place of the input. */
  refusal(index: number): AppError
}

/** The name by which a statement knows the table that it writes to. */
export type Alias = SQL

const codecOf = (resource: Table, name: string): PgCodec => resource.codec.attributes[name]!.codec
const value = (resource: Table, name: string, values: Values) =>
  sqlValueWithCodec(values.get(name), codecOf(resource, name))
const target = (resource: Table, alias: Alias) => sql`${resource.from as SQL} as ${alias}`
const list = (parts: readonly SQL[]) => sql.join([...parts], ', ')

/**
 * Inserts rows. Rows may give different columns: the others get their defaults. `argument` is where the
 * input has them. With `key`, a row that is there already is given the new values instead.
 */
export function insertRows(
  resource: Table,
  alias: Alias,
  { rows }: Given,
  argument: string,
  key?: PgResourceUnique,
): Statement {
  const given = [...new Set(rows.flatMap((row) => [...row.keys()]))]
  const columns = given.length > 0 ? given : [firstColumn(resource, isInsertable)]
  if (key) assertAlike(rows, given, argument)
  const cells = (row: Values) =>
    columns.map((name) => (row.has(name) ? value(resource, name, row) : sql`default`))
  return {
    text: (returning) => sql`
      insert into ${target(resource, alias)} (${list(columns.map((name) => sql.identifier(name)))})
      values ${list(rows.map((row) => sql`(${list(cells(row))})`))}
      ${key ? onConflict(resource, alias, key, given) : sql.blank}
      returning ${list([sql`null`, ...returning])}`,
    count: rows.length,
    secondTime: new AppError('BAD_USER_INPUT', 'Two of these rows have the same key.', {
      argument: ['input', argument],
    }),
    // Only a trigger of the table can be the reason, and it has not said which row it left out.
    refusal: () =>
      new AppError('FORBIDDEN', 'Not all of these rows may be written.', {
        argument: ['input', argument],
      }),
  }
}

function onConflict(resource: Table, alias: Alias, key: PgResourceUnique, given: readonly string[]): SQL {
  const others = given.filter((name) => !key.attributes.includes(name))
  // The row is to be returned, so something has to be set even when only its key is given.
  const unchanged = sql.identifier(
    firstColumn(resource, (column) => isUpdatable(column) && isSelectable(column)),
  )
  const changes = others.map((name) => sql`${sql.identifier(name)} = excluded.${sql.identifier(name)}`)
  return sql`on conflict (${list(key.attributes.map((name) => sql.identifier(name)))})
    do update set ${list(changes.length > 0 ? changes : [sql`${unchanged} = ${alias}.${unchanged}`])}`
}

/** Updates the rows of some keys, all in the same way. */
export function updateRows(resource: Table, alias: Alias, given: Given, argument: string): Statement {
  const changes = [...given.patch.keys()].map(
    (name) => sql`${sql.identifier(name)} = ${value(resource, name, given.patch)}`,
  )
  if (changes.length === 0) {
    throw new AppError('BAD_USER_INPUT', 'The patch changes nothing.', { argument: ['input', 'patch'] })
  }
  return byKeys(
    resource,
    alias,
    given.keys,
    argument,
    (which, place) => (returning) => sql`
    update ${target(resource, alias)} set ${list(changes)} from ${which}
    returning ${list([place, ...returning])}`,
  )
}

/** Deletes the rows of some keys. */
export function deleteRows(resource: Table, alias: Alias, { keys }: Given, argument: string): Statement {
  return byKeys(
    resource,
    alias,
    keys,
    argument,
    (which, place) => (returning) => sql`
    delete from ${target(resource, alias)} using ${which}
    returning ${list([place, ...returning])}`,
  )
}

// Keys travel as a list of texts per column, whatever their number: a statement that stays the same can stay
// prepared. As texts, because unnest takes a list of lists apart to the last.
function byKeys(
  resource: Table,
  alias: Alias,
  keys: readonly Values[],
  argument: string,
  write: (which: SQL, place: SQL) => Statement['text'],
): Statement {
  const names = [...(keys[0]?.keys() ?? [])]
  const texts = names.map((name) => keys.map((key) => keyText(codecOf(resource, name), key.get(name))))
  const columns = names.map((_, index) => sql.identifier(`key${index}`))
  const which = sql`
    unnest(${list(texts.map((each) => sqlValueWithCodec(each, LIST_TYPES.text)))})
      with ordinality as given (${list([...columns, sql`place`])})
    where ${sql.join(
      names.map(
        (name, index) =>
          sql`${alias}.${sql.identifier(name)} = given.${columns[index]!}::${codecOf(resource, name).sqlType}`,
      ),
      ' and ',
    )}`
  const textOf = (index: number) => JSON.stringify(texts.map((each) => each[index]))
  return {
    text: write(which, sql`given.place::int - 1`),
    count: keys.length,
    refusal(index) {
      const twin = keys.findIndex((_, other) => other !== index && textOf(other) === textOf(index))
      return twin >= 0
        ? new AppError('BAD_USER_INPUT', 'The same row is meant twice.', {
            argument: ['input', argument, Math.max(index, twin)],
          })
        : new AppError('NOT_FOUND', 'There is no such row, or you may not do that to it.', {
            argument: ['input', argument, index],
          })
    },
  }
}

const keyText = (codec: PgCodec, key: unknown) => String(codec.toPg(key))

function firstColumn({ codec }: Table, isRight: typeof isInsertable): string {
  return Object.entries(codec.attributes).find(([, column]) => isRight(column))![0]
}

// One statement says once which columns a conflict changes. Those that a row leaves out would be emptied.
function assertAlike(rows: readonly Values[], given: readonly string[], argument: string): void {
  const other = rows.findIndex((row) => row.size !== given.length)
  if (other >= 0) {
    throw new AppError('BAD_USER_INPUT', 'All rows of an upsert give the same fields.', {
      argument: ['input', argument, other],
    })
  }
}
