import { oddities } from './foreignOddities.ts'

/** What the regular part of the schema is about: a word, its plural, and the type of its key. */
type Department = { one: string; many: string; key: 'bigint' | 'uuid' | 'text' }

const words: readonly (readonly [one: string, many: string])[] = [
  ['shop', 'shops'],
  ['vessel', 'vessels'],
  ['city', 'cities'],
  ['series', 'series'],
  ['news', 'news'],
  ['sheep', 'sheep'],
  ['status', 'statuses'],
  ['box', 'boxes'],
  ['leaf', 'leaves'],
  ['mouse', 'mice'],
  ['axis', 'axes'],
  ['datum', 'data'],
  ['bus', 'buses'],
  ['hero', 'heroes'],
  ['photo', 'photos'],
  ['day', 'days'],
  ['child', 'children'],
  ['equipment', 'equipment'],
  ['lens', 'lenses'],
  ['analysis', 'analyses'],
]

const keys = ['bigint', 'uuid', 'text'] as const

const departments = words.map(([one, many], index): Department => ({
  one,
  many,
  key: keys[index % keys.length]!,
}))

/**
 * SQL of a database that nobody here designed: relations of every kind in the schema `public`, more than 300
 * unless fewer departments are wanted (at least one), each with a row or more. Every relation, column,
 * foreign key and function has its own name as its comment, so that a reader of the API can tell what
 * became of it.
 */
export const foreignSchema = (departmentCount = departments.length): string =>
  [...departments.slice(0, departmentCount).map(department), oddities, nameAll].join('\n')

const keyColumn = {
  bigint: 'id bigint generated always as identity primary key',
  uuid: 'id uuid primary key default gen_random_uuid()',
  text: 'id text primary key',
}

/** Three keys of a department's main table, as SQL. */
const keyValues = {
  bigint: ['1', '2', '3'],
  uuid: [1, 2, 3].map((digit) => `'00000000-0000-4000-8000-00000000000${digit}'`),
  text: [`'a'`, `'b'`, `'c'`],
}

