/*
 * A record shop to measure on, made up here and kept in one piece, long as it is: tables, policies, rows. Everything grows with one number, the setting
 * shop.albums: a fifth as many artists and customers, ten tracks to an album, a tenth as many
 * organizations with a hundred documents each. What the signed-in person owns stays the same at any
 * size: one customer with a hundred invoices, five memberships. Runs as the owner of a migrated
 * project database, whose people, organizations and memberships it uses.
 */

-- The catalog: whoever is signed in may read it.
create table app_public.genres (
  id integer primary key,
  name text not null unique
);

create table app_public.artists (
  id integer primary key,
  name text not null
);
create index on app_public.artists (name);

create table app_public.albums (
  id integer primary key,
  artist_id integer not null references app_public.artists on delete cascade,
  title text not null,
  released_on date not null
);
create index on app_public.albums (artist_id);
create index on app_public.albums (title);
create index on app_public.albums (released_on);

create table app_public.tracks (
  id integer primary key,
  album_id integer not null references app_public.albums on delete cascade,
  genre_id integer not null references app_public.genres on delete restrict,
  position integer not null,
  title text not null,
  duration_seconds integer not null,
  price_cents integer not null,
  unique (album_id, position)
);
create index on app_public.tracks (genre_id, title, id);

create table app_public.playlists (
  id integer primary key,
  name text not null
);

create table app_public.playlist_entries (
  playlist_id integer not null references app_public.playlists on delete cascade,
  position integer not null,
  track_id integer not null references app_public.tracks on delete cascade,
  primary key (playlist_id, position)
);
create index on app_public.playlist_entries (track_id);

do $$
declare
  v_table text;
begin
  foreach v_table in array '{genres,artists,albums,tracks,playlists,playlist_entries}'::text[] loop
    execute format('alter table app_public.%I enable row level security', v_table);
    execute format(
      'create policy select_person on app_public.%I for select to plinth_person
         using ((select app_public.current_person_id()) is not null)',
      v_table
    );
    execute format('grant select on app_public.%I to plinth_person', v_table);
  end loop;
end
$$;

-- Sales: everybody sees their own.
create table app_public.customers (
  id integer primary key,
  person_id uuid not null references app_public.people on delete cascade,
  name text not null,
  country text not null
);
create index on app_public.customers (person_id);
alter table app_public.customers enable row level security;
create policy select_self on app_public.customers for select to plinth_person
  using (person_id = (select app_public.current_person_id()));
grant select on app_public.customers to plinth_person;

create table app_public.invoices (
  id integer primary key,
  customer_id integer not null references app_public.customers on delete cascade,
  billed_on date not null
);
create index on app_public.invoices (customer_id, billed_on);
alter table app_public.invoices enable row level security;
create policy select_self on app_public.invoices for select to plinth_person
  using (
    customer_id = any (array(
      select customers.id
      from app_public.customers
      where customers.person_id = (select app_public.current_person_id())
    ))
  );
grant select on app_public.invoices to plinth_person;

create table app_public.invoice_lines (
  id integer primary key,
  invoice_id integer not null references app_public.invoices on delete cascade,
  track_id integer not null references app_public.tracks on delete restrict,
  quantity integer not null,
  price_cents integer not null
);
create index on app_public.invoice_lines (invoice_id);
create index on app_public.invoice_lines (track_id);
alter table app_public.invoice_lines enable row level security;
create policy select_self on app_public.invoice_lines for select to plinth_person
  using (invoice_id = any (array(select invoices.id from app_public.invoices))); -- those one sees
grant select on app_public.invoice_lines to plinth_person;

-- What people write.
create table app_public.reviews (
  id integer generated always as identity primary key,
  album_id integer not null references app_public.albums on delete cascade,
  person_id uuid not null default app_public.current_person_id()
    references app_public.people on delete cascade,
  stars integer not null check (stars between 1 and 5),
  body text not null,
  created_at timestamptz not null default now()
);
create index on app_public.reviews (album_id);
create index on app_public.reviews (person_id);
alter table app_public.reviews enable row level security;
create policy select_person on app_public.reviews for select to plinth_person
  using ((select app_public.current_person_id()) is not null);
create policy insert_self on app_public.reviews for insert to plinth_person
  with check (person_id = (select app_public.current_person_id()));
grant select on app_public.reviews to plinth_person;
grant insert (album_id, stars, body) on app_public.reviews to plinth_person;

create table app_public.ratings (
  album_id integer not null references app_public.albums on delete cascade,
  person_id uuid not null default app_public.current_person_id()
    references app_public.people on delete cascade,
  stars integer not null check (stars between 1 and 5),
  primary key (album_id, person_id)
);
create index on app_public.ratings (person_id);
alter table app_public.ratings enable row level security;
create policy select_person on app_public.ratings for select to plinth_person
  using ((select app_public.current_person_id()) is not null);
create policy insert_self on app_public.ratings for insert to plinth_person
  with check (person_id = (select app_public.current_person_id()));
create policy update_self on app_public.ratings for update to plinth_person
  using (person_id = (select app_public.current_person_id()));
grant select on app_public.ratings to plinth_person;
grant insert (album_id, stars), update (stars) on app_public.ratings to plinth_person;

-- Documents: members of their organization see them.
create table app_public.documents (
  organization_id uuid not null references app_public.organizations on delete cascade,
  id uuid not null unique,
  title text not null,
  updated_on date not null,
  primary key (organization_id, id)
);
create index on app_public.documents (organization_id, updated_on);
alter table app_public.documents enable row level security;
create policy select_member on app_public.documents for select to plinth_person
  using (organization_id = any (array(select app_hidden.my_organization_ids())));
