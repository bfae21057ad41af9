--! Previous: sha1:b67da7ed1177277fa64073cfc2d323349f322d57
--! Hash: sha1:a07b9b4e7283e17f3aa6ebadd48c54b5829bf4a6
--! Message: log by months

--! split: 1-current.sql
/*
 * The decision log by months, and copies of it as CSV. See docs/log.md and docs/decisions/0017-log-by-months.md.
 */
drop function if exists app_public.request_log_export(uuid, timestamptz, timestamptz, uuid, uuid);
drop table if exists app_public.log_export_parts, app_public.log_exports, app_public.log_export_states cascade;

create temporary table kept on commit drop as
  select organization_id, id, door_id, person_id, is_allowed, rule, reason, decided_at
  from app_public.door_decisions;
drop table app_public.door_decisions cascade;

-- Read only, and append-only even for the owner: open_door writes it. A door that the log speaks of cannot be deleted
-- from under it; a person is let go of; the end of the organization ends its log. By the key, an organization's
-- decisions stand in the order in which they were made. A partitioned table cannot hold `id` to be unique by itself.
create table app_public.door_decisions (
  organization_id uuid not null references app_public.organizations on delete cascade,
  id uuid not null default app_hidden.new_id(),
  door_id uuid not null,
  person_id uuid references app_public.people on delete set null,
  is_allowed boolean not null,
  rule text,
  reason text not null,
  decided_at timestamptz not null default now(),
  primary key (organization_id, decided_at, id),
  foreign key (organization_id, door_id) references app_public.doors (organization_id, id)
    on delete no action
) partition by range (decided_at);
create index on app_public.door_decisions (id);
create index on app_public.door_decisions (organization_id, door_id);
create index on app_public.door_decisions (door_id, decided_at);
create index on app_public.door_decisions (person_id, decided_at);
create index on app_public.door_decisions (decided_at);
alter table app_public.door_decisions enable row level security;
create policy select_self_or_manager on app_public.door_decisions for select to :ROLE_PERSON
  using (
    organization_id = any (array(select app_hidden.my_managed_organization_ids()))
    or (
      person_id = (select app_public.current_person_id())
      and organization_id = any (array(select app_hidden.my_organization_ids()))
    )
  );
grant select on app_public.door_decisions to :ROLE_PERSON;
comment on table app_public.door_decisions is 'Each time somebody asked to open a door, and what was decided. You see your own; managers see all of their organization.';
comment on column app_public.door_decisions.organization_id is 'Whose door it was.';
comment on column app_public.door_decisions.id is 'Identifies the decision.';
comment on column app_public.door_decisions.door_id is 'The door.';
comment on column app_public.door_decisions.person_id is 'Who asked; null once their account is deleted.';
comment on column app_public.door_decisions.is_allowed is 'Whether the door was to open.';
comment on column app_public.door_decisions.rule is 'The rule that allowed it, or null. Of a denial too: then the controller was what was missing.';
comment on column app_public.door_decisions.reason is 'Why, in words.';
comment on column app_public.door_decisions.decided_at is 'When.';
-- Deeper than zero is the end of the person or of the organization, which reach here by their foreign keys.
create trigger _200_append_only before update on app_public.door_decisions
  for each row when (pg_trigger_depth() = 0) execute function app_private.tg__append_only();
create trigger _201_append_only before delete on app_public.door_decisions
  for each row when (pg_trigger_depth() = 0) execute function app_private.tg__append_only();
create trigger _202_append_only before truncate on app_public.door_decisions
  for each statement execute function app_private.tg__append_only();

--! Included functions/app_private/log_partitions.sql
create or replace function app_private.log_partitions()
returns table (partition regclass, since timestamptz, until timestamptz)
language sql stable rows 30
set datestyle to 'ISO' -- in which a bound is shown and read
as $$
  select
    pg_class.oid::regclass,
    substring(bound.text from 'FROM [(]''([^'']+)''')::timestamptz,
    substring(bound.text from 'TO [(]''([^'']+)''')::timestamptz
  from pg_catalog.pg_inherits
  join pg_catalog.pg_class on pg_class.oid = pg_inherits.inhrelid
  cross join lateral (values (pg_catalog.pg_get_expr(pg_class.relpartbound, pg_class.oid))) as bound (text)
  where pg_inherits.inhparent = 'app_public.door_decisions'::regclass;
