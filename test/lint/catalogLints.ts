/** A rule that the database has to keep, as a query for what breaks it. Longer than most: it is a list. */
export type Lint = {
  /** Stays with the rule for good, so that one can speak of "lint 4". */
  number: number
  /** The fault it finds. */
  name: string
  why: string
  /** One column, `object`. Runs with nothing but pg_catalog on the search path, so names come in full. */
  sql: string
  /** What breaks the rule for a reason, and the reason. */
  exceptions?: Record<string, string>
  /** SQL that makes a fault, by the object that is then found. */
  faults: Record<string, string>
  /** SQL that looks like a fault and is none, by what it makes. */
  tolerated?: Record<string, string>
}

const inApp = (schema: string) => `starts_with(${schema}::regnamespace::text, 'app_')`
const roleName = (oid: string) => `case when ${oid} = 0 then 'public' else ${oid}::regrole::text end`

/** What may be done with relations and by whom; a right on columns counts like one on the whole. */
const grants = `
  select pg_class.oid as relation, relkind, relowner, acl.grantee, acl.privilege_type
  from pg_class cross join aclexplode(relacl) as acl
  where ${inApp('relnamespace')}
  union
  select pg_class.oid, relkind, relowner, acl.grantee, acl.privilege_type
  from pg_class
  join pg_attribute on attrelid = pg_class.oid
  cross join aclexplode(attacl) as acl
  where ${inApp('relnamespace')}`

