import type { ClientBase } from 'pg'
import { AppError } from '../errors.ts'

/** A line of the log; images are JSON. */
export type LoggedChange = {
  id: string
  /** The transaction that made it. */
  xid: string
  /** The table, by its oid. */
  relation: string
  operation: 'i' | 'u' | 'd' | 't'
  was: string | null
  became: string | null
}

/**
 * A place in the log: seen is what was committed as of `from`, and of what was committed between `from`
 * and `to` that with ids up to `id`. By when transactions end, and not by their numbers, so that one that
 * takes long is neither missed nor waited for.
 */
export type Position = { epoch: string; from: string; to: string; id: string }

/** A stretch of the log behind a position, in order. */
export type Stretch = { from: string; to: string; changes: LoggedChange[]; isWhole: boolean }

/** How much is read at once. */
export const stretchLength = 500

type Queryable = Pick<ClientBase, 'query'>

/** What tells one life of a database from another: positions of one mean nothing in the next. */
export async function readEpoch(client: Queryable): Promise<{ epoch: string; now: string }> {
  const { rows } = await client.query<{ epoch: string; now: string }>(
    `select concat_ws('-', (select system_identifier from pg_control_system()),
       substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8), pg_database.oid) as epoch,
       pg_current_snapshot()::text as now
     from pg_database where datname = current_database()`,
  )
  return rows[0]!
}

/**
 * What is behind a place: of the transactions that ended between `from` and `to` (null: now), the changes
 * with an id above `afterId`, `stretchLength` at most.
 */
export async function readStretch(
  client: Queryable,
  { from, to, afterId }: { from: string; to: string | null; afterId: string },
): Promise<Stretch> {
  const { rows } = await client.query<{ upto: string } & (LoggedChange | { id: null })>(
    `select bounds.upto::text as upto, lines.*
     from (select coalesce($2::pg_snapshot, pg_current_snapshot()) as upto) as bounds
     left join lateral (
       select id::text as id, xid::text as xid, relation::text as relation, operation,
         was::text as was, became::text as became
       from plinth_realtime.changes
       where xid >= pg_snapshot_xmin($1::pg_snapshot)
         and not pg_visible_in_snapshot(xid, $1::pg_snapshot)
         and pg_visible_in_snapshot(xid, bounds.upto)
         and changes.id > $3
       order by changes.id
       limit ${stretchLength}
     ) as lines on true`,
    [from, to, afterId],
  )
  const changes = rows.filter((row): row is { upto: string } & LoggedChange => row.id !== null)
  return { from, to: rows[0]!.upto, changes, isWhole: changes.length < stretchLength }
}

/** Whether a transaction had ended when a snapshot was taken, as pg_visible_in_snapshot has it. */
export function isVisibleIn(taken: string, xid: string): boolean {
  const { least, next, running } = partsOf(taken)
  return BigInt(xid) < least || (BigInt(xid) < next && !running.includes(xid))
}

/** Whether one snapshot of a database was taken before another. */
export function isEarlier(one: string, other: string): boolean {
  const [a, b] = [partsOf(one), partsOf(other)]
  return a.next < b.next || (a.next === b.next && a.running.length > b.running.length)
}

function partsOf(taken: string) {
  const [least = '', next = '', running = ''] = taken.split(':')
  return { least: BigInt(least), next: BigInt(next), running: running === '' ? [] : running.split(',') }
}

/** Throws RELOAD unless the log still has everything behind a position. */
export async function assertResumable(client: Queryable, position: Position, epoch: string): Promise<void> {
  const { rows } = await client.query<{ is_complete: boolean }>(
    `select pg_snapshot_xmin($1::pg_snapshot) > since
       and pg_snapshot_xmax($2::pg_snapshot) <= pg_snapshot_xmax(pg_current_snapshot()) as is_complete
     from plinth_realtime.completeness`,
    [position.from, position.to],
  )
  if (position.epoch !== epoch || rows[0]?.is_complete !== true) throw reload()
}

/** What a client is told whose picture cannot be kept true by events. */
export const reload = (): AppError =>
  new AppError('RELOAD', 'What happened since cannot be told: read anew, and subscribe without a cursor.')

/** A position as clients have it: a text that means nothing to them. */
export function toCursor({ epoch, from, to, id }: Position): string {
  return Buffer.from([epoch, from, to === from ? '' : to, id].join(' ')).toString('base64url')
}

const snapshot = /^\d{1,19}:\d{1,19}:(\d{1,19}(,\d{1,19})*)?$/

/** The position that a cursor stands for. Throws BAD_USER_INPUT when it is none of ours. */
export function fromCursor(cursor: string): Position {
  const [epoch = '', from = '', to = '', id = ''] = Buffer.from(cursor, 'base64url').toString().split(' ')
  if (!snapshot.test(from) || (to !== '' && !snapshot.test(to)) || !/^\d{1,18}$/.test(id)) {
    throw new AppError('BAD_USER_INPUT', 'That is not a cursor of this subscription.', { argument: 'after' })
  }
  return { epoch, from, to: to || from, id }
}
