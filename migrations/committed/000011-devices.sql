--! Previous: sha1:f406996bcde8085fbc0369d454676c67fc1e3295
--! Hash: sha1:8955747ffbb84c3b458241af022dd3fa3dcd1814
--! Message: devices

--! split: 1-current.sql
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

--! Included functions/app_hidden/current_device_id.sql
-- Small, invoker and without a pinned path on purpose: only so can the planner inline it into policies.
create or replace function app_hidden.current_device_id() returns uuid
language sql stable parallel safe
as $$
  select nullif(pg_catalog.current_setting('plinth.device_id', true), '')::pg_catalog.uuid;
$$;
grant execute on function app_hidden.current_device_id() to :ROLE_DEVICE;
comment on function app_hidden.current_device_id() is
  'The id of the device that calls, or null for anybody else.';
--! EndIncluded functions/app_hidden/current_device_id.sql

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
--! Included functions/app_private/tg_doors__device.sql
-- A device keeps its office and its kind, so it need not be locked.
create or replace function app_private.tg_doors__device() returns trigger
language plpgsql volatile
security definer -- so that whoever may not write doors hears it from the policies
set search_path to pg_catalog, public, pg_temp
as $$
begin
  if new.device_id is not null and not exists (
    select from app_public.devices
    where (devices.organization_id, devices.office_id, devices.id)
        = (new.organization_id, new.office_id, new.device_id)
      and devices.kind = 'controller'
  ) then
    raise exception using
      errcode = 'invalid_parameter_value',
      message = 'There is no such controller in the office of the door.',
      column = 'device_id';
  end if;
  return new;
end;
$$;
comment on function app_private.tg_doors__device() is
  E'Trigger: refuses a device that is no controller, or of another office.\n\nErrors: `22023`.';
--! EndIncluded functions/app_private/tg_doors__device.sql
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
--! Included functions/app_private/identify.sql
-- Answers "who is calling?" for every statement the API sends: a row per setting to apply for that
-- statement alone. The server applies whatever comes back and knows none of the names, so this
-- function is the only place where a token becomes a role. Every setting is named in every answer:
-- one left over from an earlier transaction would otherwise speak for somebody else. That a transaction
-- may only read ends with it.
create or replace function app_private.identify(token_hash bytea)
returns table (setting text, value text)
language plpgsql stable rows 5
security definer -- callers have no right to read tokens
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_token app_private.tokens;
begin
  if identify.token_hash is null then
    return query values
      ('role', ':ROLE_ANONYMOUS'), ('plinth.person_id', ''), ('plinth.session_id', ''), ('plinth.device_id', '');
    return;
  end if;

  select * into v_token
  from app_private.tokens
  where tokens.hash = identify.token_hash and tokens.expires_at > now();

  if not found then
    raise exception using
      errcode = 'invalid_authorization_specification',
      message = 'Your session or key has ended.',
      hint = 'Sign in again, or leave the token out to call as anonymous.';
  end if;

  return query values
    ('role', case when v_token.device_id is null then ':ROLE_PERSON' else ':ROLE_DEVICE' end),
    ('plinth.person_id', coalesce(v_token.person_id::text, '')),
    ('plinth.session_id', coalesce(v_token.session_id::text, '')),
    ('plinth.device_id', coalesce(v_token.device_id::text, ''));
  if not v_token.can_write then
    return query values ('transaction_read_only', 'on');
  end if;
end;
$$;
grant execute on function app_private.identify(bytea) to :ROLE_AUTHENTICATOR;
comment on function app_private.identify(bytea) is
  E'The settings under which the bearer of a token acts, given the SHA-256 of that token; without one, those of an anonymous caller.\n\nErrors: `28000` when the session has ended.';
--! EndIncluded functions/app_private/identify.sql

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

--! Included functions/app_private/make_device_code.sql
-- Without what is taken for something else when it is read: 0 and O, 1, I and L, U and V. Two bytes a letter
-- make each as likely as the next to one in two thousand.
create or replace function app_private.make_device_code() returns text
language sql volatile
as $$
  select string_agg(
    substr(
      '23456789ABCDEFGHJKMNPQRSTVWXYZ',
      1 + (get_byte(random.bytes, 2 * place) * 256 + get_byte(random.bytes, 2 * place + 1)) % 30,
      1
    ) || case when place in (3, 7) then '-' else '' end,
    '' order by place
  )
  from (select sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())) as bytes) as random
  cross join generate_series(0, 11) as place;
$$;
comment on function app_private.make_device_code() is
  'A new code to type in: twelve characters out of thirty, 58 bits of chance, such as `K7QF-2MXD-9RTB`.';
