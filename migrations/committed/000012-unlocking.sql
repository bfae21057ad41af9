--! Previous: sha1:8955747ffbb84c3b458241af022dd3fa3dcd1814
--! Hash: sha1:b67da7ed1177277fa64073cfc2d323349f322d57
--! Message: unlocking

--! split: 1-current.sql
/*
 * Unlocking: somebody asks, and is answered at once; the door opens only if its controller claims the command
 * that comes of it, once, in time, and while that person may still open that door. See docs/devices.md.
 */
drop function if exists app_public.unlock_door(uuid);
drop table if exists app_public.unlock_commands, app_public.unlock_states cascade;
drop type if exists app_public.unlock_answer, app_public.claim_answer cascade;

create table app_public.unlock_states (
  state text primary key,
  description text not null
);
alter table app_public.unlock_states enable row level security;
create policy select_anyone on app_public.unlock_states for select
  to :ROLE_AUTHENTICATOR, :ROLE_ANONYMOUS, :ROLE_PERSON, :ROLE_DEVICE
  using (true);
grant select on app_public.unlock_states
  to :ROLE_AUTHENTICATOR, :ROLE_ANONYMOUS, :ROLE_PERSON, :ROLE_DEVICE;
comment on table app_public.unlock_states is 'What has become of a command to open a door.';
comment on column app_public.unlock_states.state is 'Its name.';
comment on column app_public.unlock_states.description is 'What it means.';
insert into app_public.unlock_states (state, description) values
  ('pending', 'The controller has not claimed it yet.'),
  ('claimed', 'The controller is opening the door.'),
  ('opened', 'The controller has opened the door.'),
  ('failed', 'The controller says that it did not open the door.'),
  ('expired', 'The controller did not claim it in time; the door stayed shut.'),
  ('refused', 'When the controller claimed it, it was not allowed any more; the door stayed shut.'),
  ('unknown', 'The controller claimed it and then was silent; nobody knows whether the door opened.');

-- Read only: unlock_door makes them, the controller's two functions and a job move them on. The decision has no
-- foreign key, because the log ends where its retention does, and is nothing that a command could hold.
create table app_public.unlock_commands (
  organization_id uuid not null,
  id uuid not null default app_hidden.new_id() unique,
  door_id uuid not null,
  device_id uuid not null,
  device_enrolled_at timestamptz not null,
  person_id uuid references app_public.people on delete set null,
  decision_id uuid not null,
  state text not null default 'pending' references app_public.unlock_states on delete restrict,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null default now() + interval '10 seconds',
  claimed_at timestamptz,
  finished_at timestamptz,
  primary key (organization_id, id),
  foreign key (organization_id, door_id) references app_public.doors (organization_id, id)
    on delete cascade,
  foreign key (organization_id, device_id) references app_public.devices (organization_id, id)
    on delete cascade,
  check ((claimed_at is not null) = (state in ('claimed', 'opened', 'failed', 'unknown'))),
  check ((finished_at is null) = (state in ('pending', 'claimed')))
);
create index on app_public.unlock_commands (organization_id, door_id);
create index on app_public.unlock_commands (organization_id, device_id);
create index on app_public.unlock_commands (person_id);
create index on app_public.unlock_commands (state);
alter table app_public.unlock_commands enable row level security;
create policy select_self_or_manager on app_public.unlock_commands for select to :ROLE_PERSON
  using (
    organization_id = any (array(select app_hidden.my_managed_organization_ids()))
    or (
      person_id = (select app_public.current_person_id())
      and organization_id = any (array(select app_hidden.my_organization_ids()))
    )
  );
create policy select_device on app_public.unlock_commands for select to :ROLE_DEVICE
  using (device_id = (select app_hidden.current_device_id()));
