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

--!include functions/app_private/log_partitions.sql
--!include functions/app_private/log_partition_name.sql
--!include functions/app_private/make_log_partition.sql
--!include functions/app_private/make_log_partitions.sql
--!include functions/app_private/drop_log_partitions.sql

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
--!include functions/app_private/purge_unlock_commands.sql

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

--!include functions/app_private/log_export_decisions.sql
--!include functions/app_private/next_log_export_part.sql
--!include functions/app_private/log_export_rows.sql
--!include functions/app_private/add_log_export_part.sql
--!include functions/app_private/purge_log_exports.sql
--!include functions/app_public/request_log_export.sql