$$;
comment on function app_private.log_partitions() is
  'The parts of the decision log: from when on, and until before when. The first has no beginning, the last no end.';
--! EndIncluded functions/app_private/log_partitions.sql
--! Included functions/app_private/log_partition_name.sql
create or replace function app_private.log_partition_name(since timestamptz, until timestamptz) returns text
language sql stable
as $$
  select 'door_decisions_' || case
    when log_partition_name.since is null then 'earlier'
    when log_partition_name.until is null then 'later'
    else to_char(log_partition_name.since at time zone 'UTC', 'YYYY_MM')
  end;
$$;
comment on function app_private.log_partition_name(timestamptz, timestamptz) is
  'What a part of the decision log is called: after the month that it begins with.';
--! EndIncluded functions/app_private/log_partition_name.sql
--! Included functions/app_private/make_log_partition.sql
-- Nobody has a right on a part: the log is read and written as a whole, by its policies.
create or replace function app_private.make_log_partition(since timestamptz, until timestamptz) returns void
language plpgsql volatile
set search_path to pg_catalog, public, pg_temp
set timezone to 'UTC'
set datestyle to 'ISO'
as $$
declare
  v_name text := app_private.log_partition_name(make_log_partition.since, make_log_partition.until);
begin
  execute format(
    'create table app_private.%I partition of app_public.door_decisions for values from (%s) to (%s)',
    v_name,
    coalesce(quote_literal(make_log_partition.since), 'minvalue'),
    coalesce(quote_literal(make_log_partition.until), 'maxvalue')
  );
  execute format('alter table app_private.%I enable row level security', v_name);
  -- Triggers for each row come by themselves.
  execute format(
    'create trigger _202_append_only before truncate on app_private.%I '
    'for each statement execute function app_private.tg__append_only()',
    v_name
  );
end;
$$;
comment on function app_private.make_log_partition(timestamptz, timestamptz) is
  'Makes the part of the decision log from one moment until before another. Null: without a beginning, or an end.';
--! EndIncluded functions/app_private/make_log_partition.sql
--! Included functions/app_private/make_log_partitions.sql
/*
 * The last part of the log has no end, so that a decision is never without a place, however late this runs. Where it
 * is empty, as it is when this runs in time, months take its place. Else it is closed at the end of the present month
 * and stays; no row has to move, whatever their number, but those that a clock has put into the future.
 *
 * Whoever unlocks a door waits behind the locks that this waits for. Half a second is what they are made to wait, and
 * less than it takes Postgres to look for a deadlock: this is what gives way. The job tries again.
 */
create or replace function app_private.make_log_partitions(ahead integer default 3) returns integer
language plpgsql volatile
set search_path to pg_catalog, public, pg_temp
set timezone to 'UTC'
set lock_timeout to '500ms'
as $$
declare
  v_last timestamptz := date_trunc('month', now()) + make_interval(months => make_log_partitions.ahead);
  v_since timestamptz;
  v_until timestamptz;
  v_next timestamptz;
  v_name text;
  v_count integer := 0;
begin
  -- One at a time; this lets everybody else read and write.
  lock table only app_public.door_decisions in share update exclusive mode;
  select parts.since into strict v_since from app_private.log_partitions() as parts where parts.until is null;
  if v_since > v_last then
    return 0;
  end if;

  lock table only app_public.door_decisions in access exclusive mode;
  -- By its size, which is the same in every snapshot.
  if pg_relation_size('app_private.door_decisions_later') = 0 then
    drop table app_private.door_decisions_later;
    v_next := v_since;
  else
    v_until := greatest(v_since, date_trunc('month', now())) + interval '1 month';
    v_name := app_private.log_partition_name(v_since, v_until);
    alter table app_public.door_decisions detach partition app_private.door_decisions_later;
    execute format('alter table app_private.door_decisions_later rename to %I', v_name);
    v_next := v_until;
    v_count := 1;
  end if;

  while v_next <= v_last loop
    perform app_private.make_log_partition(v_next, v_next + interval '1 month');
    v_next := v_next + interval '1 month';
    v_count := v_count + 1;
  end loop;
  perform app_private.make_log_partition(v_next, null);

  if v_name is not null then
    execute format(
      'with early as (delete from app_private.%I where decided_at >= $1 returning *) '
      'insert into app_public.door_decisions select * from early',
      v_name
    ) using v_until;
    execute format(
      'alter table app_public.door_decisions attach partition app_private.%I for values from (%L) to (%L)',
      v_name, v_since, v_until
    );
  end if;
  return v_count;