grant select on app_public.unlock_commands to :ROLE_PERSON, :ROLE_DEVICE;
comment on table app_public.unlock_commands is 'A command to open a door, once, within ten seconds. You see your own, managers all of their organization, a device its own.';
comment on column app_public.unlock_commands.organization_id is 'Whose door it is.';
comment on column app_public.unlock_commands.id is 'Identifies the command.';
comment on column app_public.unlock_commands.door_id is 'The door to open.';
comment on column app_public.unlock_commands.device_id is 'The controller that is to open it, and no other may.';
comment on column app_public.unlock_commands.device_enrolled_at is 'When that controller had been enrolled: enrolled anew, it does not get this command any more.';
comment on column app_public.unlock_commands.person_id is 'Who asked; null once their account is deleted.';
comment on column app_public.unlock_commands.decision_id is 'The decision by which it was made.';
comment on column app_public.unlock_commands.state is 'What has become of it.';
comment on column app_public.unlock_commands.created_at is 'When it was made.';
comment on column app_public.unlock_commands.expires_at is 'From when on it cannot be claimed any more.';
comment on column app_public.unlock_commands.claimed_at is 'When the controller claimed it, or null.';
comment on column app_public.unlock_commands.finished_at is 'When its outcome was settled, or null.';
--! Included functions/app_private/queue_unlock_settlement.sql
-- One job per command, which a later one replaces.
create or replace function app_private.queue_unlock_settlement(command app_public.unlock_commands) returns void
language sql volatile
as $$
  select graphile_worker.add_job(
    'unlock_command__settle',
    json_build_object('id', command.id),
    run_at := case command.state
      when 'pending' then command.expires_at
      else command.claimed_at + interval '15 seconds'
    end,
    job_key := 'unlock_command ' || command.id
  );
$$;
comment on function app_private.queue_unlock_settlement(app_public.unlock_commands) is
  'Has a command looked at when its time is over: unclaimed at its expiry, claimed without a report 15 seconds later.';
--! EndIncluded functions/app_private/queue_unlock_settlement.sql
--! Included functions/app_private/tg_unlock_commands__settle.sql
create or replace function app_private.tg_unlock_commands__settle() returns trigger
language plpgsql volatile
set search_path to pg_catalog, public, pg_temp
as $$
begin
  perform app_private.queue_unlock_settlement(new);
  return null;
end;
$$;
comment on function app_private.tg_unlock_commands__settle() is
  'Trigger: sees to it that every command gets an outcome, whatever becomes of its controller.';
--! EndIncluded functions/app_private/tg_unlock_commands__settle.sql
create trigger _800_settle after insert or update of state on app_public.unlock_commands
  for each row when (new.state in ('pending', 'claimed'))
  execute function app_private.tg_unlock_commands__settle();
--! Included functions/app_private/settle_unlock.sql
-- Locks the command before its job, as whoever claims it does. One that is open afterwards was claimed at this
-- moment, or the clock was set back: it is looked at again.
create or replace function app_private.settle_unlock(id uuid) returns void
language sql volatile
as $$
  select from app_public.unlock_commands where unlock_commands.id = settle_unlock.id for no key update;

  update app_public.unlock_commands
  set
    state = case unlock_commands.state when 'pending' then 'expired' else 'unknown' end,
    finished_at = clock_timestamp()
  where unlock_commands.id = settle_unlock.id
    and case unlock_commands.state
      when 'pending' then unlock_commands.expires_at <= clock_timestamp()
      when 'claimed' then unlock_commands.claimed_at <= clock_timestamp() - interval '15 seconds'
    end;

  select app_private.queue_unlock_settlement(unlock_commands)
  from app_public.unlock_commands
  where unlock_commands.id = settle_unlock.id and unlock_commands.state in ('pending', 'claimed');
$$;
comment on function app_private.settle_unlock(uuid) is
  'Settles a command whose time is over: one that nobody claimed has expired, of one that nobody reported on the outcome is unknown, and stays so.';
--! EndIncluded functions/app_private/settle_unlock.sql

create type app_public.unlock_answer as (is_allowed boolean, rule text, reason text, command_id uuid);
comment on type app_public.unlock_answer is 'What was decided about opening a door, and the command that came of it.';
comment on column app_public.unlock_answer.is_allowed is 'Whether it is to open.';
comment on column app_public.unlock_answer.rule is 'The rule that allows it, or null. Of a denial too: then the controller is what is missing.';
comment on column app_public.door_decisions.rule is 'The rule that allowed it, or null. Of a denial too: then the controller was what was missing.';
comment on column app_public.unlock_answer.reason is 'Why, in words for the person who asked.';
comment on column app_public.unlock_answer.command_id is 'The command to its controller, or null. Its `state` tells whether the door has opened: see `unlockCommandChanged(id:)`.';
create type app_public.claim_answer as (is_granted boolean, unlock_seconds smallint, reason text);
comment on type app_public.claim_answer is 'Whether a controller is to open the door now.';
comment on column app_public.claim_answer.is_granted is 'Whether it is.';
comment on column app_public.claim_answer.unlock_seconds is 'For how long, where it is; else null.';
comment on column app_public.claim_answer.reason is 'Why not, the same for every cause; null where it is.';

