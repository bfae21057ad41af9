import type { ClientBase } from 'pg'

/**
 * The schemas of a database as SQL to read: every object with its rules, rights and comments, in an
 * order that depends on names alone. Made from the catalog, so it says what is, not what was intended.
 */
export async function describeCatalog(client: ClientBase, schemas: readonly string[]): Promise<string> {
  await client.query(`set search_path to pg_catalog`) // names are then written in full
  const parts: string[] = []
  for (const schema of schemas) {
    for (const query of [schemaHead, types, tables, views, functions]) {
      const { rows } = await client.query<{ sql: string }>(query, [schema])
      parts.push(...rows.map(({ sql }) => sql.replace(/\n{3,}/g, '\n\n').trim()))
    }
  }
  return `${parts.join('\n\n')}\n`
}

/** `grant …` lines of an access list; the owner's own rights go without saying. */
const grants = (acl: string, owner: string, object: string) => `
  (select string_agg(
     format('grant %s on ${object} to %s;', privileges, grantee), E'\\n' order by grantee)
   from (
     select case when acl.grantee = 0 then 'public' else acl.grantee::regrole::text end as grantee,
            string_agg(lower(acl.privilege_type), ', ' order by acl.privilege_type) as privileges
     from aclexplode(${acl}) as acl
     where acl.grantee <> ${owner}
     group by acl.grantee
   ) as listed)`

const comment = (object: string, text: string) =>
  `case when ${text} is not null then format('comment on ${object} is %L;', ${text}) end`

const schemaHead = `
  select concat_ws(E'\\n',
    format('create schema %I;', nspname),
    ${grants('nspacl', 'nspowner', `schema ' || quote_ident(nspname) || '`)},
    ${comment(`schema ' || quote_ident(nspname) || '`, `obj_description(oid, 'pg_namespace')`)}
  ) as sql
  from pg_namespace where nspname = $1`

const types = `
  select concat_ws(E'\\n',
    case typtype
      when 'e' then format('create type %s as enum (%s);', t.oid::regtype,
        (select string_agg(quote_literal(enumlabel), ', ' order by enumsortorder) from pg_enum where enumtypid = t.oid))
      when 'd' then format('create domain %s as %s%s;', t.oid::regtype, format_type(typbasetype, typtypmod),
        (select coalesce(string_agg(' ' || pg_get_constraintdef(oid), '' order by conname), '')
         from pg_constraint where contypid = t.oid))
      else format(E'create type %s as (\\n%s\\n);', t.oid::regtype,
        (select string_agg(format('  %I %s', attname, format_type(atttypid, atttypmod)), E',\\n' order by attnum)
         from pg_attribute where attrelid = t.typrelid and attnum > 0 and not attisdropped))
    end,
    ${comment(`type ' || t.oid::regtype || '`, `obj_description(t.oid, 'pg_type')`)},
    (select string_agg(${comment(`column ' || t.oid::regtype || '.' || quote_ident(attname) || '`, 'col_description(t.typrelid, attnum)')},
       E'\\n' order by attnum)
     from pg_attribute where attrelid = t.typrelid and attnum > 0 and not attisdropped)
  ) as sql
  from pg_type t
  left join pg_class c on c.oid = t.typrelid
  where t.typnamespace = (select oid from pg_namespace where nspname = $1)
    and (t.typtype in ('e', 'd') or c.relkind = 'c')
  order by t.typname`

const columns = `
  select string_agg(line, E',\\n' order by kind, place, line) from (
    select 1 as kind, attnum::int as place, concat('  ', quote_ident(attname), ' ', format_type(atttypid, atttypmod),
      case when attnotnull then ' not null' end,
      case when attgenerated = 's' then format(' generated always as (%s) stored', pg_get_expr(adbin, adrelid))
           when attidentity <> '' then ' generated always as identity'
           when adbin is not null then ' default ' || pg_get_expr(adbin, adrelid) end) as line
    from pg_attribute
    left join pg_attrdef on adrelid = attrelid and adnum = attnum
    where attrelid = c.oid and attnum > 0 and not attisdropped
    union all
    select 2, case contype when 'p' then 1 when 'u' then 2 when 'c' then 3 else 4 end,
      format('  constraint %I %s', conname, pg_get_constraintdef(pg_constraint.oid))
    from pg_constraint where conrelid = c.oid and contype in ('p', 'u', 'c', 'f', 'x')
  ) as lines`

