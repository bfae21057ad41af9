import { describe, expect, test } from '@jest/globals'
import {
  compareRelation,
  comparePermitted,
  type Difference,
  measureMatrix,
} from '../../src/database/access/matrix.ts'
import { measureFunctions, measureSchemas } from '../../src/database/access/rights.ts'
import { useStage } from '../support/access.ts'

const { stage, after } = useStage()

/** A change of rights, and what it is a change of. */
type Change = { sql: string; kind: 'relation' | 'function' | 'schema'; name: string }

const inApp = (schema: string) => `starts_with(${schema}::regnamespace::text, 'app_')`
const granted = (acl: string) => `cross join aclexplode(${acl}) as acl
  cross join lateral (select case acl.grantee when 0 then 'public' else acl.grantee::regrole::text end as role) as named`

/** Queries for every single thing that gives a right, and the SQL that takes it away. */
const removals = {
  policy: `
    select format('drop policy %I on %s', polname, polrelid::regclass) as sql, 'relation' as kind,
      polrelid::regclass::text as name
    from pg_policy join pg_class on pg_class.oid = polrelid where ${inApp('relnamespace')}`,
  'role of a policy': `
    select format('alter policy %I on %s to %s', polname, polrelid::regclass,
        (select string_agg(other::regrole::text, ', ') from unnest(polroles) as other where other <> role)) as sql,
      'relation' as kind, polrelid::regclass::text as name
    from pg_policy join pg_class on pg_class.oid = polrelid cross join unnest(polroles) as role
    where ${inApp('relnamespace')} and cardinality(polroles) > 1`,
  'grant on a table': `
    select format('revoke %s on %s from %s', privilege_type, pg_class.oid::regclass, role) as sql, 'relation' as kind,
      pg_class.oid::regclass::text as name
    from pg_class ${granted('relacl')} where ${inApp('relnamespace')} and acl.grantee <> relowner`,
  'grant on a column': `
    select format('revoke %s (%I) on %s from %s', privilege_type, attname, attrelid::regclass, role) as sql,
      'relation' as kind, attrelid::regclass::text as name
    from pg_attribute join pg_class on pg_class.oid = attrelid ${granted('attacl')} where ${inApp('relnamespace')}`,
  'grant on a function': `
    select format('revoke execute on function %s from %s', pg_proc.oid::regprocedure, role) as sql, 'function' as kind,
      concat(pronamespace::regnamespace, '.', proname) as name
    from pg_proc ${granted('proacl')} where ${inApp('pronamespace')} and acl.grantee <> proowner`,
  'grant on a schema': `
    select format('revoke %s on schema %I from %s', privilege_type, nspname, role) as sql, 'schema' as kind,
      nspname::text as name
    from pg_namespace ${granted('nspacl')} where ${inApp('pg_namespace.oid')} and acl.grantee <> nspowner`,
}

/** Those that open what is there to everybody it was granted to. What is open already cannot be opened. */
const openings = {
  'policy is opened': `
    select format('alter policy %I on %s', polname, polrelid::regclass)
        || case when polqual is not null then ' using (true)' else '' end
        || case when polwithcheck is not null then ' with check (true)' else '' end as sql,
      'relation' as kind, polrelid::regclass::text as name
    from pg_policy join pg_class on pg_class.oid = polrelid
    where ${inApp('relnamespace')} and (pg_get_expr(polqual, polrelid) <> 'true' or pg_get_expr(polwithcheck, polrelid) <> 'true')`,
  'policy for everything is added': `
    select distinct format('create policy fault on %s using (true)', polrelid::regclass) as sql,
      'relation' as kind, polrelid::regclass::text as name
    from pg_policy join pg_class on pg_class.oid = polrelid
    where ${inApp('relnamespace')} and pg_get_expr(polqual, polrelid) <> 'true'`,
  'row-level security is switched off': `
    select distinct format('alter table %s disable row level security', polrelid::regclass) as sql,
      'relation' as kind, polrelid::regclass::text as name
    from pg_policy join pg_class on pg_class.oid = polrelid
    where ${inApp('relnamespace')} and pg_get_expr(polqual, polrelid) <> 'true'`,
}

async function changesOf(query: string): Promise<Change[]> {
  const { rows } = await stage().client.query<Change>(`${query} order by 1`)
  return rows
}

/** Differences where a change was made. */
async function differencesAt({ kind, name }: Change): Promise<readonly Difference[]> {
  const { oracle } = stage()
  if (kind === 'relation') return (await compareRelation(stage(), name)).differences
  if (kind === 'schema') return comparePermitted(stage(), kind, oracle.schemas, await measureSchemas(stage()))
  const expected = new Map([...oracle.functions].filter(([other]) => other === name))
  return comparePermitted(stage(), kind, expected, await measureFunctions(stage(), name))
}

