--! Previous: sha1:d38396682437b71cbb555116e20cdbac6be7cf32
--! Hash: sha1:15176ec50a4a7b48334d14bb8c2ef7eff9605e44
--! Message: doorbell and presences

--! split: 1-current.sql
/*
 * The doorbell: a device rings for a door, the members of its organization are told, and the first of them who
 * answers has answered for all. See docs/doorbell.md.
 *
 * And who is in: what members let each other know of where they are. See docs/who-is-in.md.
 */
drop trigger if exists _500_presence on app_public.unlock_commands;
drop table if exists app_public.presences, app_public.presence_origins cascade;
alter table app_public.memberships drop column if exists shares_presence;
alter table app_public.doors drop column if exists is_entrance;
drop trigger if exists _201_bell on app_public.doors;
drop policy if exists select_device on app_public.doors;
alter table app_public.doors drop column if exists bell_device_id;
alter table app_public.offices
  drop column if exists quiet_from,
  drop column if exists quiet_until;
drop function if exists app_public.ring_doorbell(uuid);
drop function if exists app_private.ring_outcome(app_public.rings, uuid);
drop table if exists app_public.rings, app_public.ring_states cascade;
drop type if exists app_public.ring_answer cascade;

alter table app_public.doors
  add column bell_device_id uuid,
  add foreign key (organization_id, bell_device_id) references app_public.devices (organization_id, id)
    on delete no action;
create index on app_public.doors (organization_id, bell_device_id);
create policy select_device on app_public.doors for select to :ROLE_DEVICE
  using (
    device_id = (select app_hidden.current_device_id())
    or bell_device_id = (select app_hidden.current_device_id())
  );
grant insert (bell_device_id) on app_public.doors to :ROLE_PERSON;
grant update (bell_device_id) on app_public.doors to :ROLE_PERSON;
comment on table app_public.doors is 'A door of an office. Members see it, managers change it; its controller and its doorbell see it too.';
comment on column app_public.doors.bell_device_id is 'The doorbell that rings for it, of the same office, or null; its controller may ring for it too.';
--! Included functions/app_private/tg_doors__bell.sql
-- A device keeps its office and its kind, so it need not be locked.
create or replace function app_private.tg_doors__bell() returns trigger
language plpgsql stable
security definer -- whether a device is there is not for every caller to see
set search_path to pg_catalog, public, pg_temp
as $$
begin
  if new.bell_device_id is not null and not exists (
    select from app_public.devices
    where (devices.organization_id, devices.office_id, devices.id)
        = (new.organization_id, new.office_id, new.bell_device_id)
      and devices.kind = 'doorbell'
  ) then
    raise exception using
      errcode = 'invalid_parameter_value',
      message = 'There is no such doorbell in the office of the door.',
      column = 'bell_device_id';
  end if;
  return new;
end;
$$;
comment on function app_private.tg_doors__bell() is
  E'Trigger: refuses a device that is no doorbell, or of another office.\n\nErrors: `22023`.';
--! EndIncluded functions/app_private/tg_doors__bell.sql
create trigger _201_bell before insert or update of bell_device_id, office_id on app_public.doors
  for each row execute function app_private.tg_doors__bell();

-- When nobody is to be bothered.

alter table app_public.offices
  add column quiet_from time check (quiet_from < '24:00'),
  add column quiet_until time,
  add constraint offices_quiet_hours_check
    check ((quiet_from is null) = (quiet_until is null) and quiet_from <> quiet_until);