const policies = `
  select string_agg(concat(
      format('create policy %I on %s for %s to %s', polname, c.oid::regclass,
        case polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' else 'all' end,
        (select string_agg(case when role = 0 then 'public' else role::regrole::text end, ', '
           order by role::regrole::text) from unnest(polroles) as role)),
      E'\\n  using (' || pg_get_expr(polqual, polrelid) || ')',
      E'\\n  with check (' || pg_get_expr(polwithcheck, polrelid) || ')', ';'), E'\\n' order by polname)
  from pg_policy where polrelid = c.oid`

const columnGrants = `
  select string_agg(format('grant %s (%s) on %s to %s;', privilege, list, c.oid::regclass, grantee), E'\\n'
    order by privilege, grantee)
  from (
    select lower(acl.privilege_type) as privilege, acl.grantee::regrole::text as grantee,
      string_agg(quote_ident(attname), ', ' order by attnum) as list
    from pg_attribute, aclexplode(attacl) as acl
    where attrelid = c.oid and attnum > 0
    group by 1, 2
  ) as listed`

const tables = `
  select concat_ws(E'\\n',
    format(E'create table %s (\\n%s\\n)%s;', c.oid::regclass, (${columns}),
      case when c.relkind = 'p' then ' partition by ' || pg_get_partkeydef(c.oid) end),
    (select string_agg(pg_get_indexdef(indexrelid) || ';', E'\\n' order by indexrelid::regclass::text)
     from pg_index where indrelid = c.oid
       and not exists (select from pg_constraint where conindid = indexrelid and contype in ('p', 'u', 'x'))),
    case when c.relrowsecurity then format('alter table %s enable row level security;', c.oid::regclass) end,
    (${policies}),
    ${grants('c.relacl', 'c.relowner', `' || c.oid::regclass || '`)},
    (${columnGrants}),
    (select string_agg(pg_get_triggerdef(oid) || ';', E'\\n' order by tgname)
     from pg_trigger where tgrelid = c.oid and not tgisinternal),
    ${comment(`table ' || c.oid::regclass || '`, `obj_description(c.oid, 'pg_class')`)},
    (select string_agg(${comment(`column ' || c.oid::regclass || '.' || quote_ident(attname) || '`, 'col_description(c.oid, attnum)')},
       E'\\n' order by attnum)
     from pg_attribute where attrelid = c.oid and attnum > 0 and not attisdropped)
  ) as sql
  from pg_class c
  where c.relnamespace = (select oid from pg_namespace where nspname = $1) and c.relkind in ('r', 'p')
    and not c.relispartition
  order by c.relname`

const views = `
  select concat_ws(E'\\n',
    format(E'create %s %s%s as\\n%s', case c.relkind when 'm' then 'materialized view' else 'view' end,
      c.oid::regclass, ' with (' || array_to_string(c.reloptions, ', ') || ')', pg_get_viewdef(c.oid)),
    ${grants('c.relacl', 'c.relowner', `' || c.oid::regclass || '`)},
    ${comment(`view ' || c.oid::regclass || '`, `obj_description(c.oid, 'pg_class')`)}
  ) as sql
  from pg_class c
  where c.relnamespace = (select oid from pg_namespace where nspname = $1) and c.relkind in ('v', 'm')
  order by c.relname`

const functions = `
  select concat_ws(E'\\n',
    pg_get_functiondef(p.oid) || ';',
    ${grants(`coalesce(p.proacl, acldefault('f', p.proowner))`, 'p.proowner', `function ' || p.oid::regprocedure || '`)},
    ${comment(`function ' || p.oid::regprocedure || '`, `obj_description(p.oid, 'pg_proc')`)}
  ) as sql
  from pg_proc p
  where p.pronamespace = (select oid from pg_namespace where nspname = $1) and p.prokind in ('f', 'p')
  order by p.proname, pg_get_function_identity_arguments(p.oid)`
