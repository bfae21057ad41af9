import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import pg, { type ClientBase } from 'pg'

/** What is named in a database, in full: `app_public.doors`. */
export type TableName = string

/**
 * Makes the log of changes, or brings it up to date, and lets the API, which signs in as `reader`, read it.
 * Safe to repeat and to run at once.
 */
export async function installLog(client: ClientBase, reader: string): Promise<void> {
  const role = pg.escapeIdentifier(reader)
  await client.query('begin')
  try {
    // Two at once would otherwise trip over each other's "if not exists".
    await client.query(`select pg_advisory_xact_lock(hashtext('plinth_realtime'))`)
    await client.query(readFileSync(join(import.meta.dirname, 'realtime.sql'), 'utf8'))
    await client.query(`
      revoke execute on all functions in schema plinth_realtime from public;
      grant usage on schema plinth_realtime to ${role};
      grant select on all tables in schema plinth_realtime to ${role};
      grant execute on function plinth_realtime.recorded(), plinth_realtime.image_columns(oid),
        plinth_realtime.visibility(oid, name), plinth_realtime.purge(interval) to ${role};
      drop policy if exists select_api on plinth_realtime.changes;
      drop policy if exists select_api on plinth_realtime.completeness;
      create policy select_api on plinth_realtime.changes for select to ${role} using (true);
      create policy select_api on plinth_realtime.completeness for select to ${role} using (true);`)
    await client.query('commit')
  } catch (error) {
    await client.query('rollback')
    throw error
  }
}

/** Begins to record a table. False when it was recorded already. */
export const installTable = (client: ClientBase, table: TableName): Promise<boolean> =>
  call(client, 'install', table)

/** Ceases to record a table. False when it was not recorded. */
export const uninstallTable = (client: ClientBase, table: TableName): Promise<boolean> =>
  call(client, 'uninstall', table)

/** Removes the log with all that belongs to it, once no table is recorded. */
export async function uninstallLog(client: ClientBase): Promise<void> {
  await client.query('drop schema plinth_realtime cascade')
}

/** The tables that are recorded. */
export async function recordedTables(client: ClientBase): Promise<TableName[]> {
  if (!(await hasLog(client))) return []
  const { rows } = await client.query<{ name: string }>(
    `select format('%I.%I', relnamespace::regnamespace, relname) as name
     from plinth_realtime.recorded() as recorded join pg_class on pg_class.oid = recorded.relation order by 1`,
  )
  return rows.map(({ name }) => name)
}

/** Whether a database has a log of changes. */
export async function hasLog(client: Pick<ClientBase, 'query'>): Promise<boolean> {
  const { rows } = await client.query<{ has: boolean }>(
    `select to_regclass('plinth_realtime.changes') is not null as has`,
  )
  return rows[0]!.has
}

async function call(client: ClientBase, name: 'install' | 'uninstall', table: TableName): Promise<boolean> {
  const { rows } = await client.query<{ has_changed: boolean }>(
    `select plinth_realtime.${name}($1::regclass) as has_changed`,
    [table],
  )
  return rows[0]!.has_changed
}
