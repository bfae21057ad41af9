import pg from 'pg'
import { attempt, type Outcome, rolesOn, type Stage } from './stage.ts'

const { escapeIdentifier: id, escapeLiteral: literal } = pg

/** The roles that may, by the name of what they may use or call. */
export type Permitted = ReadonlyMap<string, readonly string[]>

/** The schemas that are the application's own to guard: all but those of Postgres and of libraries. */
const ownSchemas = `
  select oid, nspname from pg_namespace
  where nspname !~ '^pg_' and nspname not in
    ('information_schema', 'public', 'graphile_migrate', 'graphile_worker', 'plinth_realtime')`

/** The relations of the application, `schema.name`. A partition counts with its table. */
export async function relationNames({ client }: Pick<Stage, 'client'>): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select concat(nspname, '.', relname) as name
     from pg_class join (${ownSchemas}) as own on own.oid = relnamespace
     where relkind in ('r', 'p', 'v', 'm', 'f') and not relispartition order by 1`,
  )
  return rows.map(({ name }) => name)
}

/** Who may use which schema. Asked for a relation that is not there, Postgres first says whether one may look. */
export async function measureSchemas(stage: Stage): Promise<Permitted> {
  const { rows } = await stage.client.query<{ name: string }>(
    `select nspname as name from (${ownSchemas}) as own order by 1`,
  )
  const absent = ({ name }: { name: string }) => `${id(name)}.${id('no such relation')}`
  return measure(
    stage,
    rows.map((row) => [row.name, `select ${literal(absent(row))}::regclass`]),
    ({ state }) => state === '42P01',
  )
}

/**
 * Who may call which function, `schema.name`; `only` limits it to one. Asked by `explain`, which has Postgres check
 * the right and calls nothing; its arguments come from a subquery, else a strict function of nulls would be
 * taken for null before anybody is asked.
 */
export async function measureFunctions(stage: Stage, only: string | null = null): Promise<Permitted> {
  const { rows } = await stage.client.query<{ name: string; sql: string }>(
    `select concat(nspname, '.', proname) as name,
       format('explain select %I.%I(%s) from (select %s offset 0) as given', nspname, proname, given, nulls) as sql
     from pg_proc
     join (${ownSchemas}) as own on own.oid = pronamespace
     cross join lateral (
       select string_agg(
           concat(case when provariadic <> 0 and place = pronargs then 'variadic ' end, 'a', place), ', ' order by place
         ) as given,
         string_agg(format('null::%s as a%s', format_type(proargtypes[place - 1], null), place), ', ' order by place) as nulls
       from generate_series(1, pronargs) as place
     ) as arguments
     where prokind = 'f' and ($1::text is null or concat(nspname, '.', proname) = $1) order by 1, 2`,
    [only],
  )
  return measure(
    stage,
    rows.map(({ name, sql }) => [name, sql]),
    // One that is planned as a part of the query is refused for what it calls itself, by that one's name.
    ({ state, message }, name) =>
      state === '00000' ||
      (state === '42501' && !name.split('.').some((part) => message.endsWith(` ${part}`))),
  )
}

async function measure(
  stage: Stage,
  asked: readonly (readonly [name: string, sql: string])[],
  isYes: (outcome: Outcome, name: string) => boolean,
): Promise<Permitted> {
  const roles = rolesOn(stage)
  const attempts = asked.flatMap(([, run]) => roles.map((role) => ({ settings: { role }, run })))
  const outcomes = await attempt(stage.client, attempts)
  const permitted = new Map<string, string[]>()
  asked.forEach(([name], index) => {
    const may = roles.filter((_, place) => isYes(outcomes[index * roles.length + place]!, name))
    permitted.set(name, [...new Set([...(permitted.get(name) ?? []), ...may])])
  })
  return permitted
}

/**
 * Rights that nobody but the owner is meant to have: everything on relations that is not select, insert, update or
 * delete, anything on sequences and, past their table's policies, on partitions; making things in a schema; passing
 * rights on. As sentences.
 */
export async function otherRights({ client }: Pick<Stage, 'client'>): Promise<string[]> {
  const { rows } = await client.query<{ found: string }>(
    `with own as (${ownSchemas}),
     rights as (
       select format('%I.%I', nspname, relname) as object, relowner as owner, acl.*
       from pg_class join own on own.oid = relnamespace
       cross join lateral (
         select * from aclexplode(relacl)
         union
         select of_column.* from pg_attribute cross join aclexplode(attacl) as of_column where attrelid = pg_class.oid
       ) as acl
       where relkind = 'S' or relispartition or acl.privilege_type not in ('SELECT', 'INSERT', 'UPDATE', 'DELETE') or acl.is_grantable
       union all
       select format('schema %I', pg_namespace.nspname), nspowner, acl.*
       from pg_namespace join own using (oid) cross join aclexplode(nspacl) as acl
       where acl.privilege_type = 'CREATE' or acl.is_grantable
     )
     select concat(lower(privilege_type), ' on ', object, ' to ',
       case grantee when 0 then 'public' else grantee::regrole::text end,
       case when is_grantable then ' with grant option' end) as found
     from rights where grantee <> owner order by 1`,
  )
  return rows.map(({ found }) => found)
}