function department({ one, many, key }: Department): string {
  // Both habits occur: tables called by the plural, and tables called by the singular.
  const table = key === 'text' ? one : many
  const [first, second, third] = keyValues[key]
  return `
    create type ${one}_state as enum ('new', 'in use', 'gone');
    create domain ${one}_code as text check (value ~ '^[A-Z]');
    create type ${one}_size as (width numeric(8, 2), height numeric(8, 2));

    create table ${table} (
      ${keyColumn[key]},
      code ${one}_code not null unique,
      state ${one}_state not null default 'new',
      past_states ${one}_state[],
      size ${one}_size,
      labels text[] not null default '{}',
      valid daterange,
      price numeric(12, 4),
      price_with_tax numeric generated always as (price * 1.19) stored,
      parent_id ${key} references ${table},
      details jsonb,
      raw json,
      picture bytea,
      duration interval,
      address inet,
      token uuid not null default gen_random_uuid(),
      amount bigint,
      is_open boolean not null default true,
      made_at timestamptz not null default now()
    );
    create index on ${table} (parent_id);
    insert into ${table} (id, code, past_states, size, labels, valid, price, parent_id, details, raw, picture,
      duration, address, amount)
    ${key === 'bigint' ? 'overriding system value' : ''}
    values
      (${first}, 'A', '{new,gone}', '(1.50,2.25)', '{x,y}', '[2026-01-01,2026-02-01)', 10.5, null, '{"a": [1]}',
       '[1,2]', '\\xdeadbeef', '1 day 02:00', '10.0.0.1/8', 9007199254740993),
      (${second}, 'B', null, null, '{}', null, null, ${first}, null, null, null, null, null, null),
      (${third}, 'C', null, null, '{}', '(,)', null, ${first}, null, null, null, null, null, null);
    ${key === 'bigint' ? `alter table ${table} alter id restart with 4;` : ''}

    create table ${one}_parts (
      ${one}_id ${key} not null references ${table},
      position integer not null,
      name text not null,
      spare_id ${key} references ${table},
      primary key (${one}_id, position),
      unique (${one}_id, name)
    );
    create index on ${one}_parts (spare_id);
    insert into ${one}_parts values (${first}, 1, 'wheel', ${second}), (${first}, 2, 'axle', null);

    create table ${one}_part_checks (
      ${one}_id ${key} not null,
      position integer not null,
      checked_on date not null,
      checker_id ${key} references ${table},
      primary key (${one}_id, position, checked_on),
      foreign key (${one}_id, position) references ${one}_parts
    );
    create index on ${one}_part_checks (checker_id);
    insert into ${one}_part_checks values (${first}, 1, '2026-01-02', ${third}), (${first}, 2, '2026-01-03', null);

    create table ${one}_links (
      from_id ${key} not null references ${table},
      to_id ${key} not null references ${table},
      weight real,
      primary key (from_id, to_id)
    );
    create index on ${one}_links (to_id);
    insert into ${one}_links values (${first}, ${second}, 0.5);

    create table ${one}_log (at timestamptz not null, ${one}_id ${key} references ${table}, message text);
    insert into ${one}_log values ('2026-01-01 12:00+00', ${first}, 'first'), ('2026-01-01 12:00+00', null, null);

    create table ${one}_profile (
      ${one}_id ${key} primary key references ${table},
      nickname text unique
    );
    insert into ${one}_profile values (${first}, 'Al');

    create table ${one}_readings (
      taken_on date not null,
      sensor integer not null,
      ${one}_id ${key} references ${table},
      value double precision,
      primary key (taken_on, sensor)
    ) partition by range (taken_on);
    create index on ${one}_readings (${one}_id);
    create table ${one}_readings_2025 partition of ${one}_readings for values from ('2025-01-01') to ('2026-01-01');
    create table ${one}_readings_2026 partition of ${one}_readings for values from ('2026-01-01') to ('2027-01-01');
    insert into ${one}_readings values ('2025-05-05', 1, ${first}, 1.5), ('2026-05-05', 1, ${second}, 2.5);

    create table ${one}_sites (region text not null, number integer not null, name text, primary key (region, number))
      partition by list (region);
    create table ${one}_sites_north partition of ${one}_sites for values in ('north');
    create table ${one}_sites_other partition of ${one}_sites default;
    insert into ${one}_sites values ('north', 1, 'Pole'), ('south', 1, 'Cape');

    create table ${one}_visits (
      id integer primary key,
      region text,
      number integer,
      foreign key (region, number) references ${one}_sites
    );
    create index on ${one}_visits (region, number);
    insert into ${one}_visits values (1, 'north', 1), (2, 'south', 1);

    create view ${one}_overview as select id, code, state, made_at from ${table};
    create materialized view ${one}_totals as select state, count(*) as total from ${table} group by state;

    create function ${one}_count() returns integer language sql stable as $$ select count(*)::int from ${table} $$;
    create function find_${many}(term text, "limit" integer default 10) returns setof ${table} language sql stable
      as $$ select * from ${table} where code like term || '%' order by code limit $2 $$;
    create function ${table}_title(${table}) returns text language sql stable as $$ select 'The ' || $1.code $$;
    create function ${table}_younger(older ${table}) returns setof ${table} language sql stable
      as $$ select * from ${table} where code > $1.code order by code $$;
    create function rename_${one}(id ${key}, code text) returns ${table} language sql volatile
      as $$ update ${table} set code = $2 where id = $1 returning * $$;`
}

/** Says of every object what it is called. */
const nameAll = `
  do $$
  declare
    v_statement text;
  begin
    for v_statement in
      select format('comment on %s %s is %L',
        case relkind when 'v' then 'view' when 'm' then 'materialized view' else 'table' end, oid::regclass, relname)
      from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm')
      union all
      select format('comment on column %s.%I is %L', attrelid::regclass, attname, attname)
      from pg_attribute join pg_class on pg_class.oid = attrelid
      where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm')
        and attnum > 0 and not attisdropped
      union all
      select format('comment on constraint %I on %s is %L', conname, conrelid::regclass, conname)
      from pg_constraint where connamespace = 'public'::regnamespace and contype = 'f'
      union all
      select format('comment on function %s is %L', oid::regprocedure, proname)
      from pg_proc where pronamespace = 'public'::regnamespace and prokind = 'f'
    loop
      execute v_statement;
    end loop;
  end
  $$;`