--! EndIncluded functions/app_private/make_device_code.sql
--! Included functions/app_private/make_device_key.sql
-- Takes away what has ended: a device that changes its key now and then would keep them all.
create or replace function app_private.make_device_key(device_id uuid) returns app_public.device_key
language plpgsql volatile
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_token text := app_private.make_token('plinth_device_');
begin
  delete from app_private.tokens
  where tokens.device_id = make_device_key.device_id and tokens.expires_at <= now();

  insert into app_private.tokens (hash, device_id, expires_at)
  values (sha256(convert_to(v_token, 'UTF8')), make_device_key.device_id, 'infinity');
  return (v_token, make_device_key.device_id)::app_public.device_key;
end;
$$;
comment on function app_private.make_device_key(uuid) is
  'Makes a key for a device and returns it, which is the one time it is shown.';
--! EndIncluded functions/app_private/make_device_key.sql
--! Included functions/app_private/lock_managed_device.sql
create or replace function app_private.lock_managed_device(id uuid) returns app_public.devices
language plpgsql volatile
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_device app_public.devices;
begin
  select devices.* into v_device
  from app_public.devices
  where devices.id = lock_managed_device.id
    and devices.organization_id = any (array(select app_hidden.my_managed_organization_ids()))
  for no key update;

  if not found then
    raise exception using
      errcode = 'NTFND',
      message = 'There is no such device, or you do not manage its organization.';
  end if;
  return v_device;
end;
$$;
comment on function app_private.lock_managed_device(uuid) is
  E'A device of an organization that the caller manages; until the transaction ends nobody else changes it.\n\nErrors: `NTFND`.';
--! EndIncluded functions/app_private/lock_managed_device.sql
--! Included functions/app_public/create_enrolment_code.sql
create or replace function app_public.create_enrolment_code(device_id uuid) returns app_public.enrolment_code
language plpgsql volatile
security definer -- callers have no right on enrolments
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_device app_public.devices := app_private.lock_managed_device(create_enrolment_code.device_id);
  v_code text := app_private.make_device_code();
  v_enrolment app_private.enrolments;
begin
  delete from app_private.enrolments where enrolments.device_id = v_device.id;
  insert into app_private.enrolments (device_id, code_hash)
  values (v_device.id, sha256(convert_to(replace(v_code, '-', ''), 'UTF8')))
  returning * into v_enrolment;
  return (v_code, v_enrolment.expires_at)::app_public.enrolment_code;
end;
$$;
grant execute on function app_public.create_enrolment_code(uuid) to :ROLE_PERSON;
comment on function app_public.create_enrolment_code(uuid) is
  E'Makes a code with which a device gets its key by `enrolDevice`. It works once, within 15 minutes, and takes the place of one that was made before. Managers may.\n\n- `deviceId`: the device; one that was revoked, or has a key, can be enrolled anew.\n\nErrors: `NOT_FOUND`.';
--! EndIncluded functions/app_public/create_enrolment_code.sql
--! Included functions/app_hidden/count_enrolment.sql
create or replace function app_hidden.count_enrolment() returns integer
language sql volatile
security definer -- callers have no right on attempts
set search_path to pg_catalog, public, pg_temp
as $$
  select app_private.count_attempt(
    'enrolment', jsonb_build_object('network', app_private.request_network())
  );
$$;
grant execute on function app_hidden.count_enrolment() to :ROLE_ANONYMOUS;
comment on function app_hidden.count_enrolment() is
  'Counts an attempt to enrol a device; the seconds to wait when there were too many, else null.';
--! EndIncluded functions/app_hidden/count_enrolment.sql
--! Included functions/app_public/enrol_device.sql
-- The device is locked before its code is taken, as everywhere else, so that a code that is replaced, used or
-- revoked at this moment is waited for.
create or replace function app_public.enrol_device(code text) returns app_public.device_key
language plpgsql volatile
security definer -- anonymous callers have no right on devices and enrolments
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_hash bytea := sha256(convert_to(upper(regexp_replace(enrol_device.code, '[\s-]', '', 'g')), 'UTF8'));
  v_device_id uuid;
begin
  select enrolments.device_id into v_device_id
  from app_private.enrolments
  where enrolments.code_hash = v_hash;
  perform from app_public.devices where devices.id = v_device_id for no key update;

  delete from app_private.enrolments
  where enrolments.code_hash = v_hash and enrolments.expires_at > clock_timestamp();
  if not found then
    return null;
  end if;

  update app_public.devices
  set enrolled_at = clock_timestamp(), revoked_at = null
  where devices.id = v_device_id;
  delete from app_private.tokens where tokens.device_id = v_device_id;
  return app_private.make_device_key(v_device_id);