--! Included functions/app_private/open_door.sql
-- Everybody who asks for a door comes through here, whichever way they come. An attempt at another organization's
-- door belongs into that organization's log; its answer is the one for a door that does not exist, so it tells
-- nothing about the door. Nothing is locked here: what counts is what holds when the command is claimed.
create or replace function app_private.open_door(door_id uuid, person_id uuid) returns app_public.unlock_answer
language plpgsql volatile
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_at timestamptz := clock_timestamp();
  v_answer app_public.door_answer := app_private.decide_door(open_door.door_id, open_door.person_id, v_at);
  v_door app_public.doors;
  v_enrolled_at timestamptz;
  v_decision_id uuid := app_hidden.new_id();
  v_command_id uuid;
begin
  select doors.* into v_door from app_public.doors where doors.id = open_door.door_id;
  if not found then
    return (v_answer.is_allowed, v_answer.rule, v_answer.reason, null)::app_public.unlock_answer;
  end if;

  select devices.enrolled_at into v_enrolled_at
  from app_public.devices
  where devices.id = v_door.device_id
    and devices.revoked_at is null
    and devices.last_seen_at > now() - interval '90 seconds';
  if v_answer.is_allowed and v_enrolled_at is null then
    -- With the rule, which tells it from an attempt that no rule allows.
    v_answer := (
      false,
      v_answer.rule,
      case when v_door.device_id is null
        then 'This door has no controller that could open it.'
        else 'You may open this door, but its controller is offline.'
      end
    )::app_public.door_answer;
  end if;

  insert into app_public.door_decisions
    (organization_id, id, door_id, person_id, is_allowed, rule, reason, decided_at)
  values (
    v_door.organization_id, v_decision_id, v_door.id, open_door.person_id,
    v_answer.is_allowed, v_answer.rule, v_answer.reason, v_at
  );
  if v_answer.is_allowed then
    insert into app_public.unlock_commands
      (organization_id, door_id, device_id, device_enrolled_at, person_id, decision_id)
    values (
      v_door.organization_id, v_door.id, v_door.device_id, v_enrolled_at, open_door.person_id, v_decision_id
    )
    returning unlock_commands.id into v_command_id;
  end if;
  return (v_answer.is_allowed, v_answer.rule, v_answer.reason, v_command_id)::app_public.unlock_answer;
end;
$$;
comment on function app_private.open_door(uuid, uuid) is
  'Decides whether a person may open a door now, records it either way, and makes the command to its controller where it is to open. The only way to a command.';
--! EndIncluded functions/app_private/open_door.sql
--! Included functions/app_public/unlock_door.sql
-- Definer: nobody may write the log or commands.
create or replace function app_public.unlock_door(door_id uuid) returns app_public.unlock_answer
language sql volatile
security definer
set search_path to pg_catalog, public, pg_temp
as $$
  select app_private.open_door(unlock_door.door_id, app_public.current_person_id());
$$;
grant execute on function app_public.unlock_door(uuid) to :ROLE_PERSON;
comment on function app_public.unlock_door(uuid) is
  E'Asks to open a door. The decision is recorded, whichever way it goes; a refusal is an answer, not an error. Where it is to open, its controller gets a command, which it has to claim within ten seconds.\n\n- `doorId`: the door.';
--! EndIncluded functions/app_public/unlock_door.sql
--! Included functions/app_public/claim_unlock.sql
/*
 * The last word before a door opens. What it rests on is locked first, and looked at in a later statement, which
 * sees what was committed by those that were waited for:
 *
 * - the command, so that of many claims one is the first;
 * - the device, which somebody may be revoking or enrolling anew;
 * - the membership, which somebody may be changing or ending;
 * - the office, which everybody locks who changes what decides about its doors. After the membership, as where
 *   the end of one takes its rules along.
 *
 * Whichever commits first counts. A command is for the enrolment that it was made under: the bearer of an older key
 * does not get it. The clock is read last, since locks may have been waited for.
 */
