/*
 * The decision log by months, and copies of it as CSV. See docs/log.md and docs/decisions/0017-log-by-months.md.
 */
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
create index on app_public.door_decisions (organization_id, door_id, decided_at);
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