grant insert (quiet_from, quiet_until) on app_public.offices to :ROLE_PERSON;
grant update (quiet_from, quiet_until) on app_public.offices to :ROLE_PERSON;
comment on column app_public.offices.quiet_from is 'From when on the doorbell bothers nobody, each day, by the clocks of the office; null for at no time.';
comment on column app_public.offices.quiet_until is 'Up to when; before `quietFrom`, it is that of the next day. `24:00` is midnight.';
--! Included functions/app_private/is_quiet.sql
-- A moment has exactly one time on the clocks of the office, so that nothing else is to be said about days on
-- which they are changed.
create or replace function app_private.is_quiet(office_id uuid, at timestamptz default clock_timestamp())
returns boolean
language sql stable
as $$
  select
    exists (
      select
      from app_public.closures
      where closures.organization_id = offices.organization_id
        and closures.office_id = offices.id
        and here.local_at::date between closures.starts_on and closures.ends_on
    )
    or coalesce(
      case
        when offices.quiet_from < offices.quiet_until
          then here.local_at::time >= offices.quiet_from and here.local_at::time < offices.quiet_until
        else here.local_at::time >= offices.quiet_from or here.local_at::time < offices.quiet_until
      end,
      false
    )
  from app_public.offices
  cross join lateral (select is_quiet.at at time zone offices.time_zone) as here (local_at)
  where offices.id = is_quiet.office_id;
$$;
comment on function app_private.is_quiet(uuid, timestamptz) is
  E'Whether nobody is to be bothered by the doorbell of an office at a moment; null where there is no such office.\n\nIt is quiet all day on a closure, and each day from `quiet_from` on and up to `quiet_until`; up to that time of the next day if `quiet_until` is before `quiet_from`. Without these, no time of day is quiet.\n\nDays and times are those on the clocks of the office: an hour that is shown twice is quiet twice, one that is left out never is.';
--! EndIncluded functions/app_private/is_quiet.sql

create table app_public.ring_states (
  state text primary key,
  description text not null
);
alter table app_public.ring_states enable row level security;
create policy select_anyone on app_public.ring_states for select
  to :ROLE_AUTHENTICATOR, :ROLE_ANONYMOUS, :ROLE_PERSON, :ROLE_DEVICE
  using (true);
grant select on app_public.ring_states
  to :ROLE_AUTHENTICATOR, :ROLE_ANONYMOUS, :ROLE_PERSON, :ROLE_DEVICE;
comment on table app_public.ring_states is 'What has become of a ring.';
comment on column app_public.ring_states.state is 'Its name.';
comment on column app_public.ring_states.description is 'What it means.';
insert into app_public.ring_states (state, description) values
  ('ringing', 'Nobody has answered yet.'),
  ('answered', 'Somebody has opened, or dismissed it.'),
  ('expired', 'Nobody answered in time, or before it rang anew.');

-- Read only: ring_doorbell makes them, answer_ring and a job settle them. One that rings per door, so that a bell
-- which is stuck is one ring and no flood.
create table app_public.rings (
  organization_id uuid not null,
  id uuid not null default app_hidden.new_id() unique,
  office_id uuid not null,
  door_id uuid not null,
  device_id uuid,
  state text not null default 'ringing' references app_public.ring_states on delete restrict,
  rang_at timestamptz not null default now(),
  last_rang_at timestamptz not null default now(),
  count integer not null default 1 check (count >= 1),
  is_quiet boolean not null default false,
  expires_at timestamptz not null default now() + interval '2 minutes',
  answered_at timestamptz,
  answered_by uuid references app_public.people on delete set null,
  command_id uuid,
  primary key (organization_id, id),
  foreign key (organization_id, office_id) references app_public.offices (organization_id, id)
    on delete cascade,
  foreign key (organization_id, door_id) references app_public.doors (organization_id, id)
    on delete cascade,
  foreign key (organization_id, device_id) references app_public.devices (organization_id, id)
    on delete set null (device_id),
  foreign key (organization_id, command_id) references app_public.unlock_commands (organization_id, id)
    on delete cascade, -- without its command it would look as if nobody had been let in
  check ((answered_at is not null) = (state = 'answered')),
  constraint rings_only_answered_check check (state = 'answered' or num_nonnulls(answered_by, command_id) = 0)
);
create index on app_public.rings (organization_id, office_id);
create index on app_public.rings (organization_id, door_id, last_rang_at);
create unique index rings_one_at_a_time_key on app_public.rings (door_id) where state = 'ringing';
create index on app_public.rings (organization_id, device_id);
create index on app_public.rings (organization_id, command_id);
create index on app_public.rings (answered_by);
create index on app_public.rings (state);
create index on app_public.rings (last_rang_at);
alter table app_public.rings enable row level security;
create policy select_member on app_public.rings for select to :ROLE_PERSON
  using (organization_id = any (array(select app_hidden.my_organization_ids())));