create or replace function app_public.claim_unlock(command_id uuid) returns app_public.claim_answer
language plpgsql volatile
security definer -- devices have no right to write commands, nor to read what decides
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_command app_public.unlock_commands;
  v_seconds smallint;
begin
  -- A snapshot of the whole transaction would not show what was waited for.
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception using
      errcode = 'raise_exception',
      message = 'Doors open at the isolation level "read committed" only.';
  end if;

  select unlock_commands.* into v_command
  from app_public.unlock_commands
  where unlock_commands.id = claim_unlock.command_id
    and unlock_commands.device_id = app_hidden.current_device_id()
  for no key update;

  if v_command.state = 'pending' then
    perform from app_public.devices where devices.id = v_command.device_id for share;
    perform
    from app_public.memberships
    where memberships.organization_id = v_command.organization_id
      and memberships.person_id = v_command.person_id
    for share;
    perform
    from app_public.offices
    join app_public.doors on doors.office_id = offices.id
    where doors.id = v_command.door_id
    for share of offices;

    select doors.unlock_seconds into v_seconds
    from app_public.doors
    join app_public.devices on devices.id = v_command.device_id
    where doors.id = v_command.door_id
      and doors.device_id = v_command.device_id
      and devices.revoked_at is null
      and devices.enrolled_at = v_command.device_enrolled_at
      and (app_private.decide_door(doors.id, v_command.person_id, clock_timestamp())).is_allowed;

    v_command.state := case
      when clock_timestamp() >= v_command.expires_at then 'expired'
      when v_seconds is null then 'refused'
      else 'claimed'
    end;
    update app_public.unlock_commands
    set
      state = v_command.state,
      claimed_at = case v_command.state when 'claimed' then clock_timestamp() end,
      finished_at = case when v_command.state <> 'claimed' then clock_timestamp() end
    where unlock_commands.id = v_command.id;
    if v_command.state = 'claimed' then
      return (true, v_seconds, null)::app_public.claim_answer;
    end if;
  end if;
  return (
    false, null, 'There is no such command for you, or it was claimed, has expired or is not allowed any more.'
  )::app_public.claim_answer;
end;
$$;
grant execute on function app_public.claim_unlock(uuid) to :ROLE_DEVICE;
comment on function app_public.claim_unlock(uuid) is
  E'Asks, as the controller of a door, whether to open it now. It is granted once, before the command expires, and only while whoever asked may still open that door.\n\nOpen only on a granted answer that came within two seconds of your asking, by a clock that is never set; report the outcome either way.\n\n- `commandId`: the command.\n\nErrors: `REFUSED` at another isolation level than "read committed", which is the server''s fault and not yours.';
--! EndIncluded functions/app_public/claim_unlock.sql
--! Included functions/app_public/report_unlock.sql
create or replace function app_public.report_unlock(command_id uuid, has_opened boolean) returns boolean
language plpgsql volatile
security definer -- devices have no right to write commands
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_state text := case when report_unlock.has_opened then 'opened' else 'failed' end;
begin
  update app_public.unlock_commands
  set state = v_state, finished_at = clock_timestamp()
  where unlock_commands.id = report_unlock.command_id
    and unlock_commands.device_id = app_hidden.current_device_id()
    and unlock_commands.state = 'claimed';

  return exists (
    select from app_public.unlock_commands
    where unlock_commands.id = report_unlock.command_id
      and unlock_commands.device_id = app_hidden.current_device_id()
      and unlock_commands.state = v_state
  );
end;
$$;
grant execute on function app_public.report_unlock(uuid, boolean) to :ROLE_DEVICE;
comment on function app_public.report_unlock(uuid, boolean) is
  E'Tells, as the controller that claimed a command, what came of it. Telling the same again changes nothing.\n\nThe result is whether that is the outcome now: false when it is too late, or something else was told before.\n\n- `commandId`: the command.\n- `hasOpened`: whether the door was opened.';