export const lints: Lint[] = [
  {
    number: 1,
    name: 'a foreign key without an index that leads with its columns',
    why: 'Deleting or changing the row it points to would read the whole table.',
    // The order of the columns does not matter, nor does a partial index that leaves out the nulls of one column.
    sql: `
      select format('%s.%s', conrelid::regclass, conname) as object
      from pg_constraint
      where contype = 'f' and conparentid = 0 and ${inApp('connamespace')}
        and not exists (
          select from pg_index
          where indrelid = conrelid and indisvalid and indnkeyatts >= cardinality(conkey)
            and (indkey::int2[])[0:cardinality(conkey) - 1] @> conkey
            and (indpred is null or pg_get_expr(indpred, indrelid) in (
              select format('(%I IS NOT NULL)', attname) from pg_attribute
              where attrelid = conrelid and attnum = conkey[1] and cardinality(conkey) = 1
            ))
        )`,
    faults: {
      'app_public.faults.faults_person_id_fkey': `
        create table app_public.faults (person_id uuid references app_public.people);
        create index on app_public.faults (lower(''), person_id)`,
      'app_public.faults.faults_organization_id_door_id_fkey': `
        create table app_public.faults (
          organization_id uuid, name text, door_id uuid,
          foreign key (organization_id, door_id) references app_public.doors
        );
        create index on app_public.faults (organization_id, name, door_id);
        create index on app_public.faults (organization_id) include (door_id);
        create index on app_public.faults (organization_id, door_id) where name = ''`,
    },
    tolerated: {
      'columns in another order': `
        create table app_public.faults (
          organization_id uuid, door_id uuid, foreign key (organization_id, door_id) references app_public.doors
        );
        create index on app_public.faults (door_id, organization_id)`,
      'an index that leaves out nulls': `
        create table app_public.faults (person_id uuid references app_public.people);
        create index on app_public.faults (person_id) where person_id is not null`,
    },
  },
  {
    number: 2,
    name: 'a table without row-level security',
    why: 'A grant, made today or in a year, would open every row of it.',
    sql: `
      select oid::regclass::text as object from pg_class
      where relkind in ('r', 'p') and not relrowsecurity and ${inApp('relnamespace')}`,
    faults: {
      'app_private.faults': 'create table app_private.faults (id uuid primary key)',
    },
  },
  {
    number: 3,
    name: 'a definer or PL/pgSQL function without the pinned search_path',
    why: `The caller would decide what its names mean. pg_temp stands last and not first, where it stands
      when it is left out; an empty path changes what operators mean.`,
    sql: `
      select pg_proc.oid::regprocedure::text as object
      from pg_proc
      join pg_language on pg_language.oid = prolang
      where (prosecdef or lanname = 'plpgsql') and ${inApp('pronamespace')}
        and 'search_path=pg_catalog, public, pg_temp' <> all (coalesce(proconfig, '{}'))`,
    faults: {
      'app_public.fault()': `
        create function app_public.fault() returns int language sql security definer as 'select 1'`,
      'app_private.fault()': `
        create function app_private.fault() returns int language plpgsql as 'begin return 1; end'`,
      'app_hidden.fault()': `
        create function app_hidden.fault() returns int language sql security definer set search_path to ''
        as 'select 1'`,
    },
    tolerated: {
      'a small SQL function': `create function app_public.fault() returns int language sql as 'select 1'`,
    },
  },
  {
    number: 4,
    name: 'a policy that runs a function for each row',
    why: `(select f()) runs once for a statement, and = any (array(select f())) finds rows by an index. A bare call
      runs again and again, and so does one in a sub-select that is given a column of the row.`,
    // Works on the text of the condition: takes literals out, then parentheses from the inside to the outside.
    // A select becomes a "?", or a "!" when it reads no table and names a column of the row; other parentheses
    // become «». What is then left of the kind a.b«…» is a bare call. Functions of pg_catalog, which have no
    // schema there, are cheap and may stand bare, apart from current_setting. A select that reads a table is
    // not looked into.
    sql: `
      with recursive conditions as (
        select format('%s.%s', polrelid::regclass, polname) as object, relname,
          regexp_replace(pg_get_expr(expression, polrelid), '''([^'']|'''')*''|"([^"]|"")*"', 'x', 'g') as condition
        from pg_policy
        join pg_class on pg_class.oid = polrelid
        cross join lateral (values (polqual), (polwithcheck)) as expressions (expression)
        where expression is not null and ${inApp('relnamespace')}
        union all
        select object, relname,
          regexp_replace(regexp_replace(regexp_replace(condition,
            '\\(\\s*SELECT\\M(?![^()]*\\mFROM\\M)[^()]*\\m' || relname || '\\.[^()]*\\)', '!', 'g'),
            '\\(\\s*SELECT\\M[^()]*\\)', '?', 'g'),
            '\\(([^()]*)\\)', '«\\1»', 'g')
        from conditions
        where condition ~ '\\('
      )
      select distinct object from conditions
      where condition !~ '\\(' and condition ~ '!|(?<!::)\\m\\w+\\.\\w+«|\\mcurrent_setting«'`,
    faults: Object.fromEntries(
      [
        'person_id = app_public.current_person_id()',
        `is_allowed or (person_id)::text = current_setting('plinth.person_id')`,
        'organization_id in (select id from app_public.organizations) and app_private.is_open(organization_id)',
        '(select app_private.is_open(organization_id))',
        '(lower(reason) = lower(((app_private.is_open(null))::text)))',
      ].map((condition, index) => [
        `app_public.door_decisions.fault_${index}`,
        `create function app_private.is_open(uuid) returns boolean language sql as 'select true';
         create policy fault_${index} on app_public.door_decisions for select using (${condition})`,
      ]),
    ),
    tolerated: Object.fromEntries(
      [
        'person_id = (select app_public.current_person_id())',
        'organization_id = any (array(select app_hidden.my_organization_ids()))',
        'organization_id in (select app_hidden.my_organization_ids())',
        `person_id = (select coalesce(app_public.current_person_id(), nullif('f()', '')::uuid))`,
        `lower(reason) = 'app_public.f(x)' and (is_allowed or rule in ('a', 'b'))`,
      ].map((condition) => [
        condition,
        `create policy fault on app_public.door_decisions for select using (${condition})`,
      ]),
    ),
  },
  {
    number: 5,
    name: 'a function that everybody may execute',
    why: 'What an anonymous caller may run is decided one by one.',
    sql: `
      select pg_proc.oid::regprocedure::text as object
      from pg_proc
      where ${inApp('pronamespace')} and exists (
        select from aclexplode(coalesce(proacl, acldefault('f', proowner))) as acl where acl.grantee = 0
      )`,
    faults: {
      'app_hidden.fault()': `
        create function app_hidden.fault() returns int language sql as 'select 1';
        grant execute on function app_hidden.fault() to public`,
      'app_public.fault()': `
        alter default privileges grant execute on functions to public;
        create function app_public.fault() returns int language sql as 'select 1'`,
    },
    tolerated: {
      'a function of the owner that nobody granted': `
        create function app_public.fault() returns int language sql as 'select 1'`,
    },
  },
  {
    number: 6,
    name: 'a thing without a comment',
    why: 'Comments are the documentation of the API and of the database.',
    sql: `
      select concat('schema ', oid::regnamespace) as object
      from pg_namespace
      where ${inApp('oid')} and obj_description(oid, 'pg_namespace') is null
      union all
      select concat(case relkind when 'v' then 'view ' when 'm' then 'view ' else 'table ' end, oid::regclass)
      from pg_class
      where relkind in ('r', 'p', 'v', 'm', 'f') and not relispartition and ${inApp('relnamespace')}
        and obj_description(oid, 'pg_class') is null
      union all
      select format('column %s.%I', attrelid::regclass, attname)
      from pg_attribute
      join pg_class on pg_class.oid = attrelid
      where relkind in ('r', 'p', 'v', 'm', 'f', 'c') and not relispartition and ${inApp('relnamespace')}
        and attnum > 0 and not attisdropped and col_description(attrelid, attnum) is null
      union all
      select concat('type ', pg_type.oid::regtype)
      from pg_type
      left join pg_class on pg_class.oid = typrelid
      where (typtype in ('e', 'd', 'r') or relkind = 'c') and ${inApp('typnamespace')}
        and obj_description(pg_type.oid, 'pg_type') is null
      union all
      select concat('function ', oid::regprocedure)
      from pg_proc
      where ${inApp('pronamespace')} and obj_description(oid, 'pg_proc') is null`,
    faults: {
      'schema app_fault': 'create schema app_fault',
      'table app_public.faults': 'create table app_public.faults ()',
      'view app_public.faults': 'create view app_public.faults as select',
      'column app_public.people.fault': 'alter table app_public.people add column fault text',
      'type app_public.fault': `create type app_public.fault as enum ('a')`,
      'column app_public.fault.attribute': `
        create type app_public.fault as (attribute text);
        comment on type app_public.fault is 'A fault.'`,
      'function app_private.fault()': `
        create function app_private.fault() returns int language sql as 'select 1'`,
    },
  },
  {
    number: 7,
    name: 'a table without a primary key',
    why: 'Nobody could name one of its rows, neither the API nor a replica.',
    sql: `
      select oid::regclass::text as object from pg_class
      where relkind in ('r', 'p') and ${inApp('relnamespace')}
        and not exists (select from pg_constraint where conrelid = pg_class.oid and contype = 'p')`,
    faults: { 'app_private.faults': 'create table app_private.faults (id uuid unique not null)' },
  },
  {
    number: 8,
    name: 'two indexes that are the same',
    why: 'Each write pays for both, and no read gains.',
    sql: `
      select format('%s and %s', one.indexrelid::regclass, other.indexrelid::regclass) as object
      from pg_index as one
      join pg_index as other on other.indrelid = one.indrelid and other.indexrelid > one.indexrelid
      join pg_class as one_class on one_class.oid = one.indexrelid
      join pg_class as other_class on other_class.oid = other.indexrelid
      where ${inApp('one_class.relnamespace')} and one_class.relam = other_class.relam
        and one.indnkeyatts = other.indnkeyatts
        and (one.indkey::text, one.indclass::text, one.indcollation::text, one.indoption::text)
          = (other.indkey::text, other.indclass::text, other.indcollation::text, other.indoption::text)
        and pg_get_expr(one.indexprs, one.indrelid) is not distinct from pg_get_expr(other.indexprs, other.indrelid)
        and pg_get_expr(one.indpred, one.indrelid) is not distinct from pg_get_expr(other.indpred, other.indrelid)`,
    faults: {
      'app_public.email_addresses_address_key and app_public.fault':
        'create index fault on app_public.email_addresses (address)',
      'app_public.fault and app_public.fault_again': `
        create index fault on app_public.doors (lower(name)) where name <> '';
        create index fault_again on app_public.doors (lower(name)) where name <> ''`,
    },
    tolerated: {
      'indexes on one column that differ': `
        create index fault on app_public.email_addresses (address desc);
        create index fault_again on app_public.email_addresses (address text_pattern_ops);
        create index fault_third on app_public.email_addresses (address) where address > 'm'`,
    },
  },
  {
    number: 9,
    name: 'a view that sees more than its reader',
    why: `Without security_invoker a view reads with its owner's rights, whom row-level security does not concern.
      A materialized view has no row-level security at all, so no caller may read it.`,
    sql: `
      select oid::regclass::text as object from pg_class
      where relkind = 'v' and ${inApp('relnamespace')}
        and not exists (
          select from pg_options_to_table(reloptions)
          where option_name = 'security_invoker' and option_value::boolean
        )
      union
      select relation::regclass::text from (${grants}) as grants
      where relkind = 'm' and grantee <> relowner`,
    faults: {
      'app_public.faults': 'create view app_public.faults as select name from app_public.people',
      'app_private.faults': `
        create view app_private.faults with (security_invoker = off) as select name from app_public.people`,
      'app_hidden.faults': `
        create materialized view app_hidden.faults as select name from app_public.people;
        grant select on app_hidden.faults to plinth_person`,
    },
    tolerated: {
      'a view with the rights of its reader':
        'create view app_public.faults with (security_invoker) as select name from app_public.people',
    },
  },
  {
    number: 10,
    name: 'insert or update granted on a whole table',
    why: 'Every column that the table ever gets would be open to the caller from the start.',
    sql: `
      select format('%s: %s to %s', pg_class.oid::regclass, lower(acl.privilege_type), ${roleName('acl.grantee')})
        as object
      from pg_class cross join aclexplode(relacl) as acl
      where ${inApp('relnamespace')} and acl.grantee <> relowner and acl.privilege_type in ('INSERT', 'UPDATE')`,
    faults: {
      'app_public.doors: insert to plinth_person': 'grant insert on app_public.doors to plinth_person',
      'app_public.people: update to public': 'grant update on app_public.people to public',
    },
    tolerated: {
      'a grant on columns': 'grant insert (name), update (name) on app_public.people to plinth_person',
    },
  },
  {
    number: 11,
    name: 'a grant that no policy follows up',
    why: 'The caller may ask and never gets anything: either the grant is too much or a policy was forgotten.',
    sql: `
      select format('%s: %s to %s', relation::regclass, lower(privilege_type), ${roleName('grantee')}) as object
      from (${grants}) as grants
      join pg_class on pg_class.oid = relation and relrowsecurity
      where grantee <> grants.relowner and privilege_type in ('SELECT', 'INSERT', 'UPDATE', 'DELETE')
        and not exists (
          select from pg_policy
          where polrelid = relation and polpermissive and array[0, grantee] && polroles
            and polcmd in ('*', case privilege_type when 'SELECT' then 'r' when 'INSERT' then 'a'
              when 'UPDATE' then 'w' when 'DELETE' then 'd' end)
        )`,
    exceptions: {
      'app_public.people: select to plinth_anonymous':
        'current_person reads people with the rights of its caller, and answers an anonymous one with null.',
    },
    faults: {
      'app_public.faults: select to plinth_device': `
        create table app_public.faults (id uuid);
        alter table app_public.faults enable row level security;
        grant select on app_public.faults to plinth_device`,
      'app_public.people: delete to plinth_person': 'grant delete on app_public.people to plinth_person',
      'app_public.doors: insert to plinth_device': 'grant insert (name) on app_public.doors to plinth_device',
    },
    tolerated: {
      'a policy for all commands': `
        create policy fault on app_public.people for all to plinth_person using (id is null);
        grant delete on app_public.people to plinth_person`,
    },
  },
  {
    number: 12,
    name: 'a policy that is always true',
    why: 'It opens every row of every organization.',
    sql: `
      select format('%s.%s', polrelid::regclass, polname) as object
      from pg_policy
      join pg_class on pg_class.oid = polrelid
      where ${inApp('relnamespace')} and polpermissive
        and 'true' in (pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid))`,
    exceptions: {
      'app_public.device_kinds.select_anyone': 'An enum table, like the next two.',
      'app_public.log_export_states.select_anyone': 'An enum table, too.',
      'app_public.membership_roles.select_anyone': 'An enum table: its rows are part of the API itself.',
      'app_public.presence_origins.select_anyone': 'An enum table again.',
      'app_public.ring_states.select_anyone': 'An enum table as well.',
      'app_public.security_event_kinds.select_anyone': 'An enum table, like the one before.',
      'app_public.unlock_states.select_anyone': 'An enum table, too.',
    },
    faults: {
      'app_public.doors.fault': 'create policy fault on app_public.doors for select using (true)',
      'app_public.offices.fault': 'create policy fault on app_public.offices for insert with check (true)',
    },
  },
  {
    number: 13,
    name: 'a column of a type that leads astray',
    why: `timestamp and time with time zone do not say when, varchar and char limit or pad where a check speaks
      more clearly, money depends on a setting of the server, serial leaves its sequence unguarded.`,
    sql: `
      select format('%s.%I', attrelid::regclass, attname) as object
      from pg_attribute
      join pg_class on pg_class.oid = attrelid
      join pg_type on pg_type.oid = atttypid
      left join pg_attrdef on adrelid = attrelid and adnum = attnum
      where relkind in ('r', 'p', 'v', 'm', 'f', 'c') and ${inApp('relnamespace')} and attnum > 0 and not attisdropped
        and (
          array[atttypid, typelem, typbasetype]::regtype[]
            && '{timestamp, time with time zone, character varying, character, money}'::regtype[]
          or pg_get_expr(adbin, adrelid) like 'nextval(%'
        )`,
    faults: Object.fromEntries(
      [
        'timestamp',
        'timetz',
        'varchar(10)',
        'varchar[]',
        'char(2)',
        'money',
        'serial',
        'app_public.code',
      ].map((type, index) => [
        `app_public.faults.column_${index}`,
        `create domain app_public.code as varchar;
           create table app_public.faults (column_${index} ${type})`,
      ]),
    ),
    tolerated: {
      'columns of types that resemble them': `
        create table app_public.faults (
          id bigint generated always as identity, at timestamptz, time_of_day time, code "char", names text[]
        )`,
    },
  },
  {
    number: 14,
    name: 'a check on what callers write that says nothing to them',
    why: 'Its comment is the message of the error; without, they only hear that a value is not acceptable.',
    sql: `
      select distinct format('%s.%s', conrelid::regclass, conname) as object
      from pg_constraint
      join pg_class on pg_class.oid = conrelid
      join pg_attribute on attrelid = conrelid and attnum = any (conkey)
      cross join aclexplode(attacl) as acl
      where contype = 'c' and ${inApp('connamespace')}
        and acl.grantee <> relowner and acl.privilege_type in ('INSERT', 'UPDATE')
        and obj_description(pg_constraint.oid, 'pg_constraint') is null`,
    faults: {
      'app_public.faults.faults_name_check': `
        create table app_public.faults (name text check (name <> ''));
        grant insert (name) on app_public.faults to plinth_person`,
    },
    tolerated: {
      'one with a comment, and one on what nobody writes': `
        create table app_public.faults (name text check (name <> ''), made_at date check (made_at > '2000-01-01'));
        comment on constraint faults_name_check on app_public.faults is 'A fault has a name.';
        grant insert (name) on app_public.faults to plinth_person`,
    },
  },
]
