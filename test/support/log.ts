import type { Run } from './database.ts'
import type { Studio } from './people.ts'

/** A part of the decision log: its name, and the moments between which its decisions were made, in UTC. */
export type Part = { name: string; since: string | null; until: string | null }

/** The parts of the decision log in their order. */
export const partsOf = async (owner: Run): Promise<Part[]> =>
  (await owner(
    `select relname as name, to_char(since at time zone 'UTC', 'YYYY-MM-DD HH24:MI') as since,
       to_char(until at time zone 'UTC', 'YYYY-MM-DD HH24:MI') as until
     from app_private.log_partitions() as parts join pg_class on pg_class.oid = parts.partition
     order by parts.since nulls first`,
  )) as Part[]

/** Parts the log as it was some months ago, when its job last ran; it must be empty. */
export async function partAsOf(owner: Run, monthsAgo: number): Promise<void> {
  await owner(
    `do $$ declare v_part regclass; begin
       for v_part in select parts.partition from app_private.log_partitions() as parts loop
         execute format('drop table %s', v_part);
       end loop;
     end $$`,
  )
  await owner(
    `with starts as (
       select (date_trunc('month', now() at time zone 'UTC') - make_interval(months => $1)) at time zone 'UTC' as at
     )
     select app_private.make_log_partition(null, starts.at), app_private.make_log_partition(starts.at, null)
     from starts`,
    [monthsAgo],
  )
}

/** Writes a decision of a moment, in SQL, into the log and returns its id. */
export async function decideAt(
  owner: Run,
  { organizationId, doorId, member }: Pick<Studio, 'organizationId' | 'doorId' | 'member'>,
  moment: string,
): Promise<string> {
  const [made] = await owner(
    `insert into app_public.door_decisions (organization_id, door_id, person_id, is_allowed, reason, decided_at)
     values ($1, $2, $3, true, 'Members may.', ${moment}) returning id`,
    [organizationId, doorId, member],
  )
  return made!.id as string
}

/** What the part of the month is called that is so many months from this one. */
export async function partOfMonth(owner: Run, offset: number): Promise<string> {
  const [row] = await owner(
    `select to_char(now() at time zone 'UTC' + make_interval(months => $1), '"door_decisions_"YYYY_MM') as name`,
    [offset],
  )
  return row!.name as string
}

/** The first moment of the month that is so many months from this one, in SQL. */
export const monthStart = (offset: number): string =>
  `((date_trunc('month', now() at time zone 'UTC') + interval '${offset} months') at time zone 'UTC')`