end;
$$;
grant execute on function app_public.enrol_device(text) to :ROLE_ANONYMOUS;
comment on function app_public.enrol_device(text) is
  E'Gives a device its key, for the code that a manager made. Keys that it had before end.\n\nThe result is null when the code is wrong, was used or replaced, or has expired.\n\n- `code`: twelve characters; dashes, blanks and small letters do not matter.\n\nErrors: `TOO_MANY_ATTEMPTS`.';
--! EndIncluded functions/app_public/enrol_device.sql
--! Included functions/app_public/rotate_device_key.sql
-- The old key lasts a while: the answer with the new one may be lost on its way.
create or replace function app_public.rotate_device_key() returns app_public.device_key
language plpgsql volatile
security definer -- devices have no right on tokens
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_device_id uuid;
begin
  select devices.id into v_device_id
  from app_public.devices
  where devices.id = app_hidden.current_device_id() and devices.revoked_at is null
  for no key update;
  if not found then
    return null;
  end if;

  update app_private.tokens
  set expires_at = least(tokens.expires_at, now() + interval '1 hour')
  where tokens.device_id = v_device_id;
  return app_private.make_device_key(v_device_id);
end;
$$;
grant execute on function app_public.rotate_device_key() to :ROLE_DEVICE;
comment on function app_public.rotate_device_key() is
  E'Gives you, a device, another key. The one that you have works for another hour.\n\nThe result is null when you were revoked at this moment.';
--! EndIncluded functions/app_public/rotate_device_key.sql
--! Included functions/app_public/revoke_device.sql
create or replace function app_public.revoke_device(id uuid) returns app_public.devices
language plpgsql volatile
security definer -- callers have no right on tokens and enrolments
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_device app_public.devices := app_private.lock_managed_device(revoke_device.id);
begin
  delete from app_private.enrolments where enrolments.device_id = v_device.id;
  delete from app_private.tokens where tokens.device_id = v_device.id;

  update app_public.devices
  set revoked_at = coalesce(devices.revoked_at, now()), is_online = false, went_offline_at = null
  where devices.id = v_device.id
  returning devices.* into v_device;
  return v_device;
end;
$$;
grant execute on function app_public.revoke_device(uuid) to :ROLE_PERSON;
comment on function app_public.revoke_device(uuid) is
  E'Takes its key from a device, and a code that was made for it: the next thing it asks for is refused, its connections are closed within a second. It can be enrolled again. Managers may.\n\n- `id`: the device.\n\nErrors: `NOT_FOUND`.';
--! EndIncluded functions/app_public/revoke_device.sql

-- Who is there.

--! Included functions/app_public/send_heartbeat.sql
-- Locks first, and reads then: of two signs of life at once, only the first is the one that brings it back.
create or replace function app_public.send_heartbeat() returns app_public.devices
language plpgsql volatile
security definer -- devices have no right to write themselves, nor to queue jobs
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_device app_public.devices;
begin
  select devices.* into v_device
  from app_public.devices
  where devices.id = app_hidden.current_device_id() and devices.revoked_at is null
  for no key update;
  if not found then
    return null;
  end if;

  if v_device.went_offline_at is not null then
    perform graphile_worker.add_job(
      'device__send_alert', json_build_object('deviceId', v_device.id, 'isOnline', true)
    );
  end if;
  update app_public.devices
  set last_seen_at = clock_timestamp(), is_online = true, went_offline_at = null
  where devices.id = v_device.id
  returning devices.* into v_device;
  return v_device;
end;
$$;
grant execute on function app_public.send_heartbeat() to :ROLE_DEVICE;
comment on function app_public.send_heartbeat() is
  E'Says that you, a device, are there. Send one every 30 seconds; after 90 without, doors count you as offline.\n\nThe result is null when you were revoked at this moment.';
--! EndIncluded functions/app_public/send_heartbeat.sql
--! Included functions/app_private/check_devices.sql
-- A row that somebody else has written meanwhile is looked at again, so that each loss is noticed once.
create or replace function app_private.check_devices() returns bigint
language sql volatile
as $$
  with lost as (
    update app_public.devices
    set is_online = false, went_offline_at = now()
    where devices.is_online and devices.last_seen_at <= now() - interval '90 seconds'
    returning devices.id
  )
  select count(graphile_worker.add_job(
    'device__send_alert', json_build_object('deviceId', lost.id, 'isOnline', false)
  ))
  from lost;
$$;
comment on function app_private.check_devices() is
  'Notices the devices that have been silent for 90 seconds, has their managers told, and returns how many there were.';
--! EndIncluded functions/app_private/check_devices.sql