end;
$$;
comment on function app_private.make_log_partitions(integer) is
  E'Makes the parts of the decision log for this month and so many after it, where they are not there yet, and returns how many those were.\n\nErrors: `55P03` where the log was in use for half a second.';
--! EndIncluded functions/app_private/make_log_partitions.sql
--! Included functions/app_private/drop_log_partitions.sql
-- What came before the oldest month that stays has a part of its own, which is made anew: an insert finds a place
-- whatever its date. All is gone in one short transaction, without a look at a row.
create or replace function app_private.drop_log_partitions(keep interval) returns bigint
language plpgsql volatile
set search_path to pg_catalog, public, pg_temp
set timezone to 'UTC'
set lock_timeout to '500ms' -- as in make_log_partitions
as $$
declare
  v_until timestamptz;
  v_count bigint;
  v_part regclass;
begin
  lock table app_public.door_decisions in share update exclusive mode;
  select max(parts.until), count(*) into v_until, v_count
  from app_private.log_partitions() as parts
  where parts.until <= now() - drop_log_partitions.keep;
  if v_count = 0 or (v_count = 1 and not exists (select from app_private.door_decisions_earlier)) then
    return 0;
  end if;

  for v_part in
    select parts.partition from app_private.log_partitions() as parts where parts.until <= v_until
  loop
    execute format('drop table %s', v_part);
  end loop;
  perform app_private.make_log_partition(null, v_until);
  return v_count;
end;
$$;
comment on function app_private.drop_log_partitions(interval) is
  E'Removes the months of the decision log that ended longer ago than that, and returns how many parts those were.\n\nErrors: `55P03` where the log was in use for half a second.';
--! EndIncluded functions/app_private/drop_log_partitions.sql

-- From the first month that has a decision, of three years at most. What came before has one part.
do $$
declare
  v_now timestamp := date_trunc('month', now() at time zone 'UTC');
  v_month timestamp := date_trunc('month', greatest(
    (select coalesce(min(kept.decided_at), now()) from kept), now() - interval '3 years'
  ) at time zone 'UTC');
begin
  v_month := least(v_month, v_now);
  perform app_private.make_log_partition(null, v_month at time zone 'UTC');
  while v_month < v_now loop
    perform app_private.make_log_partition(
      v_month at time zone 'UTC', (v_month + interval '1 month') at time zone 'UTC'
    );
    v_month := v_month + interval '1 month';
  end loop;
  perform app_private.make_log_partition(v_now at time zone 'UTC', null);
end;
$$;
select app_private.make_log_partitions();
insert into app_public.door_decisions
  (organization_id, id, door_id, person_id, is_allowed, rule, reason, decided_at)
select organization_id, id, door_id, person_id, is_allowed, rule, reason, decided_at
from kept;

-- What became of a command matters for a while; the log keeps what was decided.
create index if not exists unlock_commands_created_at_idx on app_public.unlock_commands (created_at);
--! Included functions/app_private/purge_unlock_commands.sql
create or replace function app_private.purge_unlock_commands() returns bigint
language sql volatile
as $$
  with purged as (
    delete from app_public.unlock_commands
    where id in (
      select unlock_commands.id
      from app_public.unlock_commands
      where unlock_commands.created_at <= now() - interval '30 days'
      limit 10000
    )
    returning 1
  )
  select count(*) from purged;
$$;
comment on function app_private.purge_unlock_commands() is
  'Removes up to 10,000 commands to doors that are older than 30 days, and returns how many there were. The log keeps what was decided.';
