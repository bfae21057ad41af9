/*
 * Devices: what stands beside a door and acts for it. A device is enrolled with a one-time code, has a key of
 * its own, says every now and then that it is there, and can be revoked.
 */
drop trigger if exists _200_device on app_public.doors;
drop policy if exists select_device on app_public.doors;
alter table app_public.doors
  drop column if exists device_id,
  drop column if exists unlock_seconds;
delete from app_private.tokens where person_id is null;
alter table app_private.tokens drop column if exists device_id cascade;
drop table if exists app_private.enrolments, app_public.devices, app_public.device_kinds cascade;
drop type if exists app_public.enrolment_code, app_public.device_key cascade;

create table app_public.device_kinds (
  kind text primary key,
  description text not null
);
alter table app_public.device_kinds enable row level security;
create policy select_anyone on app_public.device_kinds for select
  to :ROLE_AUTHENTICATOR, :ROLE_ANONYMOUS, :ROLE_PERSON, :ROLE_DEVICE
  using (true);
grant select on app_public.device_kinds
  to :ROLE_AUTHENTICATOR, :ROLE_ANONYMOUS, :ROLE_PERSON, :ROLE_DEVICE;
comment on table app_public.device_kinds is 'What a device is for.';
comment on column app_public.device_kinds.kind is 'Its name.';
comment on column app_public.device_kinds.description is 'What such a device does.';
insert into app_public.device_kinds (kind, description) values
  ('controller', 'Opens doors.'),
  ('doorbell', 'Rings.');

--!include functions/app_hidden/current_device_id.sql

-- No delete: doors and the record of their opening speak of devices; one that is gone is revoked. Kind and
-- office stay what they are.
create table app_public.devices (
  organization_id uuid not null,
  id uuid not null default app_hidden.new_id() unique,
  office_id uuid not null,
  name text not null check (length(name) <= 100 and trim(name) <> ''),
  kind text not null references app_public.device_kinds on delete restrict,
  is_online boolean not null default false,
  last_seen_at timestamptz,
  went_offline_at timestamptz,
  enrolled_at timestamptz,
  revoked_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (organization_id, id),
  foreign key (organization_id, office_id) references app_public.offices (organization_id, id)
    on delete cascade
);
create index on app_public.devices (organization_id, office_id);
create index on app_public.devices (kind);
create index on app_public.devices (last_seen_at) where is_online;
alter table app_public.devices enable row level security;
create policy select_member on app_public.devices for select to :ROLE_PERSON
  using (organization_id = any (array(select app_hidden.my_organization_ids())));
create policy insert_manager on app_public.devices for insert to :ROLE_PERSON
  with check (organization_id = any (array(select app_hidden.my_managed_organization_ids())));
create policy update_manager on app_public.devices for update to :ROLE_PERSON
  using (organization_id = any (array(select app_hidden.my_managed_organization_ids())));
create policy select_self on app_public.devices for select to :ROLE_DEVICE
  using (id = (select app_hidden.current_device_id()));
grant select on app_public.devices to :ROLE_PERSON, :ROLE_DEVICE;
grant insert (organization_id, office_id, name, kind) on app_public.devices to :ROLE_PERSON;
grant update (name) on app_public.devices to :ROLE_PERSON;
comment on table app_public.devices is 'A device of an office, such as the controller of a door. Members see it, managers change it; a device sees itself.';
comment on column app_public.devices.organization_id is 'Whose device it is.';
comment on column app_public.devices.id is 'Identifies the device.';
comment on column app_public.devices.office_id is 'The office it stands in.';
comment on column app_public.devices.name is 'What it is called, 1 to 100 characters.';
comment on column app_public.devices.kind is 'What it is for.';
comment on column app_public.devices.is_online is 'Whether it is there: it was heard of within 90 seconds, to about a minute.';
comment on column app_public.devices.last_seen_at is 'When it last said that it is there.';
comment on column app_public.devices.went_offline_at is 'Since when it has been missing, which owners and managers were told of by mail; null when it is not.';
comment on column app_public.devices.enrolled_at is 'When it was last enrolled; null when it never was.';
comment on column app_public.devices.revoked_at is 'When it was revoked; null when it was not, or has been enrolled since.';
comment on column app_public.devices.created_at is 'When it was added.';
comment on column app_public.devices.updated_at is 'When this last changed; each sign of life is a change.';
create trigger _100_stamps before insert or update on app_public.devices
  for each row execute function app_private.tg__stamps();

