--! Previous: sha1:60c4e19a95e5021274792dc4bfb6f2d2b65fafb2
--! Hash: sha1:9527b5ba32c0dbf0ef1b282794234671c56f9e37
--! Message: office

--! split: 1-current.sql
/*
 * Offices, their doors, and the record of who was let in.
 */
drop table if exists app_public.door_decisions, app_public.doors, app_public.offices cascade;
drop type if exists app_public.door_answer cascade;

-- No delete on offices and doors: the log speaks of them.
create table app_public.offices (
  organization_id uuid not null references app_public.organizations on delete cascade,
  id uuid not null default app_hidden.new_id() unique,
  name text not null check (length(name) <= 100 and trim(name) <> ''),
  time_zone text not null default 'UTC',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (organization_id, id)
);
alter table app_public.offices enable row level security;
create policy select_member on app_public.offices for select to :ROLE_PERSON
  using (organization_id = any (array(select app_hidden.my_organization_ids())));
create policy insert_manager on app_public.offices for insert to :ROLE_PERSON
  with check (organization_id = any (array(select app_hidden.my_managed_organization_ids())));
create policy update_manager on app_public.offices for update to :ROLE_PERSON
  using (organization_id = any (array(select app_hidden.my_managed_organization_ids())));
grant select on app_public.offices to :ROLE_PERSON;
grant insert (organization_id, name, time_zone) on app_public.offices to :ROLE_PERSON;
grant update (name, time_zone) on app_public.offices to :ROLE_PERSON;
comment on table app_public.offices is 'A place with doors. Members see it, managers change it.';
comment on column app_public.offices.organization_id is 'Whose office it is.';
comment on column app_public.offices.id is 'Identifies the office.';
comment on column app_public.offices.name is 'What it is called, 1 to 100 characters.';
comment on column app_public.offices.time_zone is 'Its time zone by IANA name, such as `Europe/Berlin`.';
comment on column app_public.offices.created_at is 'When it was added.';
comment on column app_public.offices.updated_at is 'When this last changed.';
create trigger _100_stamps before insert or update on app_public.offices
  for each row execute function app_private.tg__stamps();
--! Included functions/app_private/tg_offices__time_zone.sql
create or replace function app_private.tg_offices__time_zone() returns trigger
language plpgsql stable
set search_path to pg_catalog, public, pg_temp
as $$
begin
  if not exists (select from pg_timezone_names where pg_timezone_names.name = new.time_zone) then
    raise exception using
      errcode = 'invalid_parameter_value',
      message = 'That is not a time zone.',
      hint = 'Use an IANA name such as Europe/Berlin.',
      column = 'time_zone';
  end if;
  return new;
end;
$$;
comment on function app_private.tg_offices__time_zone() is
  E'Trigger: refuses a time zone that the server does not know.\n\nErrors: `22023`.';
--! EndIncluded functions/app_private/tg_offices__time_zone.sql
create trigger _200_time_zone before insert or update of time_zone on app_public.offices
  for each row execute function app_private.tg_offices__time_zone();

create table app_public.doors (
  organization_id uuid not null,
  id uuid not null default app_hidden.new_id() unique,
  office_id uuid not null,
  name text not null check (length(name) <= 100 and trim(name) <> ''),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (organization_id, id),
  foreign key (organization_id, office_id) references app_public.offices (organization_id, id)
    on delete cascade
);
create index on app_public.doors (organization_id, office_id);
alter table app_public.doors enable row level security;
create policy select_member on app_public.doors for select to :ROLE_PERSON
  using (organization_id = any (array(select app_hidden.my_organization_ids())));
create policy insert_manager on app_public.doors for insert to :ROLE_PERSON
  with check (organization_id = any (array(select app_hidden.my_managed_organization_ids())));
create policy update_manager on app_public.doors for update to :ROLE_PERSON
  using (organization_id = any (array(select app_hidden.my_managed_organization_ids())));
grant select on app_public.doors to :ROLE_PERSON;
grant insert (organization_id, office_id, name) on app_public.doors to :ROLE_PERSON;
grant update (name) on app_public.doors to :ROLE_PERSON;
comment on table app_public.doors is 'A door of an office. Members see it, managers change it.';
comment on column app_public.doors.organization_id is 'Whose door it is.';
comment on column app_public.doors.id is 'Identifies the door.';
comment on column app_public.doors.office_id is 'The office it leads into.';
comment on column app_public.doors.name is 'What it is called, 1 to 100 characters.';
comment on column app_public.doors.created_at is 'When it was added.';
comment on column app_public.doors.updated_at is 'When this last changed.';
create trigger _100_stamps before insert or update on app_public.doors
  for each row execute function app_private.tg__stamps();