create policy select_device on app_public.rings for select to :ROLE_DEVICE
  using (device_id = (select app_hidden.current_device_id()));
grant select on app_public.rings to :ROLE_PERSON, :ROLE_DEVICE;
comment on table app_public.rings is 'Somebody who rang at a door. Members see those of their organization, a device its own.';
comment on column app_public.rings.organization_id is 'Whose door it is.';
comment on column app_public.rings.id is 'Identifies the ring.';
comment on column app_public.rings.office_id is 'The office that the door leads into.';
comment on column app_public.rings.door_id is 'The door.';
comment on column app_public.rings.device_id is 'The device that was pressed first; null once it is deleted.';
comment on column app_public.rings.state is 'What has become of it.';
comment on column app_public.rings.rang_at is 'When it was first pressed.';
comment on column app_public.rings.last_rang_at is 'When it was last pressed; what is pressed after an answer does not count here.';
comment on column app_public.rings.count is 'How often it was pressed.';
comment on column app_public.rings.is_quiet is 'Whether all of it came in quiet hours, so that nobody is bothered.';
comment on column app_public.rings.expires_at is 'From when on it cannot be answered any more, two minutes after it was last pressed.';
comment on column app_public.rings.answered_at is 'When somebody answered, or null.';
comment on column app_public.rings.answered_by is 'Who answered; null until then, and once their account is deleted.';
comment on column app_public.rings.command_id is 'The command to open the door; null where nobody was let in.';
--! Included functions/app_private/tg_rings__expire.sql
-- One job per ring, which a later one replaces.
create or replace function app_private.tg_rings__expire() returns trigger
language plpgsql volatile
set search_path to pg_catalog, public, pg_temp
as $$
begin
  perform graphile_worker.add_job(
    'ring__expire', json_build_object('id', new.id), run_at := new.expires_at, job_key := 'ring ' || new.id
  );
  return null;
end;
$$;
comment on function app_private.tg_rings__expire() is
  'Trigger: has a ring looked at when its time is over, which each press puts off.';
--! EndIncluded functions/app_private/tg_rings__expire.sql
create trigger _800_expire after insert or update of expires_at on app_public.rings
  for each row when (new.state = 'ringing') execute function app_private.tg_rings__expire();
--! Included functions/app_private/expire_ring.sql
-- Waits for whoever answers or presses at this moment; what they leave is then looked at, and left alone unless
-- its time is over. A press has put the job off by itself.
create or replace function app_private.expire_ring(id uuid) returns void
language sql volatile
as $$
  update app_public.rings
  set state = 'expired'
  where rings.id = expire_ring.id
    and rings.state = 'ringing'
    and rings.expires_at <= clock_timestamp();
$$;
comment on function app_private.expire_ring(uuid) is
  'Settles a ring that nobody answered in time.';
--! EndIncluded functions/app_private/expire_ring.sql
--! Included functions/app_public/ring_doorbell.sql
-- The door is locked, so that presses at the same moment come one after the other; each then sees in a statement
-- of its own what the one before it left.
--
-- What is pressed within ten seconds is one ring. Later it is another, since those who missed the first are to be told
-- anew; the first has then had its time. A ring that was answered takes up what is pressed by somebody who has not
-- noticed yet, for the rest of ten seconds that are not prolonged: whoever comes next is heard.
create or replace function app_public.ring_doorbell(door_id uuid) returns app_public.rings
language plpgsql volatile
security definer -- devices have no right to write rings, nor to read what makes them quiet
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_door app_public.doors;
  v_at timestamptz;
  v_is_quiet boolean;
  v_ring app_public.rings;