grant select on app_public.documents to plinth_person;

create type app_public.genre_sales as (genre text, tracks_sold integer, total_cents integer);

-- The caller is named although the policies name them too: so the planner, and whoever calls this with
-- row-level security off, starts at the caller's own invoices.
create function app_public.sales_by_genre(since date) returns setof app_public.genre_sales
language sql stable
as $$
  select genres.name, sum(invoice_lines.quantity)::integer,
    sum(invoice_lines.quantity * invoice_lines.price_cents)::integer
  from app_public.customers
  join app_public.invoices on invoices.customer_id = customers.id
  join app_public.invoice_lines on invoice_lines.invoice_id = invoices.id
  join app_public.tracks on tracks.id = invoice_lines.track_id
  join app_public.genres on genres.id = tracks.genre_id
  where customers.person_id = (select app_public.current_person_id())
    and invoices.billed_on >= sales_by_genre.since
  group by genres.name
  order by genres.name;
$$;
grant execute on function app_public.sales_by_genre(date) to plinth_person;

create function app_public.rate_album(album_id integer, stars integer) returns app_public.ratings
language sql volatile
as $$
  insert into app_public.ratings (album_id, stars)
  values (rate_album.album_id, rate_album.stars)
  on conflict on constraint ratings_pkey do update set stars = excluded.stars
  returning *;
$$;
grant execute on function app_public.rate_album(integer, integer) to plinth_person;

-- The data. Numbers are scattered by multiplying with a prime, so that every run has the same.
create function pg_temp.albums() returns integer
language sql stable
as $$ select current_setting('shop.albums')::integer; $$;

create function pg_temp.words(seed integer) returns text
language sql immutable
as $$
  select (array['Amber', 'Broken', 'Copper', 'Distant', 'Early', 'Faded', 'Golden', 'Hollow', 'Inland',
      'Jagged', 'Kindred', 'Lucid', 'Midnight', 'Northern', 'Open', 'Paper', 'Quiet', 'Restless',
      'Silver', 'Tidal', 'Unseen', 'Velvet', 'Winter'])[seed * 7 % 23 + 1]
    || ' '
    || (array['Harbour', 'Engine', 'Orchard', 'Signal', 'Lantern', 'Meridian', 'Sparrow', 'Canyon',
      'Mirror', 'Station', 'Garden', 'Avenue', 'Horizon', 'Letter', 'River', 'Clock', 'Window',
      'Mountain', 'Ember'])[seed * 11 % 19 + 1];
$$;

create function pg_temp.key(kind text, number integer) returns uuid
language sql immutable
as $$ select md5(kind || number)::uuid; $$;

insert into app_public.genres
select n, 'Genre ' || to_char(n, 'FM00') from generate_series(1, 25) as n;

insert into app_public.artists
select n, 'The ' || pg_temp.words(n) || ' ' || n from generate_series(1, pg_temp.albums() / 5) as n;

insert into app_public.albums
select n, (n * 17) % (pg_temp.albums() / 5) + 1, pg_temp.words(n * 3) || ' ' || n,
  date '1970-01-01' + (n * 7919) % 18000
from generate_series(1, pg_temp.albums()) as n;

insert into app_public.tracks
select n, (n - 1) / 10 + 1, (n * 7919) % 25 + 1, (n - 1) % 10 + 1,
  pg_temp.words(n * 5) || ' ' || (n * 31) % 997, 90 + (n * 7919) % 400, 79 + (n % 3) * 20
from generate_series(1, pg_temp.albums() * 10) as n;

insert into app_public.playlists
select n, 'List ' || n from generate_series(1, 100) as n;
insert into app_public.playlist_entries
select list, position, ((list * 101 + position) * 7919) % (pg_temp.albums() * 10) + 1
from generate_series(1, 100) as list, generate_series(1, 30) as position;

insert into app_public.people (id, name)
select pg_temp.key('person', n), 'Person ' || n from generate_series(1, pg_temp.albums() / 5) as n;

insert into app_public.customers
select n, pg_temp.key('person', n), 'Customer ' || n,
  (array['Austria', 'Brazil', 'Canada', 'Denmark', 'Estonia'])[n % 5 + 1]
from generate_series(1, pg_temp.albums() / 5) as n;

-- A hundred for the first customer, twenty for everybody else.
insert into app_public.invoices
select row_number() over (order by customers.id, n), customers.id, date '2020-01-01' + (n * 7919) % 1800
from app_public.customers
cross join lateral generate_series(1, case customers.id when 1 then 100 else 20 end) as n;
insert into app_public.invoice_lines
select (invoices.id - 1) * 5 + n, invoices.id,
  ((invoices.id * 5 + n) * 7919) % (pg_temp.albums() * 10) + 1, n % 2 + 1, 99
from app_public.invoices, generate_series(1, 5) as n;

insert into app_public.organizations (id, name)
select pg_temp.key('organization', n), 'Organization ' || n
from generate_series(1, pg_temp.albums() / 10) as n;
-- Person number p belongs to five organizations that lie apart.
insert into app_public.memberships (organization_id, person_id)
select distinct pg_temp.key('organization', (p + step * (pg_temp.albums() / 50)) % (pg_temp.albums() / 10) + 1),
  pg_temp.key('person', p)
from generate_series(1, pg_temp.albums() / 5) as p, generate_series(0, 4) as step;
insert into app_public.documents
select pg_temp.key('organization', (n - 1) / 100 + 1), pg_temp.key('document', n),
  pg_temp.words(n) || ' ' || n, date '2020-01-01' + (n * 7919) % 1800
from generate_series(1, pg_temp.albums() * 10) as n;