--! EndIncluded functions/app_private/purge_unlock_commands.sql

create table app_public.log_export_states (
  state text primary key,
  description text not null
);
alter table app_public.log_export_states enable row level security;
create policy select_anyone on app_public.log_export_states for select
  to :ROLE_AUTHENTICATOR, :ROLE_ANONYMOUS, :ROLE_PERSON, :ROLE_DEVICE
  using (true);
grant select on app_public.log_export_states
  to :ROLE_AUTHENTICATOR, :ROLE_ANONYMOUS, :ROLE_PERSON, :ROLE_DEVICE;
comment on table app_public.log_export_states is 'What has become of an export of the decision log.';
comment on column app_public.log_export_states.state is 'Its name.';
comment on column app_public.log_export_states.description is 'What it means.';
insert into app_public.log_export_states (state, description) values
  ('pending', 'It is not begun yet.'),
  ('writing', 'It is being written.'),
  ('finished', 'It can be read.'),
  ('failed', 'It could not be written, and will not be.');

-- No insert: request_log_export makes one. No update and no delete: it ends by itself. One that is about a person goes
-- with them. A day is enough to write it; from then on it has a week.
create table app_public.log_exports (
  organization_id uuid not null,
  id uuid not null default app_hidden.new_id() unique,
  office_id uuid not null,
  door_id uuid,
  person_id uuid references app_public.people on delete cascade,
  since timestamptz,
  until timestamptz not null,
  state text not null default 'pending' references app_public.log_export_states on delete restrict,
  rows_written integer not null default 0,
  rows_total integer,
  error text,
  requested_by uuid references app_public.people on delete set null,
  created_at timestamptz not null default now(),
  finished_at timestamptz,
  expires_at timestamptz not null default now() + interval '1 day',
  primary key (organization_id, id),
  foreign key (organization_id, office_id) references app_public.offices (organization_id, id)
    on delete cascade,
  foreign key (organization_id, door_id) references app_public.doors (organization_id, id)
    on delete cascade,
  check ((finished_at is null) = (state in ('pending', 'writing'))),
  check ((error is not null) = (state = 'failed'))
);
create index on app_public.log_exports (organization_id, office_id);
create index on app_public.log_exports (organization_id, door_id);
create index on app_public.log_exports (person_id);
create index on app_public.log_exports (requested_by);
create index on app_public.log_exports (state);
create index on app_public.log_exports (expires_at);
alter table app_public.log_exports enable row level security;
create policy select_manager on app_public.log_exports for select to :ROLE_PERSON
  using (
    organization_id = any (array(select app_hidden.my_managed_organization_ids()))
    and expires_at > now()
  );
grant select on app_public.log_exports to :ROLE_PERSON;
comment on table app_public.log_exports is 'Decisions of an office as CSV. Managers see those of their organization, for seven days.';
comment on column app_public.log_exports.organization_id is 'Whose office it is.';
comment on column app_public.log_exports.id is 'Identifies the export.';
comment on column app_public.log_exports.office_id is 'The office.';
comment on column app_public.log_exports.door_id is 'The one door that it is about, or null.';
comment on column app_public.log_exports.person_id is 'The one person that it is about, or null.';
comment on column app_public.log_exports.since is 'From when on; null: from the beginning.';
comment on column app_public.log_exports.until is 'Until before when.';
comment on column app_public.log_exports.state is 'What has become of it.';
comment on column app_public.log_exports.rows_written is 'How many decisions it has by now.';
comment on column app_public.log_exports.rows_total is 'How many it will have; null until they are counted.';
comment on column app_public.log_exports.error is 'Why it failed, or null.';
comment on column app_public.log_exports.requested_by is 'Who asked for it; null once their account is deleted.';
comment on column app_public.log_exports.created_at is 'When it was asked for.';
comment on column app_public.log_exports.finished_at is 'When it was finished, or had failed; null until then.';
comment on column app_public.log_exports.expires_at is 'Until when it can be read, or has to be written.';

