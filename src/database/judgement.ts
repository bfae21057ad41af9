import pg, { type Pool } from 'pg'
import { errorRegistry } from '../errorRegistry.ts'
import { AppError } from '../errors.ts'
import type { Log } from '../log.ts'

/** How it is decided which changes of a table those are told of who act as a role. */
export type Judgement = {
  /** The table, by its oid. */
  relation: string
  /**
   * Given a JSON array of images, answers with the places of those whose row the current user may see; with
   * -1 when that is another role by now.
   */
  text: string
  /** SQL types of the columns, by name. */
  types: Readonly<Record<string, string>>
}

/**
 * Reads what decides about a table at present. A row that is no longer there, or that looks different by
 * now, is judged by its image: whether the caller, with the rights of this moment, could read such a row.
 */
export async function readJudgement(
  pool: Pool,
  { schema, table, role }: { schema: string; table: string; role: string },
  log: Log,
): Promise<Judgement> {
  const { rows } = await pool.query<{
    relation: string
    visibility: string
    types: Record<string, string>
    key_columns: number[]
    is_current: boolean
  }>(
    `select pg_class.oid::text as relation, plinth_realtime.visibility(pg_class.oid, $3) as visibility,
       recorded.is_current,
       (select json_object_agg(attname, format_type(atttypid, atttypmod)) from pg_attribute
        where attrelid = pg_class.oid and attnum > 0 and not attisdropped) as types,
       (select indkey::int2[]::int[] from pg_index where indrelid = pg_class.oid and indisprimary) as key_columns
     from plinth_realtime.recorded() as recorded
     join pg_class on pg_class.oid = recorded.relation
     where relnamespace = (select oid from pg_namespace where nspname = $1) and relname = $2`,
    [schema, table, role],
  )
  const found = rows[0]
  if (!found) {
    throw new AppError('UNAVAILABLE', 'The changes of this table are not recorded at present.')
  }
  const name = `${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(table)}`
  if (!found.is_current) {
    log.error(
      { table: name },
      'a policy of this table asks for columns that its recorded changes lack: run plinth realtime install',
    )
    // A column that is not there would be null to the policy, which might then allow what it refuses.
    throw new AppError('UNAVAILABLE', 'The changes of this table cannot be judged at present.')
  }
  const mayReadKey = found.key_columns
    .map((column) => `pg_catalog.has_column_privilege(${found.relation}::oid, ${column}::int2, 'select')`)
    .join(' and ')
  // The names of the outer level are such that those of the table's columns, within, hide none of them.
  return {
    relation: found.relation,
    types: found.types,
    text: `select plinth_image.plinth_place::int - 1 as place
      from pg_catalog.jsonb_array_elements($1::jsonb) with ordinality as plinth_image (plinth_value, plinth_place)
      where ${mayReadKey} and exists (
        select from pg_catalog.jsonb_populate_record(null::${name}, plinth_image.plinth_value)
          as ${pg.escapeIdentifier(table)}
        where ${found.visibility}
      )
      union all
      select -1 where current_user <> ${pg.escapeLiteral(role)}`,
  }
}

/**
 * The role that a caller acts as, and what has happened by now. Throws FORBIDDEN, as a query does, for one that
 * may not read the table's key: it would wait for ever, as nobody is told of a row that they cannot name.
 */
export async function whoAndWhen({
  schema,
  table,
  ask,
}: {
  schema: string
  table: string
  ask(text: string, values: unknown[]): Promise<Record<string, unknown>[]>
}): Promise<{ role: string; now: string }> {
  const [row] = await ask(
    `select current_user as role, pg_current_snapshot()::text as now,
       (select bool_and(has_column_privilege(indrelid, key_column, 'select'))
        from pg_index, unnest(indkey::int2[]) as key_column
        where indrelid = to_regclass(format('%I.%I', $1::text, $2::text)) and indisprimary) as may_read`,
    [schema, table],
  )
  const { role, now, may_read: mayRead } = row as { role: string; now: string; may_read: boolean | null }
  if (mayRead === false) throw new AppError('FORBIDDEN', errorRegistry.FORBIDDEN.message)
  return { role, now }
}