begin
  select doors.* into v_door
  from app_public.doors
  where doors.id = ring_doorbell.door_id
    and app_hidden.current_device_id() in (doors.bell_device_id, doors.device_id)
  for no key update;
  if not found or exists (
    select from app_public.devices
    where devices.id = app_hidden.current_device_id() and devices.revoked_at is not null
  ) then
    raise exception using
      errcode = 'NTFND',
      message = 'There is no such door, or you are neither its doorbell nor its controller.',
      column = 'door_id';
  end if;

  v_at := clock_timestamp();
  v_is_quiet := app_private.is_quiet(v_door.office_id, v_at);
  update app_public.rings
  set
    count = rings.count + 1,
    last_rang_at = v_at,
    is_quiet = rings.is_quiet and v_is_quiet,
    expires_at = v_at + interval '2 minutes'
  where rings.organization_id = v_door.organization_id
    and rings.door_id = v_door.id
    and rings.state = 'ringing'
    and rings.last_rang_at > v_at - interval '10 seconds'
  returning rings.* into v_ring;
  if found then
    return v_ring;
  end if;

  update app_public.rings
  set count = rings.count + 1
  where rings.organization_id = v_door.organization_id
    and rings.door_id = v_door.id
    and rings.state = 'answered'
    and rings.last_rang_at > v_at - interval '10 seconds'
  returning rings.* into v_ring;
  if found then
    return v_ring;
  end if;

  update app_public.rings
  set state = 'expired'
  where rings.organization_id = v_door.organization_id
    and rings.door_id = v_door.id
    and rings.state = 'ringing';
  insert into app_public.rings
    (organization_id, office_id, door_id, device_id, rang_at, last_rang_at, is_quiet, expires_at)
  values (
    v_door.organization_id, v_door.office_id, v_door.id, app_hidden.current_device_id(), v_at, v_at, v_is_quiet,
    v_at + interval '2 minutes'
  )
  returning rings.* into v_ring;
  return v_ring;
end;
$$;
grant execute on function app_public.ring_doorbell(uuid) to :ROLE_DEVICE;
comment on function app_public.ring_doorbell(uuid) is
  E'Rings for a door, as its doorbell or its controller. Pressing again within ten seconds is counted in the ring that is there, and gives it another two minutes; one that was answered meanwhile only counts it. Later it is a new ring, which takes the place of one that still rings.\n\n- `doorId`: a door that you ring for.\n\nErrors: `NOT_FOUND`.';
--! EndIncluded functions/app_public/ring_doorbell.sql

create type app_public.ring_answer as (is_first boolean, is_allowed boolean, reason text, command_id uuid);
comment on type app_public.ring_answer is 'What came of answering a ring.';
comment on column app_public.ring_answer.is_first is 'Whether this is the answer that counts.';
comment on column app_public.ring_answer.is_allowed is 'Whether the door is to open.';
comment on column app_public.ring_answer.reason is 'Why, or who was faster, in words for the person who answered.';
comment on column app_public.ring_answer.command_id is 'The command to open the door, or null. Its `state` tells whether the door has opened: see `unlockCommandChanged(id:)`.';
--! Included functions/app_private/ring_outcome.sql
create or replace function app_private.ring_outcome(ring app_public.rings, person_id uuid) returns text
language sql stable
as $$
  select case
    when ring.state <> 'answered' then 'Nobody answered in time.'
    when ring.answered_by = ring_outcome.person_id then 'You have answered already.'
    else format(
      case when ring.command_id is null then '%s has dismissed it.' else '%s has opened.' end,
      coalesce((select people.name from app_public.people where people.id = ring.answered_by), 'Somebody')
    )
  end;
$$;
comment on function app_private.ring_outcome(app_public.rings, uuid) is
  'What has become of a ring that cannot be answered any more, in words for a person who tried.';