-- Read only, and append-only even for the owner: unlock_door writes it. A door or a person that the
-- log speaks of cannot be deleted from under it; the end of the organization ends its log.
create table app_public.door_decisions (
  organization_id uuid not null references app_public.organizations on delete cascade,
  id uuid not null default app_hidden.new_id() unique,
  door_id uuid not null,
  person_id uuid not null references app_public.people on delete restrict,
  is_allowed boolean not null,
  rule text,
  reason text not null,
  decided_at timestamptz not null default now(),
  primary key (organization_id, id),
  foreign key (organization_id, door_id) references app_public.doors (organization_id, id)
    on delete no action
);
create index on app_public.door_decisions (organization_id, door_id);
create index on app_public.door_decisions (person_id);
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
comment on column app_public.door_decisions.person_id is 'Who asked.';
comment on column app_public.door_decisions.is_allowed is 'Whether the door was to open.';
comment on column app_public.door_decisions.rule is 'The rule that allowed it, or null.';
comment on column app_public.door_decisions.reason is 'Why, in words.';
comment on column app_public.door_decisions.decided_at is 'When.';
create trigger _200_append_only before update on app_public.door_decisions
  for each row execute function app_private.tg__append_only();
-- Deeper than zero is the organization's end, which reaches here by its foreign key.
create trigger _201_append_only before delete on app_public.door_decisions
  for each row when (pg_trigger_depth() = 0) execute function app_private.tg__append_only();
create trigger _202_append_only before truncate on app_public.door_decisions
  for each statement execute function app_private.tg__append_only();

create type app_public.door_answer as (is_allowed boolean, rule text, reason text);
comment on type app_public.door_answer is 'What was decided about opening a door.';
comment on column app_public.door_answer.is_allowed is 'Whether it opens.';
comment on column app_public.door_answer.rule is 'The rule that allows it, or null.';
comment on column app_public.door_answer.reason is 'Why, in words for the person who asked.';

--! Included functions/app_private/decide_door.sql
-- The one place that says who may open a door. Today's rule: members may. What it answers is
-- recorded by whoever asks, so that asking alone changes nothing.
create or replace function app_private.decide_door(door_id uuid, person_id uuid)
returns app_public.door_answer
language sql stable
as $$
  select case
    when exists (
      select from app_public.doors
      join app_public.memberships on memberships.organization_id = doors.organization_id
      where doors.id = decide_door.door_id and memberships.person_id = decide_door.person_id
    )
    then (true, 'member', 'Members of the organization may open its doors.')::app_public.door_answer
    else (
      false, null, 'There is no such door, or you are not a member of its organization.'
    )::app_public.door_answer
  end;
$$;
comment on function app_private.decide_door(uuid, uuid) is
  'Whether a person may open a door now, by which rule, and why.';
--! EndIncluded functions/app_private/decide_door.sql
--! Included functions/app_public/unlock_door.sql
-- Definer: the log takes entries from here alone, and an attempt at another organization's door
-- belongs into that organization's log. The answer to such an attempt is the one for a door that
-- does not exist, so it tells nothing about the door.
create or replace function app_public.unlock_door(door_id uuid) returns app_public.door_answer
language plpgsql volatile
security definer
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_person_id uuid := app_public.current_person_id();
  v_answer app_public.door_answer := app_private.decide_door(unlock_door.door_id, v_person_id);
begin
  insert into app_public.door_decisions (organization_id, door_id, person_id, is_allowed, rule, reason)
  select doors.organization_id, doors.id, v_person_id, v_answer.is_allowed, v_answer.rule, v_answer.reason
  from app_public.doors
  where doors.id = unlock_door.door_id;

  return v_answer;
end;
$$;
grant execute on function app_public.unlock_door(uuid) to :ROLE_PERSON;
comment on function app_public.unlock_door(uuid) is
  E'Asks to open a door. The decision is recorded, whichever way it goes; a refusal is an answer, not an error.\n\n- `doorId`: the door.';
--! EndIncluded functions/app_public/unlock_door.sql