/**
 * Whether the matrix shows a change. Without it there is no difference anywhere, and the cells of what was changed are
 * cells of the matrix; so one that differs there is enough. Where none does, the whole is measured: a policy may
 * matter to another relation's alone.
 */
const isNoticed = (change: Change): Promise<boolean> =>
  after(
    change.sql,
    async () =>
      (await differencesAt(change)).length > 0 || (await measureMatrix(stage())).differences.length > 0,
  )

async function unnoticed(changes: readonly Change[]): Promise<string[]> {
  const missed: string[] = []
  for (const change of changes) if (!(await isNoticed(change))) missed.push(change.sql)
  return missed
}

describe('the access matrix', () => {
  test('shows no difference as long as nothing is changed', async () => {
    expect((await measureMatrix(stage())).differences).toEqual([])
  })

  test.each(Object.entries(removals))('shows it when any one %s is taken away', async (_, query) => {
    const changes = await changesOf(query)

    expect(changes).not.toEqual([])
    expect(await unnoticed(changes)).toEqual([])
  })

  test('does not show it when what is taken away is there twice', async () => {
    const sql = `
      create policy again on app_public.email_addresses for select to plinth_person
        using (person_id = (select app_public.current_person_id()))`
    const changes = (await changesOf(removals.policy)).filter(
      ({ name }) => name === 'app_public.email_addresses',
    )

    const missed = await after(sql, () =>
      unnoticed([...changes, { ...changes[0]!, sql: 'drop policy again on app_public.email_addresses' }]),
    )

    expect(missed).toEqual([
      'drop policy select_self on app_public.email_addresses',
      'drop policy again on app_public.email_addresses',
    ])
  })

  test.each(Object.entries(openings))('shows it when a %s', async (_, query) => {
    const changes = await changesOf(query)

    expect(changes).not.toEqual([])
    expect(await unnoticed(changes)).toEqual([])
  })

  // All missing rights of a role at once: each has to be named, so that one alone would be too.
  test('shows each superfluous right to a relation', async () => {
    const { rows } = await stage().client.query<{
      sql: string
      name: string
      role: string
      missing: string[]
    }>(
      `select format('grant select, insert, update, delete on %s to %s', name, role) as sql, name, role,
         array(
           select format('%s (%s)', command, attname)
           from pg_attribute
           join pg_class on pg_class.oid = attrelid
           cross join unnest('{select, insert, update}'::text[]) as command
           where attrelid = name::regclass and attnum > 0 and not attisdropped and not exists (
             select from (select * from aclexplode(relacl) union all select * from aclexplode(attacl)) as acl
             where acl.grantee = role::regrole and lower(acl.privilege_type) = command
           )
           union all
           select 'delete' from pg_class
           where oid = name::regclass and not exists (
             select from aclexplode(relacl) as acl where acl.grantee = role::regrole and acl.privilege_type = 'DELETE'
           )
         ) as missing
       from unnest($1::text[]) as name cross join unnest($2::text[]) as role`,
      [
        [...stage().oracle.relations.keys()],
        [...new Set(stage().players.map(({ settings }) => settings.role))],
      ],
    )

    const unnamed: string[] = []
    for (const { sql, name, role, missing } of rows) {
      const { differences } = await after(sql, () => compareRelation(stage(), name))
      const expected = missing.map((right) => `${name}, ${role}, ${right}: expected no right, got it`)
      unnamed.push(...expected.filter((difference) => !differences.includes(difference)))
    }

    expect(rows).not.toEqual([])
    expect(unnamed).toEqual([])
  })

  test('shows each superfluous right to call a function, and to use a schema', async () => {
    const { rows } = await stage().client.query<{ difference: string }>(
      `select concat('function ', pronamespace::regnamespace, '.', proname, ', ', role, ', call: expected refused, got allowed')
         as difference
       from pg_proc cross join unnest($1::text[]) as role
       where ${inApp('pronamespace')} and not has_function_privilege(role, pg_proc.oid, 'execute')
       union all
       select concat('schema ', nspname, ', ', role, ', use: expected refused, got allowed')
       from pg_namespace cross join unnest($1::text[]) as role
       where ${inApp('pg_namespace.oid')} and not has_schema_privilege(role, pg_namespace.oid, 'usage')`,
      [[...new Set(stage().players.map(({ settings }) => settings.role))]],
    )

    const { differences } = await after(
      `grant usage on schema app_public, app_hidden, app_private to public;
       grant execute on all functions in schema app_public, app_hidden, app_private to public`,
      () => measureMatrix(stage()),
    )

    expect(rows).not.toEqual([])
    expect(differences.toSorted()).toEqual(rows.map(({ difference }) => difference).toSorted())
  })
})