--! EndIncluded functions/app_private/ring_outcome.sql
--! Included functions/app_private/answer_ring.sql
-- Everybody who answers comes through here, whichever way they come. The ring is locked first: of many who answer,
-- one is the first, and the others see in what state they left it. Who is let in is decided by open_door, and once
-- more when the command is claimed, so nothing else has to be locked. The clock is read last.
create or replace function app_private.answer_ring(ring_id uuid, person_id uuid, opens boolean)
returns app_public.ring_answer
language plpgsql volatile
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_ring app_public.rings;
  v_opening app_public.unlock_answer;
begin
  select rings.* into v_ring
  from app_public.rings
  where rings.id = answer_ring.ring_id
    and exists (
      select from app_public.memberships
      where memberships.organization_id = rings.organization_id
        and memberships.person_id = answer_ring.person_id
    )
  for no key update;
  if not found then
    return (
      false, false, 'There is no such ring, or you are not a member of its organization.', null
    )::app_public.ring_answer;
  end if;
  if v_ring.state <> 'ringing' or v_ring.expires_at <= clock_timestamp() then
    return (
      false, false, app_private.ring_outcome(v_ring, answer_ring.person_id), null
    )::app_public.ring_answer;
  end if;

  if answer_ring.opens then
    v_opening := app_private.open_door(v_ring.door_id, answer_ring.person_id);
    if not v_opening.is_allowed then
      return (false, false, v_opening.reason, null)::app_public.ring_answer;
    end if;
  end if;

  update app_public.rings
  set
    state = 'answered',
    answered_at = clock_timestamp(),
    answered_by = answer_ring.person_id,
    command_id = v_opening.command_id
  where rings.id = v_ring.id;
  return (
    true, answer_ring.opens, coalesce(v_opening.reason, 'You have dismissed it.'), v_opening.command_id
  )::app_public.ring_answer;
end;
$$;
comment on function app_private.answer_ring(uuid, uuid, boolean) is
  'Answers a ring for a person, who opens the door or dismisses it. One who may not open it has not answered. The only way to an answer.';
--! EndIncluded functions/app_private/answer_ring.sql
--! Included functions/app_public/open_for_ring.sql
-- Definer: nobody may write rings, the log or commands.
create or replace function app_public.open_for_ring(ring_id uuid) returns app_public.ring_answer
language sql volatile
security definer
set search_path to pg_catalog, public, pg_temp
as $$
  select app_private.answer_ring(open_for_ring.ring_id, app_public.current_person_id(), true);
$$;
grant execute on function app_public.open_for_ring(uuid) to :ROLE_PERSON;
comment on function app_public.open_for_ring(uuid) is
  E'Answers a ring by opening its door, as `unlockDoor` does. The first answer counts; whoever comes later is told of it and opens nothing. If you may not open the door, somebody else still can answer.\n\n- `ringId`: the ring.';
--! EndIncluded functions/app_public/open_for_ring.sql
--! Included functions/app_public/dismiss_ring.sql
-- Definer: nobody may write rings.
create or replace function app_public.dismiss_ring(ring_id uuid) returns app_public.ring_answer
language sql volatile
security definer
set search_path to pg_catalog, public, pg_temp
as $$
  select app_private.answer_ring(dismiss_ring.ring_id, app_public.current_person_id(), false);
$$;
grant execute on function app_public.dismiss_ring(uuid) to :ROLE_PERSON;
comment on function app_public.dismiss_ring(uuid) is
  E'Answers a ring without opening: somebody went to the door, or nobody is to come in. The first answer counts; whoever comes later is told of it.\n\n- `ringId`: the ring.';
--! EndIncluded functions/app_public/dismiss_ring.sql
--! Included functions/app_private/purge_rings.sql
create or replace function app_private.purge_rings() returns bigint
language sql volatile
as $$
  with purged as (
    delete from app_public.rings
    where id in (
      select rings.id from app_public.rings
      where rings.last_rang_at <= now() - interval '30 days'
      limit 10000
    )
    returning 1
  )
  select count(*) from purged;
