import pg from 'pg'
import { Fault, messageOf } from '../../fault.ts'
import type { RelationOracle } from './oracle.ts'
import type { Stage } from './stage.ts'

const { escapeIdentifier: id, escapeLiteral: literal } = pg

/** A seeded row: its key, where it lies, its columns as texts, and the ids by which it is in each row set. */
export type SeededRow = {
  key: string
  place: string
  copy: Record<string, string | null>
  ids: Record<string, string[]>
  /** What a trial writes instead of the copy, by trial. */
  values: Record<string, Record<string, string | null>>
}

/** A table or view, its name as SQL writes it. */
export type Relation = {
  name: string
  isTable: boolean
  columns: string[]
  /** Those whose values are not Postgres's own to make. */
  writable: string[]
  key: string[]
}

/** A relation by its name, `schema.name`, or null when there is none. */
export async function findRelation(
  { client }: Stage,
  name: string,
  oracle: RelationOracle,
): Promise<Relation | null> {
  const { rows } = await client.query<Relation>(
    `select format('%I.%I', relnamespace::regnamespace, relname) as name, relkind in ('r', 'p') as "isTable",
       array(select attname::text from pg_attribute
             where attrelid = pg_class.oid and attnum > 0 and not attisdropped order by attnum) as columns,
       array(select attname::text from pg_attribute
             where attrelid = pg_class.oid and attnum > 0 and not attisdropped
               and attgenerated = '' and attidentity <> 'a' order by attnum) as writable,
       array(select attname::text from pg_index join pg_attribute on attrelid = indrelid and attnum = any (indkey)
             where indrelid = pg_class.oid and indisprimary order by attnum) as key
     from pg_class where oid = to_regclass($1)`,
    [name],
  )
  const [found] = rows
  if (!found) return null
  const key = oracle.key ? [...oracle.key] : found.key
  if (key.length === 0) throw new Fault(`${name} has no primary key: give its oracle a "key".`)
  return { ...found, key }
}

/** SQL for what tells a row from the others, as one text. */
export const keyOf = ({ key }: Relation) =>
  `jsonb_build_array(${key.map((column) => `${id(column)}::text`).join(', ')})::text`

/** The rows that seed.sql left in a relation, in the order of their keys. */
export async function seededRows(
  { client }: Stage,
  relation: Relation,
  oracle: RelationOracle,
): Promise<SeededRow[]> {
  const texts = (values: Record<string, string>) =>
    `jsonb_object(array[${Object.keys(values).map(literal).join(', ')}]::text[],
                  array[${Object.values(values)
                    .map((value) => `(${value})::text`)
                    .join(', ')}]::text[])`
  const object = (values: Record<string, string>) =>
    `jsonb_build_object(${Object.entries(values)
      .flatMap(([name, value]) => [literal(name), value])
      .join(', ')})`
  const mapped = <T>(values: Readonly<Record<string, T>>, to: (value: T) => string) =>
    Object.fromEntries(Object.entries(values).map(([name, value]) => [name, to(value)]))
  const trials = Object.fromEntries(oracle.trials.map(({ name, values }) => [name, values]))
  try {
    const { rows } = await client.query<SeededRow>(
      `select ${keyOf(relation)} as key, ${relation.isTable ? 'concat(tableoid, ctid)' : `''`} as place,
         ${texts(Object.fromEntries(relation.columns.map((column) => [column, id(column)])))} as copy,
         ${object(mapped(oracle.rows, (sql) => `to_jsonb('{}'::uuid[] || (${sql}))`))} as ids,
         ${object(mapped(trials, texts))} as values
       from ${relation.name} order by 1`,
    )
    return rows
  } catch (error) {
    throw new Fault(`The oracle of ${relation.name} has SQL that fails: ${messageOf(error)}`, [], {
      cause: error,
    })
  }
}