-- Where a part ends is for its writer alone.
create table app_public.log_export_parts (
  organization_id uuid not null,
  log_export_id uuid not null,
  number integer not null check (number > 0),
  content text not null,
  last_decided_at timestamptz,
  last_decision_id uuid,
  primary key (organization_id, log_export_id, number),
  foreign key (organization_id, log_export_id) references app_public.log_exports (organization_id, id)
    on delete cascade
);
alter table app_public.log_export_parts enable row level security;
-- Whoever sees an export at this moment sees what is in it.
create policy select_with_export on app_public.log_export_parts for select to :ROLE_PERSON
  using (log_export_id = any (array(
    select log_exports.id from app_public.log_exports where log_exports.state = 'finished'
  )));
grant select (organization_id, log_export_id, number, content) on app_public.log_export_parts to :ROLE_PERSON;
comment on table app_public.log_export_parts is 'The content of an export: its parts one after the other are the file. You see those of the finished exports that you see.';
comment on column app_public.log_export_parts.organization_id is 'Whose export it is.';
comment on column app_public.log_export_parts.log_export_id is 'The export.';
comment on column app_public.log_export_parts.number is 'Its place, from 1 on.';
comment on column app_public.log_export_parts.content is 'Lines of CSV, at most 1,000; the first part begins with the names of the columns.';
comment on column app_public.log_export_parts.last_decided_at is 'When its last decision was made; null where it has none.';
comment on column app_public.log_export_parts.last_decision_id is 'Its last decision, or null.';

--! Included functions/app_private/log_export_decisions.sql
create or replace function app_private.log_export_decisions(export app_public.log_exports)
returns setof app_public.door_decisions
language sql stable rows 100000
as $$
  select door_decisions.*
  from app_public.door_decisions
  where door_decisions.organization_id = export.organization_id
    and door_decisions.decided_at >= coalesce(export.since, '-infinity')
    and door_decisions.decided_at < export.until
    and door_decisions.door_id = any (array(
      select doors.id
      from app_public.doors
      where doors.organization_id = export.organization_id
        and doors.office_id = export.office_id
        and (export.door_id is null or doors.id = export.door_id)
    ))
    and (export.person_id is null or door_decisions.person_id = export.person_id);
$$;
comment on function app_private.log_export_decisions(app_public.log_exports) is
  'The decisions that an export is of.';
--! EndIncluded functions/app_private/log_export_decisions.sql
--! Included functions/app_private/next_log_export_part.sql
create or replace function app_private.next_log_export_part(id uuid) returns integer
language sql volatile
as $$
  update app_public.log_exports
  set
    state = 'writing',
    rows_total = (select count(*) from app_private.log_export_decisions(log_exports))
  where log_exports.id = next_log_export_part.id and log_exports.state = 'pending';

  select coalesce(
    (
      select max(log_export_parts.number)
      from app_public.log_export_parts
      where log_export_parts.organization_id = log_exports.organization_id
        and log_export_parts.log_export_id = log_exports.id
    ), 0
  ) + 1
  from app_public.log_exports
  where log_exports.id = next_log_export_part.id and log_exports.state = 'writing';
$$;
comment on function app_private.next_log_export_part(uuid) is
  'Which part of an export is to be written next; null where none is any more. Counts the rows before the first one.';
--! EndIncluded functions/app_private/next_log_export_part.sql
--! Included functions/app_private/log_export_rows.sql
-- A part begins where the one before it ends, so that whoever writes it, and however often, writes the same. It is read
-- in the order of the key, and no further: Postgres expects fewer decisions than there are, and would rather read and
-- sort all that are left, for each part anew. Names are those that managers may see: of members, and of nobody else who
-- has asked for a door.
create or replace function app_private.log_export_rows(id uuid, number integer, most integer)
returns table (
  decided_at text, local_time text, time_zone text, office text, door text, person text, decision text,
  rule text, reason text, decision_id uuid, door_id uuid, person_id uuid, guest text, pass_id uuid
)
language plpgsql stable rows 1000
set search_path to pg_catalog, public, pg_temp
set enable_sort to off
as $$
declare
  v_export app_public.log_exports;
  v_at timestamptz := '-infinity';
  v_id uuid := '00000000-0000-0000-0000-000000000000';