$$;
comment on function app_private.purge_rings() is
  'Removes up to 10,000 rings of more than 30 days ago, and returns how many there were.';
--! EndIncluded functions/app_private/purge_rings.sql

-- Who is in.

-- No right to write it: share_presence does so for the member alone.
alter table app_public.memberships add column shares_presence boolean not null default true;
comment on column app_public.memberships.shares_presence is 'Whether it is noted when this member is in. Only they can change it, by `sharePresence`.';
alter table app_public.doors add column is_entrance boolean not null default true;
grant insert (is_entrance) on app_public.doors to :ROLE_PERSON;
grant update (is_entrance) on app_public.doors to :ROLE_PERSON;
comment on column app_public.doors.is_entrance is 'Whether members who have opened it are in the office.';

create table app_public.presence_origins (
  origin text primary key,
  description text not null
);
alter table app_public.presence_origins enable row level security;
create policy select_anyone on app_public.presence_origins for select
  to :ROLE_AUTHENTICATOR, :ROLE_ANONYMOUS, :ROLE_PERSON, :ROLE_DEVICE
  using (true);
grant select on app_public.presence_origins
  to :ROLE_AUTHENTICATOR, :ROLE_ANONYMOUS, :ROLE_PERSON, :ROLE_DEVICE;
comment on table app_public.presence_origins is 'How it is known that somebody is in.';
comment on column app_public.presence_origins.origin is 'Its name.';
comment on column app_public.presence_origins.description is 'What it means.';
insert into app_public.presence_origins (origin, description) values
  ('opened_door', 'They have opened an entrance.'),
  ('said_so', 'They have said so.');

-- Read only: begin_presence makes them. They end with the membership, by its key: what somebody did here is not the
-- organization's to keep. Where somebody was is nobody's business but theirs; only where they are is shown.
create table app_public.presences (
  organization_id uuid not null,
  id uuid not null default app_hidden.new_id() unique,
  office_id uuid not null,
  person_id uuid not null,
  origin text not null references app_public.presence_origins on delete restrict,
  since timestamptz not null default now(),
  until timestamptz,
  expires_at timestamptz not null,
  primary key (organization_id, id),
  foreign key (organization_id, office_id) references app_public.offices (organization_id, id)
    on delete cascade,
  foreign key (organization_id, person_id) references app_public.memberships (organization_id, person_id)
    on delete cascade,
  constraint presences_moments_ordered_check check (since <= until)
);
create index on app_public.presences (organization_id, office_id);
create index on app_public.presences (organization_id, person_id);
create unique index presences_one_at_a_time_key on app_public.presences (organization_id, person_id)
  where until is null;
create index on app_public.presences (person_id);
create index on app_public.presences (origin);
create index on app_public.presences (until);
alter table app_public.presences enable row level security;
create policy select_member on app_public.presences for select to :ROLE_PERSON
  using (until is null and organization_id = any (array(select app_hidden.my_organization_ids())));
create policy select_self on app_public.presences for select to :ROLE_PERSON
  using (person_id = (select app_public.current_person_id()));
grant select on app_public.presences to :ROLE_PERSON;
comment on table app_public.presences is 'A time during which a member was in an office. You see who of your organizations is in now, and of the past your own times alone, whatever your role.';
comment on column app_public.presences.organization_id is 'Whose office it is.';
comment on column app_public.presences.id is 'Identifies the presence.';
comment on column app_public.presences.office_id is 'The office.';
comment on column app_public.presences.person_id is 'Who is in.';
comment on column app_public.presences.origin is 'How it is known.';
comment on column app_public.presences.since is 'From when on.';
comment on column app_public.presences.until is 'Until when; null while they are in.';
comment on column app_public.presences.expires_at is 'When it ends by itself: at the midnight that follows, by the clocks of the office.';
--! Included functions/app_private/tg_presences__end.sql
create or replace function app_private.tg_presences__end() returns trigger
language plpgsql volatile
set search_path to pg_catalog, public, pg_temp
as $$
begin
  perform graphile_worker.add_job(
    'presence__end', json_build_object('id', new.id),
    run_at := new.expires_at, job_key := 'presence ' || new.id
  );
  return null;