-- Which device opens a door, and for how long.

alter table app_public.doors
  add column device_id uuid,
  add column unlock_seconds smallint not null default 5 check (unlock_seconds between 1 and 30),
  add foreign key (organization_id, device_id) references app_public.devices (organization_id, id)
    on delete no action;
create index on app_public.doors (organization_id, device_id);
create policy select_device on app_public.doors for select to :ROLE_DEVICE
  using (device_id = (select app_hidden.current_device_id()));
grant select on app_public.doors to :ROLE_DEVICE;
grant insert (device_id, unlock_seconds) on app_public.doors to :ROLE_PERSON;
grant update (device_id, unlock_seconds) on app_public.doors to :ROLE_PERSON;
comment on table app_public.doors is 'A door of an office. Members see it, managers change it; its controller sees it too.';
comment on column app_public.doors.device_id is 'The controller that opens it, of the same office; without one it cannot be opened from here.';
comment on column app_public.doors.unlock_seconds is 'For how many seconds it is unlocked, 1 to 30.';
--!include functions/app_private/tg_doors__device.sql
create trigger _200_device before insert or update of device_id, office_id on app_public.doors
  for each row execute function app_private.tg_doors__device();

-- Keys. A device has one without an end, and for an hour after a change the one before.

alter table app_private.tokens
  alter column person_id drop not null,
  add column device_id uuid references app_public.devices (id) on delete cascade,
  drop constraint if exists tokens_one_bearer_check,
  add constraint tokens_one_bearer_check check (num_nonnulls(session_id, api_key_id, device_id) = 1),
  drop constraint if exists tokens_person_or_device_check,
  add constraint tokens_person_or_device_check check ((person_id is null) = (device_id is not null));
create index on app_private.tokens (device_id);
comment on table app_private.tokens is 'What a bearer token stands for. It goes with its session, key or device.';
comment on column app_private.tokens.person_id is 'As whom its bearer acts; null where it is a device.';
comment on column app_private.tokens.device_id is 'The device it belongs to, or null.';
comment on column app_private.tokens.expires_at is 'When it ends by itself: with its session or API key; for a device never, until it has another.';
--!include functions/app_private/identify.sql

create table app_private.enrolments (
  device_id uuid primary key references app_public.devices (id) on delete cascade,
  code_hash bytea not null unique check (length(code_hash) = 32),
  expires_at timestamptz not null default now() + interval '15 minutes'
);
alter table app_private.enrolments enable row level security;
comment on table app_private.enrolments is 'The code with which a device is to get its key, one at a time.';
comment on column app_private.enrolments.device_id is 'The device.';
comment on column app_private.enrolments.code_hash is 'SHA-256 of the code; the code itself is never stored.';
comment on column app_private.enrolments.expires_at is 'Until when it works.';
insert into app_private.attempt_limits (action, per, most, span) values ('enrolment', 'network', 20, '15 minutes')
on conflict do nothing;

create type app_public.enrolment_code as (code text, expires_at timestamptz);
comment on type app_public.enrolment_code is 'A code to enrol a device with. It is shown this one time.';
comment on column app_public.enrolment_code.code is 'The code, such as `K7QF-2MXD-9RTB`.';
comment on column app_public.enrolment_code.expires_at is 'Until when it works.';
create type app_public.device_key as (token text, device_id uuid);
comment on type app_public.device_key is 'The key of a device. It is shown this one time.';
comment on column app_public.device_key.token is 'To be sent as `Authorization: Bearer <token>`; begins with `plinth_device_`.';
comment on column app_public.device_key.device_id is 'Whose key it is.';

--!include functions/app_private/make_device_code.sql
--!include functions/app_private/make_device_key.sql
--!include functions/app_private/lock_managed_device.sql
--!include functions/app_public/create_enrolment_code.sql
--!include functions/app_hidden/count_enrolment.sql
--!include functions/app_public/enrol_device.sql
--!include functions/app_public/rotate_device_key.sql
--!include functions/app_public/revoke_device.sql

-- Who is there.

--!include functions/app_public/send_heartbeat.sql
--!include functions/app_private/check_devices.sql