--! EndIncluded functions/app_public/report_unlock.sql
--! Included functions/app_private/person_document.sql
-- The tables by name, so that a new one is put in or left out on purpose (a test asks). Rows of app_public
-- go in whole, since they have no secrets; of app_private only what is named. Left out: app_private.tokens,
-- which says nothing that sessions and keys do not.
create or replace function app_private.person_document(person_id uuid) returns jsonb
language sql stable
as $$
  select jsonb_build_object(
    'people', jsonb_build_array(to_jsonb(people)),
    'email_addresses', (
      select coalesce(jsonb_agg(to_jsonb(email_addresses) - 'person_id' order by email_addresses.id), '[]')
      from app_public.email_addresses where email_addresses.person_id = people.id
    ),
    'passwords', (
      select coalesce(jsonb_agg(
        jsonb_build_object('created_at', passwords.created_at, 'updated_at', passwords.updated_at)
      ), '[]')
      from app_private.passwords where passwords.person_id = people.id
    ),
    'mail_codes', (
      select coalesce(jsonb_agg(
        jsonb_build_object(
          'purpose', mail_codes.purpose, 'address', mail_codes.address,
          'created_at', mail_codes.created_at, 'expires_at', mail_codes.expires_at
        )
        order by mail_codes.id
      ), '[]')
      from app_private.mail_codes where mail_codes.person_id = people.id
    ),
    'sessions', (
      select coalesce(jsonb_agg(to_jsonb(sessions) - 'person_id' order by sessions.id), '[]')
      from app_public.sessions where sessions.person_id = people.id
    ),
    'api_keys', (
      select coalesce(jsonb_agg(to_jsonb(api_keys) - 'person_id' order by api_keys.id), '[]')
      from app_public.api_keys where api_keys.person_id = people.id
    ),
    'open_id_accounts', (
      select coalesce(jsonb_agg(to_jsonb(open_id_accounts) - 'person_id' order by open_id_accounts.id), '[]')
      from app_public.open_id_accounts where open_id_accounts.person_id = people.id
    ),
    'memberships', (
      select coalesce(jsonb_agg(
        to_jsonb(memberships) - 'person_id' || jsonb_build_object('organization_name', organizations.name)
        order by memberships.id
      ), '[]')
      from app_public.memberships
      join app_public.organizations on organizations.id = memberships.organization_id
      where memberships.person_id = people.id
    ),
    'access_rules', (
      select coalesce(jsonb_agg(to_jsonb(access_rules) order by access_rules.id), '[]')
      from app_public.memberships
      join app_public.access_rules
        on access_rules.organization_id = memberships.organization_id
        and access_rules.membership_id = memberships.id
      where memberships.person_id = people.id
    ),
    'lockdowns', (
      select coalesce(jsonb_agg(
        to_jsonb(lockdowns) - 'started_by' - 'ended_by' || jsonb_build_object(
          'is_started_by_you', lockdowns.started_by is not distinct from people.id,
          'is_ended_by_you', lockdowns.ended_by is not distinct from people.id
        )
        order by lockdowns.id
      ), '[]')
      from app_public.lockdowns where people.id in (lockdowns.started_by, lockdowns.ended_by)
    ),
    'invitations', (
      select coalesce(jsonb_agg(to_jsonb(invitations) - 'inviter_id' order by invitations.id), '[]')
      from app_public.invitations where invitations.inviter_id = people.id
    ),
    'door_decisions', (
      select coalesce(jsonb_agg(to_jsonb(door_decisions) - 'person_id' order by door_decisions.id), '[]')
      from app_public.door_decisions where door_decisions.person_id = people.id
    ),
    'unlock_commands', (
      select coalesce(jsonb_agg(to_jsonb(unlock_commands) - 'person_id' order by unlock_commands.id), '[]')
      from app_public.unlock_commands where unlock_commands.person_id = people.id
    ),
    'security_events', (
      select coalesce(jsonb_agg(to_jsonb(security_events) - 'person_id' order by security_events.id), '[]')
      from app_public.security_events where security_events.person_id = people.id
    ),
    'account_exports', (
      select coalesce(jsonb_agg(
        to_jsonb(account_exports) - 'person_id' - 'document' order by account_exports.id
      ), '[]')
      from app_public.account_exports where account_exports.person_id = people.id
    )
  )
  from app_public.people
  where people.id = person_document.person_id;
$$;
comment on function app_private.person_document(uuid) is
  'Everything that the database holds about a person, apart from secrets: a list of rows by the name of the table.';
--! EndIncluded functions/app_private/person_document.sql