end;
$$;
comment on function app_private.tg_presences__end() is
  'Trigger: has a presence ended when its day is over.';
--! EndIncluded functions/app_private/tg_presences__end.sql
create trigger _800_end after insert on app_public.presences
  for each row execute function app_private.tg_presences__end();
--! Included functions/app_private/begin_presence.sql
-- The membership is locked first: what begins at the same moment comes one after the other, and so does leaving the
-- organization or ceasing to share. A person is in one place at a time.
create or replace function app_private.begin_presence(office_id uuid, person_id uuid, origin text)
returns app_public.presences
language plpgsql volatile
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_office app_public.offices;
  v_at timestamptz;
  v_presence app_public.presences;
begin
  select offices.* into v_office from app_public.offices where offices.id = begin_presence.office_id;
  perform
  from app_public.memberships
  where memberships.organization_id = v_office.organization_id
    and memberships.person_id = begin_presence.person_id
    and memberships.shares_presence
  for no key update;
  if not found then
    return null;
  end if;

  v_at := clock_timestamp();
  update app_public.presences
  set until = greatest(presences.since, least(presences.expires_at, v_at))
  where presences.organization_id = v_office.organization_id
    and presences.person_id = begin_presence.person_id
    and presences.until is null
    and (presences.office_id <> v_office.id or presences.expires_at <= v_at);

  select presences.* into v_presence
  from app_public.presences
  where presences.organization_id = v_office.organization_id
    and presences.person_id = begin_presence.person_id
    and presences.until is null;
  if not found then
    insert into app_public.presences (organization_id, office_id, person_id, origin, since, expires_at)
    values (
      v_office.organization_id, v_office.id, begin_presence.person_id, begin_presence.origin, v_at,
      ((v_at at time zone v_office.time_zone)::date + 1)::timestamp at time zone v_office.time_zone
    )
    returning presences.* into v_presence;
  end if;
  return v_presence;
end;
$$;
comment on function app_private.begin_presence(uuid, uuid, text) is
  'Notes that a member is in an office, until the next midnight there at the latest, and in no other of the organization any more. One who is in already stays as they are; the result is null for whoever is no member, or does not share it.';
--! EndIncluded functions/app_private/begin_presence.sql
--! Included functions/app_private/end_presence.sql
create or replace function app_private.end_presence(id uuid) returns void
language sql volatile
as $$
  update app_public.presences
  set until = presences.expires_at
  where presences.id = end_presence.id
    and presences.until is null
    and presences.expires_at <= clock_timestamp();
$$;
comment on function app_private.end_presence(uuid) is
  'Ends a presence whose day is over.';
--! EndIncluded functions/app_private/end_presence.sql
--! Included functions/app_private/tg_unlock_commands__presence.sql
-- Who opens for somebody at the bell may sit at home.
create or replace function app_private.tg_unlock_commands__presence() returns trigger
language plpgsql volatile
set search_path to pg_catalog, public, pg_temp
as $$
begin
  perform app_private.begin_presence(doors.office_id, new.person_id, 'opened_door')
  from app_public.doors
  where doors.id = new.door_id
    and doors.is_entrance
    and not exists (
      select from app_public.rings
      where rings.organization_id = new.organization_id and rings.command_id = new.id
    );
  return null;
end;
$$;
comment on function app_private.tg_unlock_commands__presence() is
  'Trigger: whoever has opened an entrance is in, unless it was for somebody who rang.';
--! EndIncluded functions/app_private/tg_unlock_commands__presence.sql
create trigger _500_presence after update of state on app_public.unlock_commands
  for each row when (old.state <> new.state and new.state = 'opened' and new.person_id is not null)
  execute function app_private.tg_unlock_commands__presence();
