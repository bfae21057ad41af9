const longName = (end: string) => `${'a_name_that_takes_all_the_room_postgres_gives_'.padEnd(62, 'x')}${end}`

/**
 * SQL of relations, columns and functions that are awkward to name, or to read, each with a row or more.
 * Longer than most: it is a list.
 */
export const oddities = `
  -- Words that mean something in SQL, in GraphQL or in JavaScript.
  ${[
    ...['select', 'order', 'user', 'table', 'group', 'end'],
    ...['query', 'mutation', 'subscription', 'node', 'page_info', 'cursor', 'type', 'string', 'int', 'float'],
    ...[
      'boolean',
      'id',
      'uuid',
      'json',
      'date',
      'datetime',
      'time',
      'interval',
      'big_int',
      'text',
      'int4',
      'date_range',
    ],
    ...['string_filter', 'int_list_filter', 'point', 'lines', 'person_range'],
    ...['constructor', 'prototype', '__proto__', 'toString', '__typename', 'hasOwnProperty'],
  ]
    .map(
      (
        word,
      ) => `create table "${word}" (key integer primary key, "${word}" text, other_id integer references "${word}");
         create index on "${word}" (other_id);
         insert into "${word}" values (1, 'one', 1), (2, 'two', 1);`,
    )
    .join('\n')}

  create table awkward_columns (
    node_id integer primary key, id text unique, row_id integer, "rowId" integer, query text, type text, nodes text[],
    edges integer, page_info text, total_count bigint, cursor text, "__typename" text, "and" text, "or" text,
    "not" text, primary_key text, "natural" text, client_mutation_id text, patch text, "input" text, first integer,
    "offset" integer, filter text, order_by text, "constructor" text, "toString" text, "__proto__" text, "from" text,
    "default" text, "First Name" text, "ALLCAPS" text, "camelCase" text, camel_case text, "Camel Case" text,
    "1st" text, "2-nd" text, "%" text, "+" text, "été" text, "数" text, "🚪" text, "a.b" text, "it's" text,
    "say ""hi""" text, "_hidden" text, trailing_ text, "back\\\\slash" text, filter_exists text, result text, "${longName('x')}" text, "${longName('y')}" text
  );
  do $$
  declare
    v_column name;
  begin
    for v_column in select attname from pg_attribute where attrelid = 'awkward_columns'::regclass and attnum > 0 loop
      execute format('create index on awkward_columns (%I)', v_column);
    end loop;
  end
  $$;
  insert into awkward_columns (node_id, id, "rowId", row_id, "camelCase", camel_case, "Camel Case", "__proto__",
    "__typename", "%", "+", "数")
  values (1, 'i', 2, 3, 'camel', 'snake', 'spaced', 'proto', 'typename', 'percent', 'plus', 'number');

  -- Names that become one and the same.
  create table person (id integer primary key, name text);
  create table people (id integer primary key, name text);
  create table "Person" (id integer primary key, name text);
  create view persons as select * from person;
  create table person_input (id integer primary key, person_id integer references person);
  create table person_connection (id integer primary key, person_id integer references person);
  create table person_patch (id integer primary key);
  create table person_filter (id integer primary key);
  create table person_order_by (id integer primary key);
  create table people_edge (id integer primary key);
  create table create_person_payload (id integer primary key);
  create table update_person_input (id integer primary key);
  create table delete_person (id integer primary key);
  create type person_kind as enum ('a', 'b');
  create table person_kinds (id integer primary key, kind person_kind);
  create table "PersonKind" (id integer primary key, kind person_kind);
  insert into person values (1, 'in person'), (2, 'too');
  insert into people values (1, 'in people');
  insert into "Person" values (1, 'in Person');
  insert into person_input values (1, 1);
  insert into person_connection values (1, 1);
  insert into person_patch values (1);
  insert into person_filter values (1);
  insert into person_order_by values (1);
  insert into people_edge values (1);
  insert into create_person_payload values (1);
  insert into update_person_input values (1);
  insert into delete_person values (1);
  insert into person_kinds values (1, 'a');
  insert into "PersonKind" values (1, 'b');

  -- Names that hardly are any.
  create table "été" (id integer primary key, "ça" text);
  create table "表" (id integer primary key, "列" text);
  create table "данные" (id integer primary key, "имя" text);
  create table "🚪" (id integer primary key, label text);
  create table "%" (id integer primary key, label text);
  create table "&&" (id integer primary key, label text);
  create table "2fa codes" (id integer primary key, "2fa" text);
  create table "Mixed Case Table" ("Id" integer primary key, "Last-Name" text);
  create table "_" (id integer primary key, "_" text);
  create table ${longName('a')} (id integer primary key, label text);
  create table ${longName('b')} (id integer primary key, label text, other_id integer references ${longName('a')});
  insert into "été" values (1, 'x');
  insert into "表" values (1, 'x');
  insert into "данные" values (1, 'x');
  insert into "🚪" values (1, 'x');
  insert into "%" values (1, 'x');
  insert into "&&" values (1, 'x');
  insert into "2fa codes" values (1, 'x');
  insert into "Mixed Case Table" values (1, 'x');
  insert into "_" values (1, 'x');
  insert into ${longName('a')} values (1, 'x');
  insert into ${longName('b')} values (1, 'x', 1);

  -- Relations that want the same name as a column, as a function, or as each other.
  create table office (id integer primary key, name text, desks text, region text not null, number integer not null,
    head_id integer unique, alternative text unique, unique (region, number), unique (number, region));
  create table desk (
    id integer primary key, office text, office_id integer references office, owner integer references person,
    region text, number integer, other_region text,
    foreign key (region, number) references office (region, number),
    foreign key (other_region, number) references office (region, number),
    constraint desk_again foreign key (office_id) references office,
    office_alternative text references office (alternative),
    head_id integer, constraint desk_head_one foreign key (head_id) references office (id),
    constraint desk_head_two foreign key (head_id) references office (head_id)
  );
  alter table office add desk_id integer unique references desk, add foreign key (head_id) references person;
  create index on desk (office_id);
  create index on desk (owner);
  create index on desk (region, number);
  create index on desk (other_region, number);
  create table tenant (id integer primary key);
  create table room (tenant_id integer references tenant, id integer, name text, primary key (tenant_id, id));
  create table booking (
    tenant_id integer references tenant, id integer, room_id integer, previous_room_id integer, day_room_id integer,
    primary key (tenant_id, id),
    foreign key (tenant_id, room_id) references room,
    foreign key (tenant_id, previous_room_id) references room,
    foreign key (tenant_id, day_room_id) references room
  );
  create table booking_guest (tenant_id integer, booking_id integer, name text, unique (tenant_id, booking_id),
    foreign key (tenant_id, booking_id) references booking);
  create table couple (id integer primary key, couple_id integer unique references couple);
  insert into office values (1, 'Main', 'many', 'north', 1, 1, 'alt', null);
  insert into desk values (1, 'text', 1, 1, 'north', 1, 'north', 'alt', 1);
  insert into tenant values (1);
  insert into room values (1, 1, 'Blue'), (1, 2, 'Red');
  insert into booking values (1, 1, 1, 2, 1);
  insert into booking_guest values (1, 1, 'Ann');
  insert into couple values (1, null), (2, 1);
  create function person_name(person) returns text language sql stable as $$ select 'computed' $$;
  create function desk_office_by_office_id(desk) returns text language sql stable as $$ select 'computed' $$;
  create function office(id integer) returns office language sql stable as $$ select * from office where office.id = $1 $$;
  create function people() returns setof person language sql stable as $$ select * from person $$;
  create function create_person(name text) returns person language sql volatile
    as $$ insert into person values (3, $1) returning * $$;
  create function query() returns integer language sql stable as $$ select 1 $$;

  -- Keys of every kind, and none.
  create table two_keys (a integer primary key, b text not null unique, c uuid unique, unique (a, b));
  create table keyed_by_patch (patch text primary key, client_mutation_id text unique, input integer unique);
  create table no_key (label text);
  create table no_primary_key (code text not null unique, label text);
  create table bytes_key (id bytea primary key, label text);
  create table date_key (at timestamptz primary key, label text);
  create table domain_key (code shop_code primary key, label text);
  create table enum_key (state shop_state primary key, label text);
  create table numeric_key (n numeric primary key);
  create table parent (id integer primary key, name text);
  create table inheriting (extra text) inherits (parent);
  create unlogged table unlogged_table (id integer primary key);
  insert into two_keys values (1, 'b', null);
  insert into keyed_by_patch values ('p', 'c', 1);
  insert into no_key values ('same'), ('same');
  insert into no_primary_key values ('c', 'l');
  insert into bytes_key values ('\\x00ff', 'l');
  insert into date_key values ('2026-01-01 00:00:00.123456+00', 'l');
  insert into domain_key values ('A', 'l');
  insert into enum_key values ('in use', 'l');
  insert into numeric_key values (123456789012345678901234567890.5);
  insert into parent values (1, 'own');
  insert into inheriting values (2, 'inherited', 'extra');
  insert into unlogged_table values (1);

  -- Types of every kind.
  create type odd_labels as enum ('', '1st', 'true', 'false', 'null', 'in progress', 'in-progress', 'in_progress', '*',
    'größer', '100 %', '数', 'a/b', 'A', 'a', '__x', '✓', '✗');
  create domain positive as integer not null check (value > 0);
  create domain odd_label as odd_labels;
  create domain words as text[];
  create domain smaller as positive check (value < 100);
  create type point3 as (x double precision, y double precision, z double precision);
  create type box3 as ("from" point3, "to" point3, labels odd_labels[]);
  create domain point3_domain as point3;
  create type span as range (subtype = double precision);
  create table every_type (
    id integer primary key,
    a smallint, b integer, c bigint, d numeric, e real, f double precision, g money, h varchar(10), i char(3), j text,
    k name, l "char", m bytea, n boolean, o date, p time, q timetz, r timestamp, s timestamptz, t interval, u uuid,
    v json, w jsonb, x xml, y bit(3), z varbit, aa inet, ab cidr, ac macaddr, ad macaddr8, ae point, af line, ag lseg,
    ah box, ai path, aj polygon, ak circle, al int4range, am int8range, an numrange, ao tsrange, ap tstzrange,
    aq daterange, ar int4multirange, at oid, au regclass, av pg_lsn, aw jsonpath, ax tsvector, ay odd_labels,
    az odd_label, ba words, bb smaller, bc point3, bd box3, be point3_domain, bf span, bg person, bh integer[],
    bi text[], bj point3[], bk odd_labels[], bl daterange[], bm uuid[], bn jsonb[], bo numeric[], bp bytea[],
    bq timestamptz[], br interval[], bs span_multirange, bt xid, bu regtype, bv tsquery, bw inet[], bx bit[], by positive[],
    bz pg_snapshot, ca regproc[], cb int4multirange[]
  );
  insert into every_type values (
    1, 1, 2, 9007199254740993, 1.10, 1.5, 2.5, 12.5, 'h', 'i', 'j', 'k', 'l', '\\x00', true, '2026-01-01', '12:00',
    '12:00+00', '2026-01-01 12:00', '2026-01-01 12:00+00', '1 mon -2 days 03:04:05.678', gen_random_uuid(), '[1]', '{}',
    '<a/>', '101', '1', '10.0.0.1', '10.0.0.0/8', '08:00:2b:01:02:03', '08:00:2b:01:02:03:04:05', '(1,2)', '{-0.5,-1,-1.5}',
    '[(0,0),(1,1)]', '(1,1),(0,0)', '[(0,0),(1,1)]', '((0,0),(1,1),(1,0))', '<(0,0),1>', '[1,2)', '(,5)', '[1.5,]',
    '[2026-01-01,2026-01-02)', '[2026-01-01,infinity)', '[,2026-01-01)', '{[1,3),[5,6)}', 26, 'person', '0/16B3748', '$.a',
    'word', 'in-progress', '100 %', '{a,b}', 5, '(1,2,3)', '("(1,2,3)","(4,5,6)","{a,✓}")', '(1,2,3)', '[1,2)',
    '(1,Row)', '{1,null,3}', '{a,null}', array['(1,2,3)', null]::point3[], '{1st,true}',
    array['[2026-01-01,2026-01-02)']::daterange[], array[null::uuid], array['{}'::jsonb], '{1.5}', array['\\x01'::bytea],
    '{infinity}', '{1 day}', '{[1,2)}', '7', 'integer', 'a & b', '{10.0.0.1}', '{1}', '{1}', '10:20:10,14', '{now}',
    array['{[1,3)}']::int4multirange[]
  );
  insert into every_type (id, bb, bj) values (2, 5, '{}');
  create table every_label (label odd_labels primary key);
  insert into every_label select unnest(enum_range(null::odd_labels));
  create table moments (id integer primary key, day date not null, days date[], moment timestamptz not null,
    period tstzrange not null);
  insert into moments values
    (1, 'infinity', '{-infinity,null,0044-03-15 BC}', 'infinity', '[-infinity,infinity)'),
    (2, '0044-03-15 BC', null, '0044-03-15 12:00:00.5+00 BC', '(,)'),
    (3, '12345-06-07', '{}', '12345-06-07 00:00+00', '[2026-01-01 00:00+00,)');
  create table only_hidden (document tsvector);
  insert into only_hidden values ('word');

  -- Views and tables elsewhere.
  create schema elsewhere;
  create table elsewhere.person (id integer primary key);
  create type elsewhere.mood as enum ('fine', 'bad');
  create table outward (id integer primary key, person_id integer references elsewhere.person, mood elsewhere.mood);
  create view nothing_but_constants as select 1 as one, null as nothing, 'x' as "?column?", true as bool;
  create materialized view elsewhere_people as select * from elsewhere.person;
  insert into elsewhere.person values (1);
  insert into outward values (1, 1, 'fine');
  refresh materialized view elsewhere_people;

  -- Functions of every kind.
  create function first_of(first integer, after text, "offset" integer, filter text, "orderBy" text)
    returns setof person language sql stable as $$ select * from person order by id limit $1 $$;
  create function unnamed(integer, text) returns text language sql immutable as $$ select $2 || $1 $$;
  create function overloaded(a integer) returns integer language sql stable as $$ select 1 $$;
  create function overloaded(a text) returns integer language sql stable as $$ select 2 $$;
  create function several(variadic numbers integer[]) returns integer language sql stable as $$ select 1 $$;
  create function outs(n integer, out double integer, out "Half Of" numeric) language sql stable
    as $$ select n * 2, n / 2.0 $$;
  create function rows_of() returns table (id integer, query text, "__proto__" text) language sql stable
    as $$ values (1, 'q', 'p') $$;
  create function words_of(text) returns setof text language sql stable as $$ select unnest(string_to_array($1, ' ')) $$;
  create function array_of(n integer) returns integer[] language sql stable as $$ select array[n] $$;
  create function people_array() returns person[] language sql stable as $$ select array_agg(person) from person $$;
  create function nothing_of() returns void language sql volatile as $$ $$;
  create function record_of() returns record language sql stable as $$ select 1, 2 $$;
  create function with_default(a integer default 1, b text default 'x') returns text language sql stable
    as $$ select a || b $$;
  create function person_in(mood elsewhere.mood, at point3, labels odd_labels[]) returns text language sql stable
    as $$ select mood || ' ' || at || ' ' || labels::text $$;
  create function person_friends(person, first integer, "offset" integer) returns setof person language sql stable
    as $$ select * from person where id <> $1.id $$;
  create function point3_length(point3) returns double precision language sql immutable as $$ select $1.x $$;
  create function change(client_mutation_id text, input text, query text, result text) returns text
    language sql volatile as $$ select 'changed' $$;
  create function touched() returns trigger language plpgsql as $$ begin return new; end $$;
  create procedure proceed() language sql as $$ $$;
  create aggregate total_of(integer) (sfunc = int4pl, stype = integer);`