begin
  select log_exports.* into v_export from app_public.log_exports where log_exports.id = log_export_rows.id;
  if log_export_rows.number > 1 then
    select log_export_parts.last_decided_at, log_export_parts.last_decision_id into strict v_at, v_id
    from app_public.log_export_parts
    where log_export_parts.organization_id = v_export.organization_id
      and log_export_parts.log_export_id = v_export.id
      and log_export_parts.number = log_export_rows.number - 1;
  end if;

  return query
  select
    to_char(page.decided_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    to_char(page.decided_at at time zone offices.time_zone, 'YYYY-MM-DD HH24:MI:SS'),
    offices.time_zone,
    offices.name,
    doors.name,
    people.name,
    case when page.is_allowed then 'allowed' else 'denied' end,
    page.rule,
    page.reason,
    page.id,
    page.door_id,
    page.person_id,
    guest_passes.guest_name,
    page.pass_id
  from (
    select decisions.*
    from app_private.log_export_decisions(v_export) as decisions
    where decisions.decided_at >= v_at -- which months to look into; the next line alone does not tell
      and (decisions.decided_at, decisions.id) > (v_at, v_id)
    order by decisions.decided_at, decisions.id
    limit log_export_rows.most
  ) as page
  join app_public.doors on doors.id = page.door_id
  join app_public.offices on offices.id = doors.office_id
  -- As in the log: names of members, and of nobody else who has tried.
  left join app_public.memberships
    on memberships.organization_id = page.organization_id and memberships.person_id = page.person_id
  left join app_public.people on people.id = memberships.person_id
  left join app_public.guest_passes
    on guest_passes.organization_id = page.organization_id and guest_passes.id = page.pass_id
  order by page.decided_at, page.id;
end;
$$;
comment on function app_private.log_export_rows(uuid, integer, integer) is
  'The rows of a part of an export, in the order of the log: moments in UTC and by the clocks of the office, names as they are now, of members and guests alone.';
--! EndIncluded functions/app_private/log_export_rows.sql
--! Included functions/app_private/add_log_export_part.sql
-- One statement, so that a part and what is said of it are there together. A part that is there already stays.
create or replace function app_private.add_log_export_part(
  id uuid, number integer, content text, row_count integer, last_decided_at timestamptz, last_decision_id uuid,
  is_last boolean
) returns void
language sql volatile
as $$
  with added as (
    insert into app_public.log_export_parts
      (organization_id, log_export_id, number, content, last_decided_at, last_decision_id)
    select
      log_exports.organization_id, log_exports.id, add_log_export_part.number, add_log_export_part.content,
      add_log_export_part.last_decided_at, add_log_export_part.last_decision_id
    from app_public.log_exports
    where log_exports.id = add_log_export_part.id and log_exports.state = 'writing'
    on conflict do nothing
    returning log_export_parts.log_export_id
  )
  update app_public.log_exports
  set
    rows_written = log_exports.rows_written + add_log_export_part.row_count,
    -- Some may have come or gone since they were counted.
    rows_total = case when is_last then log_exports.rows_written + row_count else log_exports.rows_total end,
    state = case when is_last then 'finished' else log_exports.state end,
    finished_at = case when is_last then now() end,
    expires_at = case when is_last then now() + interval '7 days' else log_exports.expires_at end
  from added
  where log_exports.id = added.log_export_id;
$$;
comment on function app_private.add_log_export_part(uuid, integer, text, integer, timestamptz, uuid, boolean) is
  'Adds a part to an export, and finishes it by its last one.';
--! EndIncluded functions/app_private/add_log_export_part.sql
--! Included functions/app_private/purge_log_exports.sql
-- Few at a time: one may be of hundreds of megabytes.
create or replace function app_private.purge_log_exports() returns bigint
language sql volatile
as $$
  with purged as (
    delete from app_public.log_exports
    where id in (select log_exports.id from app_public.log_exports where expires_at <= now() limit 10)
    returning 1
  )
  select count(*) from purged;
$$;
comment on function app_private.purge_log_exports() is
  'Removes up to 10 exports of the log whose time is over, and returns how many there were.';
--! EndIncluded functions/app_private/purge_log_exports.sql
--! Included functions/app_public/request_log_export.sql
create or replace function app_public.request_log_export(
  office_id uuid, since timestamptz default null, until timestamptz default null, door_id uuid default null,
  person_id uuid default null
) returns app_public.log_exports
language plpgsql volatile
security definer -- callers have no right to make exports
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_organization_id uuid;
  v_until timestamptz := least(request_log_export.until, now());
  v_export app_public.log_exports;
begin
  select offices.organization_id into v_organization_id
  from app_public.offices
  where offices.id = request_log_export.office_id
    and offices.organization_id = any (array(select app_hidden.my_managed_organization_ids()));
  if not found then
    raise exception using
      errcode = 'NTFND',
      message = 'There is no such office, or you do not manage it.',
      column = 'office_id';
  end if;
  if request_log_export.door_id is not null and not exists (
    select
    from app_public.doors
    where doors.id = request_log_export.door_id and doors.office_id = request_log_export.office_id
  ) then
    raise exception using
      errcode = 'NTFND',
      message = 'That office has no such door.',
      column = 'door_id';
  end if;
  -- Of others, nothing is told, not even that they exist.
  if request_log_export.person_id is not null and not exists (
    select
    from app_public.memberships
    where memberships.organization_id = v_organization_id and memberships.person_id = request_log_export.person_id
  ) and not exists (
    select
    from app_public.door_decisions
    where door_decisions.organization_id = v_organization_id
      and door_decisions.person_id = request_log_export.person_id
  ) then
    raise exception using
      errcode = 'NTFND',
      message = 'Nobody of that kind is a member or in the log.',
      column = 'person_id';
  end if;
  if request_log_export.since >= v_until then
    raise exception using
      errcode = 'invalid_parameter_value',
      message = 'That time is over before it begins.',
      column = 'since';
  end if;

  -- Two requests at once wait for each other here.
  perform from app_public.organizations where organizations.id = v_organization_id for no key update;
  if (
    select count(*)
    from app_public.log_exports
    where log_exports.organization_id = v_organization_id
      and log_exports.state in ('pending', 'writing')
      and log_exports.expires_at > now()
  ) >= 3 then
    raise exception using
      errcode = 'TMANY',
      message = 'Three exports of this organization are being written.',
      hint = 'Wait until one of them is finished.';
  end if;
  -- Each may be as large as the log.
  if (
    select count(*)
    from app_public.log_exports
    where log_exports.organization_id = v_organization_id and log_exports.expires_at > now()
  ) >= 50 then
    raise exception using
      errcode = 'TMANY',
      message = 'Fifty exports of this organization are kept already.',
      hint = 'Each of them goes a week after it was written.';
  end if;

  insert into app_public.log_exports
    (organization_id, office_id, door_id, person_id, since, until, requested_by)
  values (
    v_organization_id, request_log_export.office_id, request_log_export.door_id, request_log_export.person_id,
    request_log_export.since, v_until, app_public.current_person_id()
  )
  returning * into v_export;
  perform graphile_worker.add_job(
    'log_export__write', json_build_object('id', v_export.id), max_attempts := 5
  );
  return v_export;
end;
$$;
grant execute on function app_public.request_log_export(uuid, timestamptz, timestamptz, uuid, uuid) to :ROLE_PERSON;
comment on function app_public.request_log_export(uuid, timestamptz, timestamptz, uuid, uuid) is
  E'Asks for decisions of an office as CSV, the oldest first. It is written a moment later: `logExportChanged(id:)` tells how far it is, and once it is `finished`, `parts` has it. At most three of an organization are written at a time, and fifty kept.\n\n- `officeId`: an office that you manage.\n- `since`: from when on; without, from the beginning.\n- `until`: until before when; without, until now.\n- `doorId`: this door of it alone.\n- `personId`: what this person asked for alone, a member or somebody in the log.\n\nErrors: `NOT_FOUND` naming `officeId`, `doorId` or `personId`; `BAD_USER_INPUT` naming `since` where it is not before `until`; `TOO_MANY_ATTEMPTS`.';
--! EndIncluded functions/app_public/request_log_export.sql