--! Included functions/app_public/enter_office.sql
create or replace function app_public.enter_office(office_id uuid) returns app_public.presences
language plpgsql volatile
security definer -- callers have no right to write presences
set search_path to pg_catalog, public, pg_temp
as $$
begin
  perform
  from app_public.offices
  where offices.id = enter_office.office_id
    and offices.organization_id = any (array(select app_hidden.my_organization_ids()));
  if not found then
    raise exception using
      errcode = 'NTFND',
      message = 'There is no such office, or you are not a member of its organization.',
      column = 'office_id';
  end if;
  return app_private.begin_presence(enter_office.office_id, app_public.current_person_id(), 'said_so');
end;
$$;
grant execute on function app_public.enter_office(uuid) to :ROLE_PERSON;
comment on function app_public.enter_office(uuid) is
  E'Says that you are in an office, for when you came in with a colleague. You are in no other of the organization any more. If you are in already, that is the result, as it is; it is null if you do not share when you are in.\n\n- `officeId`: the office.\n\nErrors: `NOT_FOUND`.';
--! EndIncluded functions/app_public/enter_office.sql
--! Included functions/app_public/leave_office.sql
create or replace function app_public.leave_office(office_id uuid) returns app_public.presences
language plpgsql volatile
security definer -- callers have no right to write presences
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_presence app_public.presences;
begin
  update app_public.presences
  set until = greatest(presences.since, least(presences.expires_at, clock_timestamp()))
  where presences.office_id = leave_office.office_id
    and presences.person_id = app_public.current_person_id()
    and presences.until is null
  returning presences.* into v_presence;
  if not found then
    return null;
  end if;
  return v_presence;
end;
$$;
grant execute on function app_public.leave_office(uuid) to :ROLE_PERSON;
comment on function app_public.leave_office(uuid) is
  E'Says that you are not in an office any more. The result is null if you were not.\n\n- `officeId`: the office.';
--! EndIncluded functions/app_public/leave_office.sql
--! Included functions/app_public/share_presence.sql
create or replace function app_public.share_presence(organization_id uuid, shares boolean)
returns app_public.memberships
language plpgsql volatile
security definer -- nobody may write this column, since a manager could then write it for others
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_membership app_public.memberships;
begin
  update app_public.memberships
  set shares_presence = share_presence.shares
  where memberships.organization_id = share_presence.organization_id
    and memberships.person_id = app_public.current_person_id()
  returning memberships.* into v_membership;
  if not found then
    raise exception using
      errcode = 'NTFND',
      message = 'There is no such organization, or you are not a member of it.',
      column = 'organization_id';
  end if;

  if not v_membership.shares_presence then
    delete from app_public.presences
    where presences.organization_id = v_membership.organization_id
      and presences.person_id = v_membership.person_id;
  end if;
  return v_membership;
end;
$$;
grant execute on function app_public.share_presence(uuid, boolean) to :ROLE_PERSON;
comment on function app_public.share_presence(uuid, boolean) is
  E'Decides whether it is noted when you are in the offices of an organization. If not, nothing is noted from now on, and what was is deleted. Nobody can decide it for you.\n\n- `organizationId`: an organization that you are a member of.\n- `shares`: whether you share it.\n\nErrors: `NOT_FOUND`.';
--! EndIncluded functions/app_public/share_presence.sql
--! Included functions/app_private/purge_presences.sql
create or replace function app_private.purge_presences() returns bigint
language sql volatile
as $$
  with purged as (
    delete from app_public.presences
    where id in (
      select presences.id from app_public.presences
      where presences.until <= now() - interval '30 days'
      limit 10000
    )
    returning 1
  )
  select count(*) from purged;
$$;
comment on function app_private.purge_presences() is
  'Removes up to 10,000 presences that ended 30 days ago, and returns how many there were.';
--! EndIncluded functions/app_private/purge_presences.sql
