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
--!include functions/app_private/tg_doors__bell.sql
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
--!include functions/app_private/is_quiet.sql

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
--!include functions/app_private/tg_rings__expire.sql
create trigger _800_expire after insert or update of expires_at on app_public.rings
  for each row when (new.state = 'ringing') execute function app_private.tg_rings__expire();
--!include functions/app_private/expire_ring.sql
--!include functions/app_public/ring_doorbell.sql

create type app_public.ring_answer as (is_first boolean, is_allowed boolean, reason text, command_id uuid);
comment on type app_public.ring_answer is 'What came of answering a ring.';
comment on column app_public.ring_answer.is_first is 'Whether this is the answer that counts.';
comment on column app_public.ring_answer.is_allowed is 'Whether the door is to open.';
comment on column app_public.ring_answer.reason is 'Why, or who was faster, in words for the person who answered.';
comment on column app_public.ring_answer.command_id is 'The command to open the door, or null. Its `state` tells whether the door has opened: see `unlockCommandChanged(id:)`.';
--!include functions/app_private/ring_outcome.sql
--!include functions/app_private/answer_ring.sql
--!include functions/app_public/open_for_ring.sql
--!include functions/app_public/dismiss_ring.sql
--!include functions/app_private/purge_rings.sql

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
--!include functions/app_private/tg_presences__end.sql
create trigger _800_end after insert on app_public.presences
  for each row execute function app_private.tg_presences__end();
--!include functions/app_private/begin_presence.sql
--!include functions/app_private/end_presence.sql
--!include functions/app_private/tg_unlock_commands__presence.sql
create trigger _500_presence after update of state on app_public.unlock_commands
  for each row when (old.state <> new.state and new.state = 'opened' and new.person_id is not null)
  execute function app_private.tg_unlock_commands__presence();
--!include functions/app_public/enter_office.sql
--!include functions/app_public/leave_office.sql
--!include functions/app_public/share_presence.sql
--!include functions/app_private/purge_presences.sql
