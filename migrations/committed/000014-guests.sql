--! Previous: sha1:a07b9b4e7283e17f3aa6ebadd48c54b5829bf4a6
--! Hash: sha1:d38396682437b71cbb555116e20cdbac6be7cf32
--! Message: guests

--! split: 1-current.sql
/*
 * Guests: somebody without an account is let in by a pass, which is mailed as a link to a page. A pass asks for a
 * door as a person does: by the same decision, log, command and claim. See docs/guests.md.
 */
drop policy if exists select_host on app_public.unlock_commands;
drop table if exists app_private.guest_pass_tokens, app_public.guest_pass_doors, app_public.guest_passes cascade;
drop function if exists app_public.create_guest_pass(uuid[], text, text, timestamptz, timestamptz, integer);
drop function if exists app_public.revoke_guest_pass(uuid);
drop function if exists app_public.resend_guest_pass(uuid);
drop function if exists app_private.decide_door(uuid, uuid, timestamptz);
drop function if exists app_private.open_door(uuid, uuid);

-- Read only: three functions write it, and the claim counts its uses. The host is a membership, so that a pass ends
-- with it: see the trigger.
create table app_public.guest_passes (
  organization_id uuid not null,
  id uuid not null default app_hidden.new_id() unique,
  office_id uuid not null,
  host_id uuid,
  guest_name text not null check (length(guest_name) <= 100 and trim(guest_name) <> ''),
  guest_email text not null check (length(guest_email) <= 254),
  starts_at timestamptz not null check (isfinite(starts_at)),
  ends_at timestamptz not null check (isfinite(ends_at)),
  uses smallint not null check (uses between 1 and 100),
  used_count smallint not null default 0,
  created_at timestamptz not null default now(),
  sent_at timestamptz,
  revoked_at timestamptz,
  primary key (organization_id, id),
  foreign key (organization_id, office_id) references app_public.offices (organization_id, id)
    on delete cascade,
  foreign key (organization_id, host_id) references app_public.memberships (organization_id, person_id)
    on delete set null (host_id),
  constraint guest_passes_window_check check (starts_at < ends_at),
  constraint guest_passes_used_check check (used_count between 0 and uses),
  constraint guest_passes_host_check check (host_id is not null or revoked_at is not null)
);
create index on app_public.guest_passes (organization_id, office_id);
create index on app_public.guest_passes (organization_id, host_id);
create index on app_public.guest_passes (host_id);
create index on app_public.guest_passes (ends_at);
alter table app_public.guest_passes enable row level security;
-- A host is a member, by the foreign key.
create policy select_host_or_manager on app_public.guest_passes for select to :ROLE_PERSON
  using (
    organization_id = any (array(select app_hidden.my_managed_organization_ids()))
    or host_id = (select app_public.current_person_id())
  );
grant select on app_public.guest_passes to :ROLE_PERSON;
comment on table app_public.guest_passes is 'Lets a guest in by chosen doors of an office, in a span of time, so many times. You see those that you made, managers all of their organization.';
comment on column app_public.guest_passes.organization_id is 'The organization.';
comment on column app_public.guest_passes.id is 'Identifies the pass.';
comment on column app_public.guest_passes.office_id is 'The office that the doors lead into.';
comment on column app_public.guest_passes.host_id is 'The member who made it; null once they are none any more, and then it is revoked.';
comment on column app_public.guest_passes.guest_name is 'Who is let in, 1 to 100 characters.';
comment on column app_public.guest_passes.guest_email is 'Where the link is mailed. Whoever has the link is let in.';
comment on column app_public.guest_passes.starts_at is 'From when on it lets in.';
comment on column app_public.guest_passes.ends_at is 'From when on it does not any more.';
comment on column app_public.guest_passes.uses is 'How often a door may be opened with it, 1 to 100.';
comment on column app_public.guest_passes.used_count is 'How often one was: when its controller claims a command, that is a use, whatever comes of it.';
comment on column app_public.guest_passes.created_at is 'When it was made.';
comment on column app_public.guest_passes.sent_at is 'When it was mailed last, or null.';
comment on column app_public.guest_passes.revoked_at is 'When it was revoked, or its host left; null while it holds.';

create table app_public.guest_pass_doors (
  organization_id uuid not null,
  pass_id uuid not null,
  door_id uuid not null,
  primary key (organization_id, pass_id, door_id),
  foreign key (organization_id, pass_id) references app_public.guest_passes (organization_id, id)
    on delete cascade,
  foreign key (organization_id, door_id) references app_public.doors (organization_id, id)
    on delete cascade
);
create index on app_public.guest_pass_doors (pass_id);
create index on app_public.guest_pass_doors (organization_id, door_id);
alter table app_public.guest_pass_doors enable row level security;
create policy select_host_or_manager on app_public.guest_pass_doors for select to :ROLE_PERSON
  using (
    organization_id = any (array(select app_hidden.my_managed_organization_ids()))
    or pass_id = any (array(
      select guest_passes.id
      from app_public.guest_passes
      where guest_passes.host_id = (select app_public.current_person_id())
    ))
  );
grant select on app_public.guest_pass_doors to :ROLE_PERSON;
comment on table app_public.guest_pass_doors is 'A door that a pass opens; all are of one office.';
comment on column app_public.guest_pass_doors.organization_id is 'The organization.';
comment on column app_public.guest_pass_doors.pass_id is 'The pass.';
comment on column app_public.guest_pass_doors.door_id is 'The door.';

-- Apart from the pass, so that no right on that is one on its secret. Made in the task that mails it.
create table app_private.guest_pass_tokens (
  organization_id uuid not null,
  pass_id uuid not null,
  hash bytea not null unique check (length(hash) = 32),
  primary key (organization_id, pass_id),
  foreign key (organization_id, pass_id) references app_public.guest_passes (organization_id, id)
    on delete cascade
);
create index on app_private.guest_pass_tokens (pass_id);
alter table app_private.guest_pass_tokens enable row level security;
comment on table app_private.guest_pass_tokens is 'The secret of a guest pass as it was mailed last.';
comment on column app_private.guest_pass_tokens.organization_id is 'The organization.';
comment on column app_private.guest_pass_tokens.pass_id is 'The pass.';
comment on column app_private.guest_pass_tokens.hash is 'SHA-256 of the token; the token itself is never stored.';

-- Without foreign keys: a pass is kept for a time only, and what was done with it stays done.
alter table app_public.door_decisions add column if not exists pass_id uuid;
comment on column app_public.door_decisions.person_id is 'Who asked; null for a guest, and once their account is deleted.';
comment on column app_public.door_decisions.pass_id is 'The pass that a guest asked with, or null.';
create index if not exists door_decisions_pass_id_idx on app_public.door_decisions (pass_id, decided_at)
  where pass_id is not null;
alter table app_public.unlock_commands add column if not exists pass_id uuid;
comment on column app_public.unlock_commands.person_id is 'Who asked; null for a guest, and once their account is deleted.';
comment on column app_public.unlock_commands.pass_id is 'The pass that a guest asked with, or null.';
alter table app_public.unlock_commands drop constraint if exists unlock_commands_asker_check;
alter table app_public.unlock_commands
  add constraint unlock_commands_asker_check check (person_id is null or pass_id is null);
create index if not exists unlock_commands_pass_id_idx on app_public.unlock_commands (pass_id)
  where pass_id is not null;
create policy select_host on app_public.unlock_commands for select to :ROLE_PERSON
  using (
    pass_id = any (array(
      select guest_passes.id
      from app_public.guest_passes
      where guest_passes.host_id = (select app_public.current_person_id())
    ))
  );

insert into app_private.attempt_limits (action, per, most, span) values
  ('door_of_others', 'account', 20, '1 hour'), -- what strangers may have written into a log
  ('door_of_others', 'organization', 200, '1 hour'),
  ('guest_pass', 'organization', 100, '1 hour'),
  ('guest_pass', 'account', 30, '1 hour'),
  ('guest_pass', 'address', 5, '1 hour'),
  ('guest_pass', 'network', 200, '1 hour'),
  ('pass_link', 'network', 100, '15 minutes'),
  ('pass_press', 'code', 30, '15 minutes')
on conflict (action, per) do update set most = excluded.most, span = excluded.span;

--! Included functions/app_private/tg_guest_passes__revoke.sql
-- Also where the foreign key takes the host away. A member who comes back gets new rights, and finds none of the old.
create or replace function app_private.tg_guest_passes__revoke() returns trigger
language plpgsql volatile
set search_path to pg_catalog, public, pg_temp
as $$
begin
  if new.host_id is null then
    new.revoked_at = coalesce(new.revoked_at, now());
  end if;
  return new;
end;
$$;
comment on function app_private.tg_guest_passes__revoke() is
  'Trigger: a pass ends with the membership of its host.';
--! EndIncluded functions/app_private/tg_guest_passes__revoke.sql
create trigger _200_revoke before update of host_id on app_public.guest_passes
  for each row execute function app_private.tg_guest_passes__revoke();
--! Included functions/app_private/tg_guest_passes__cancel.sql
create or replace function app_private.tg_guest_passes__cancel() returns trigger
language plpgsql volatile
security definer -- up to Postgres 17 it runs as whoever ends the host's membership, and they may queue no jobs
set search_path to pg_catalog, public, pg_temp
as $$
begin
  perform graphile_worker.add_job('guest_pass__send_cancellation', json_build_object('id', new.id));
  return null;
end;
$$;
comment on function app_private.tg_guest_passes__cancel() is
  'Trigger: has a guest told that the pass is revoked.';
--! EndIncluded functions/app_private/tg_guest_passes__cancel.sql
create trigger _800_cancel after update of host_id, revoked_at on app_public.guest_passes
  for each row when (old.revoked_at is null and new.revoked_at is not null)
  execute function app_private.tg_guest_passes__cancel();

--! Included functions/app_private/decide_door.sql
-- The one place that says who may open a door. It records nothing: asking alone changes nothing.
--
-- Whoever lets somebody in by the answer asks with the clock of that moment, in a statement of its own after
-- having locked the membership, then the pass where there is one, and then the office.
create or replace function app_private.decide_door(
  door_id uuid, person_id uuid, at timestamptz default clock_timestamp(), pass_id uuid default null
)
returns app_public.door_answer
language sql stable
as $$
  select coalesce(
    (
      select case
        when pass.id is not null then case
          when lockdown.id is not null then
            (false, null, 'The office is locked down.')::app_public.door_answer
          when pass.revoked_at is not null or memberships.id is null then
            (false, null, 'Your pass has been revoked.')::app_public.door_answer
          when (decide_door.at >= pass.starts_at) is not true then
            (false, null, 'Your pass is not valid yet.')::app_public.door_answer
          when (decide_door.at < pass.ends_at) is not true then
            (false, null, 'Your pass has expired.')::app_public.door_answer
          when pass.used_count >= pass.uses then
            (false, null, 'Your pass is used up.')::app_public.door_answer
          when memberships.role in ('owner', 'manager') or rule.id is not null then
            (true, 'Guest pass', 'You are let in by your pass.')::app_public.door_answer
          else
            (false, null, 'Your host may not open this door at this time.')::app_public.door_answer
        end
        when lockdown.id is not null then
          (false, null, 'The office is locked down: ' || lockdown.reason)::app_public.door_answer
        when rule.id is not null then
          (true, rule.name, format('You are let in by the rule “%s”.', rule.name))::app_public.door_answer
        when closure.id is not null then
          (false, null, 'The office is closed: ' || closure.name)::app_public.door_answer
        else
          (false, null, 'No rule lets you in by this door at this time.')::app_public.door_answer
      end
      from app_public.doors
      join app_public.offices
        on offices.organization_id = doors.organization_id and offices.id = doors.office_id
      left join app_public.guest_passes as pass
        on pass.organization_id = doors.organization_id
        and pass.id = decide_door.pass_id
        and exists (
          select
          from app_public.guest_pass_doors
          where guest_pass_doors.organization_id = pass.organization_id
            and guest_pass_doors.pass_id = pass.id
            and guest_pass_doors.door_id = doors.id
        )
      left join app_public.memberships
        on memberships.organization_id = doors.organization_id
        and memberships.person_id =
          case when decide_door.pass_id is null then decide_door.person_id else pass.host_id end
      cross join lateral (select decide_door.at at time zone offices.time_zone) as here (local_at)
      left join lateral (
        select lockdowns.id, lockdowns.reason
        from app_public.lockdowns
        where lockdowns.organization_id = doors.organization_id
          and lockdowns.office_id = doors.office_id
          and lockdowns.started_at <= decide_door.at
          and (lockdowns.ended_at is null or lockdowns.ended_at > decide_door.at)
        order by lockdowns.id
        limit 1
      ) as lockdown on true
      left join lateral (
        select closures.id, closures.name
        from app_public.closures
        where closures.organization_id = doors.organization_id
          and closures.office_id = doors.office_id
          and here.local_at::date between closures.starts_on and closures.ends_on
        order by closures.id
        limit 1
      ) as closure on true
      left join lateral (
        select access_rules.id, access_rules.name
        from app_public.access_rules
        where access_rules.organization_id = doors.organization_id
          and access_rules.office_id = doors.office_id
          and (access_rules.role is null or access_rules.role = memberships.role)
          and (access_rules.membership_id is null or access_rules.membership_id = memberships.id)
          and (
            access_rules.is_whole_office
            or exists (
              select
              from app_public.access_rule_doors
              where access_rule_doors.organization_id = doors.organization_id
                and access_rule_doors.rule_id = access_rules.id
                and access_rule_doors.door_id = doors.id
            )
          )
          and (access_rules.holds_on_closures or closure.id is null)
          -- The window that begins today, and yesterday's, which may reach into today.
          and exists (
            select
            from (values (here.local_at::date), (here.local_at::date - 1)) as opening (day)
            where opening.day + access_rules.starts_at <= here.local_at
              and opening.day + access_rules.ends_at
                + make_interval(days => (access_rules.ends_at < access_rules.starts_at)::int)
                > here.local_at
              and extract(isodow from opening.day) = any (access_rules.weekdays)
              and (access_rules.valid_from is null or access_rules.valid_from <= opening.day)
              and (access_rules.valid_until is null or access_rules.valid_until >= opening.day)
          )
        order by access_rules.id
        limit 1
      ) as rule on true
      where doors.id = decide_door.door_id
        and case when decide_door.pass_id is null then memberships.id else pass.id end is not null
    ),
    (
      false,
      null,
      'There is no such door, or ' || case when decide_door.pass_id is null
        then 'you are not a member of its organization.'
        else 'your pass is not for it.'
      end
    )::app_public.door_answer
  );
$$;
comment on function app_private.decide_door(uuid, uuid, timestamptz, uuid) is
  E'Whether a person may open a door at a moment, or whoever has a pass, by which rule, and why. The first of these that applies to a person:\n\n1. No such door, or the person is no member of its organization today: denied, with one reason for both.\n2. A lockdown of the office at that moment, from its start on and up to its end; one under way has no end: denied.\n3. A rule of the office: allowed. Of several, the answer names the oldest, by id.\n4. A closure of the office on that day: denied. Of several, the answer names the oldest.\n5. Otherwise denied; so is a moment that is null or infinite.\n\nA rule applies if all of this is so:\n\n- Role and member are those of the rule, where it names any; exactly that role, not a higher one.\n- It is about the whole office, or about this door.\n- The moment lies in its window: on a day from `valid_from` to `valid_until` that is one of `weekdays`, from `starts_at` on and up to `ends_at`; up to that time of the next day if `ends_at` is before `starts_at`. The part behind midnight belongs to the day on which the window began.\n- That day is no closure, or the rule holds on closures. Closures go by the day of the moment, not by the one on which the window began: a closed day ends a night that reaches into it.\n\nDays and times are those on the clocks of the office. A moment has exactly one time there, a time not always one moment: when clocks are put back, a window that lies in the hour shown twice lets in twice; when they are put forward, one that lies in the hour left out lets nobody in on that day.\n\nWhere a pass is given, the person counts for nothing, and it is the first of these:\n\n1. No such door, or the pass is not for it, which none of another organization is: denied, with one reason for both.\n2. A lockdown, as above: denied. Its reason is not for guests.\n3. The pass is revoked, or its host is no member today: denied. Nobody''s guests outlast them.\n4. The moment lies before `starts_at`, or at `ends_at` or later, or is null or infinite: denied.\n5. As many doors were opened with it as it has uses: denied.\n6. Its host is an owner or manager today: allowed, by no other rule than the pass, which was made for this very time; so on a closure too.\n7. Its host would be let in at that moment, by a rule as above: allowed. What members may not do themselves, their guests may not either.\n8. Otherwise denied.\n\nAll of it is as of the moment that is asked about, apart from the rules themselves, the memberships, and what became of a pass, which are today''s.';
--! EndIncluded functions/app_private/decide_door.sql
--! Included functions/app_private/open_door.sql
-- Everybody who asks for a door comes through here, whichever way they come. An attempt at another organization's
-- door belongs into that organization's log; its answer is the one for a door that does not exist, so it tells
-- nothing about the door. What strangers ask is recorded up to a limit: that log keeps what is in it, and is not theirs
-- to fill. Nothing is locked here, and no use of a pass counted: what counts is what holds when the
-- command is claimed.
create or replace function app_private.open_door(door_id uuid, person_id uuid, pass_id uuid default null)
returns app_public.unlock_answer
language plpgsql volatile
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_at timestamptz := clock_timestamp();
  v_answer app_public.door_answer :=
    app_private.decide_door(open_door.door_id, open_door.person_id, v_at, open_door.pass_id);
  v_door app_public.doors;
  v_enrolled_at timestamptz;
  v_decision_id uuid := app_hidden.new_id();
  v_command_id uuid;
begin
  select doors.* into v_door from app_public.doors where doors.id = open_door.door_id;
  if not found then
    return (v_answer.is_allowed, v_answer.rule, v_answer.reason, null)::app_public.unlock_answer;
  end if;

  if not v_answer.is_allowed
    and open_door.pass_id is null
    and not exists (
      select from app_public.memberships
      where memberships.organization_id = v_door.organization_id
        and memberships.person_id = open_door.person_id
    )
    and app_private.count_attempt('door_of_others', jsonb_build_object(
      'account', open_door.person_id, 'organization', v_door.organization_id
    )) is not null
  then
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
        else 'You may open this door, but its controller ' || (
          select case
            when devices.revoked_at is not null then 'has been revoked.'
            when devices.enrolled_at is null then 'has not been enrolled yet.'
            else 'is offline.'
          end
          from app_public.devices where devices.id = v_door.device_id
        )
      end
    )::app_public.door_answer;
  end if;

  insert into app_public.door_decisions
    (organization_id, id, door_id, person_id, pass_id, is_allowed, rule, reason, decided_at)
  values (
    v_door.organization_id, v_decision_id, v_door.id, open_door.person_id, open_door.pass_id,
    v_answer.is_allowed, v_answer.rule, v_answer.reason, v_at
  );
  if v_answer.is_allowed then
    insert into app_public.unlock_commands
      (organization_id, door_id, device_id, device_enrolled_at, person_id, pass_id, decision_id)
    values (
      v_door.organization_id, v_door.id, v_door.device_id, v_enrolled_at, open_door.person_id,
      open_door.pass_id, v_decision_id
    )
    returning unlock_commands.id into v_command_id;
  end if;
  return (v_answer.is_allowed, v_answer.rule, v_answer.reason, v_command_id)::app_public.unlock_answer;
end;
$$;
comment on function app_private.open_door(uuid, uuid, uuid) is
  'Decides whether a person may open a door now, or whoever has a pass, records it either way, and makes the command to its controller where it is to open. The only way to a command.';
--! EndIncluded functions/app_private/open_door.sql
--! Included functions/app_public/claim_unlock.sql
/*
 * The last word before a door opens. What it rests on is locked first, and looked at in a later statement, which
 * sees what was committed by those that were waited for:
 *
 * - the command, so that of many claims one is the first;
 * - the device, which somebody may be revoking or enrolling anew;
 * - the membership, which somebody may be changing or ending; of a guest, that of the host;
 * - the pass of a guest, which somebody may be revoking, or be using up at another door. After the membership, whose
 *   end revokes it;
 * - the office, which everybody locks who changes what decides about its doors. After the membership, as where
 *   the end of one takes its rules along.
 *
 * A pass that is let in by has one use less from then on, whatever the device reports: the door may have opened.
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
      and memberships.person_id = coalesce(
        v_command.person_id,
        (select guest_passes.host_id from app_public.guest_passes where guest_passes.id = v_command.pass_id)
      )
    for share;
    perform from app_public.guest_passes where guest_passes.id = v_command.pass_id for no key update;
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
      and (
        app_private.decide_door(doors.id, v_command.person_id, clock_timestamp(), v_command.pass_id)
      ).is_allowed;

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
      update app_public.guest_passes
      set used_count = guest_passes.used_count + 1
      where guest_passes.id = v_command.pass_id;
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
--! Included functions/app_public/replay_decisions.sql
create or replace function app_public.replay_decisions(office_id uuid, since timestamptz)
returns setof app_public.replayed_decision
language plpgsql stable rows 100
security definer -- callers have no right to decide about others
set search_path to pg_catalog, public, pg_temp
as $$
begin
  if not exists (
    select
    from app_public.offices
    where offices.id = replay_decisions.office_id
      and offices.organization_id = any (array(select app_hidden.my_managed_organization_ids()))
  ) then
    raise exception using
      errcode = 'NTFND',
      message = 'There is no such office, or you do not manage it.',
      column = 'office_id';
  end if;
  -- Each attempt is decided anew, which takes its time.
  if replay_decisions.since is null or replay_decisions.since < now() - interval '1 month' then
    raise exception using
      errcode = 'invalid_parameter_value',
      message = 'Decisions are replayed for at most a month back.',
      column = 'since';
  end if;

  return query
  select door_decisions.id, past.was_allowed, answer.is_allowed, answer.rule, answer.reason
  from app_public.doors
  join app_public.door_decisions
    on door_decisions.organization_id = doors.organization_id and door_decisions.door_id = doors.id
  -- A denial that names a rule was for want of a controller; by the rules it was allowed.
  cross join lateral (
    select door_decisions.is_allowed or door_decisions.rule is not null as was_allowed
  ) as past
  cross join lateral app_private.decide_door(
    door_decisions.door_id, door_decisions.person_id, door_decisions.decided_at
  ) as answer
  where doors.office_id = replay_decisions.office_id
    and door_decisions.decided_at >= replay_decisions.since
    and door_decisions.person_id is not null -- so guests are left out, whose uses are not counted as of then
    and answer.is_allowed <> past.was_allowed
  order by door_decisions.decided_at desc, door_decisions.id;
end;
$$;
grant execute on function app_public.replay_decisions(uuid, timestamptz) to :ROLE_PERSON;
comment on function app_public.replay_decisions(uuid, timestamptz) is
  E'Which of the recorded attempts to open a door of an office would go differently by the rules, closures and members of today, the latest first. So a manager sees what a change would have meant. Attempts of guests and of deleted accounts are left out.\n\n- `officeId`: an office that you manage.\n- `since`: from when on, at most a month back.\n\nErrors: `NOT_FOUND`; `BAD_USER_INPUT` naming `since`.';
--! EndIncluded functions/app_public/replay_decisions.sql

--! Included functions/app_private/count_guest_pass.sql
-- What is undone is not counted, and has sent no mail either.
create or replace function app_private.count_guest_pass(organization_id uuid, address text) returns void
language plpgsql volatile
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_wait integer := app_private.count_attempt('guest_pass', jsonb_build_object(
    'organization', count_guest_pass.organization_id,
    'account', app_public.current_person_id(),
    'address', count_guest_pass.address,
    'network', app_private.request_network()
  ));
begin
  if v_wait is not null then
    raise exception using
      errcode = 'TMANY',
      message = 'Too many passes were sent.',
      hint = format('Try again in %s minutes.', ceil(v_wait / 60.0));
  end if;
end;
$$;
comment on function app_private.count_guest_pass(uuid, text) is
  E'Counts the mail of a guest pass.\n\nErrors: `TMANY` when there were too many of the organization or the caller, to the address, or from the network.';
--! EndIncluded functions/app_private/count_guest_pass.sql
--! Included functions/app_private/send_guest_pass.sql
create or replace function app_private.send_guest_pass(id uuid) returns void
language sql volatile
as $$
  select graphile_worker.add_job(
    'guest_pass__send', json_build_object('id', send_guest_pass.id),
    job_key => 'guest_pass__send ' || send_guest_pass.id
  );
$$;
comment on function app_private.send_guest_pass(uuid) is
  'Has a pass mailed; once, when it is asked for again before that was done.';
--! EndIncluded functions/app_private/send_guest_pass.sql
--! Included functions/app_public/create_guest_pass.sql
-- A pass adds to what is allowed, so no lock is taken: a claim that does not see it yet lets nobody in. What a
-- member's guest may do is decided anew at each claim; that the member has some rule for each door is asked here
-- only to say at once what would never work.
create or replace function app_public.create_guest_pass(
  door_ids uuid[],
  guest_name text,
  guest_email text,
  starts_at timestamptz,
  ends_at timestamptz,
  uses integer default 1
) returns app_public.guest_passes
language plpgsql volatile
security definer -- callers have no right to write passes
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_pass app_public.guest_passes;
  v_membership app_public.memberships;
  v_is_manager boolean;
  v_longest interval;
  v_doors integer;
  v_offices integer;
begin
  select
    count(*), count(distinct doors.office_id), min(doors.office_id::text)::uuid, min(doors.organization_id::text)::uuid
  into v_doors, v_offices, v_pass.office_id, v_pass.organization_id
  from app_public.doors
  where doors.id = any (create_guest_pass.door_ids)
    and doors.organization_id = any (array(select app_hidden.my_organization_ids()));

  if coalesce(cardinality(create_guest_pass.door_ids), 0) not between 1 and 50
    or (select count(distinct door) <> count(*) from unnest(create_guest_pass.door_ids) as door)
  then
    raise exception using
      errcode = 'invalid_parameter_value',
      message = 'A pass is for 1 to 50 doors, each of them once.',
      column = 'door_ids';
  end if;
  if v_doors <> cardinality(create_guest_pass.door_ids) then
    raise exception using
      errcode = 'NTFND',
      message = 'There is no such door, or you are not a member of its organization.',
      column = 'door_ids';
  end if;
  if v_offices <> 1 then
    raise exception using
      errcode = 'invalid_parameter_value',
      message = 'Those doors lead into several offices.',
      hint = 'Make a pass for each office.',
      column = 'door_ids';
  end if;

  select * into v_membership
  from app_public.memberships
  where memberships.organization_id = v_pass.organization_id
    and memberships.person_id = app_public.current_person_id();
  v_is_manager := v_membership.role in ('owner', 'manager');
  v_longest := case when v_is_manager then '1 year' else '30 days' end;
  if not v_is_manager and exists (
    select
    from unnest(create_guest_pass.door_ids) as door (id)
    where not exists (
      select
      from app_public.access_rules
      left join app_public.access_rule_doors
        on access_rule_doors.organization_id = access_rules.organization_id
        and access_rule_doors.rule_id = access_rules.id
        and access_rule_doors.door_id = door.id
      where access_rules.organization_id = v_pass.organization_id
        and access_rules.office_id = v_pass.office_id
        and (access_rules.role is null or access_rules.role = v_membership.role)
        and (access_rules.membership_id is null or access_rules.membership_id = v_membership.id)
        and (access_rules.is_whole_office or access_rule_doors.door_id is not null)
    )
  ) then
    raise exception using
      errcode = 'insufficient_privilege',
      message = 'You may not open one of those doors yourself.',
      hint = 'Ask a manager to make the pass.',
      column = 'door_ids';
  end if;

  if length(create_guest_pass.guest_name) > 100 or trim(create_guest_pass.guest_name) = '' then
    raise exception using
      errcode = 'invalid_parameter_value',
      message = 'A name has 1 to 100 characters.',
      column = 'guest_name';
  end if;
  begin
    v_pass.guest_email := app_private.to_address(create_guest_pass.guest_email);
  exception
    when invalid_parameter_value then
      raise exception using
        errcode = 'invalid_parameter_value',
        message = sqlerrm,
        hint = 'Write it as name@example.com.',
        column = 'guest_email';
  end;
  if not isfinite(create_guest_pass.starts_at) or create_guest_pass.starts_at > now() + interval '1 year' then
    raise exception using
      errcode = 'invalid_parameter_value',
      message = 'A pass begins within a year.',
      column = 'starts_at';
  end if;
  if not isfinite(create_guest_pass.ends_at)
    or create_guest_pass.ends_at <= create_guest_pass.starts_at
    or create_guest_pass.ends_at <= now()
  then
    raise exception using
      errcode = 'invalid_parameter_value',
      message = 'A pass ends after it begins, and not in the past.',
      column = 'ends_at';
  end if;
  if create_guest_pass.ends_at > create_guest_pass.starts_at + v_longest then
    raise exception using
      errcode = 'invalid_parameter_value',
      message = case when v_is_manager
        then 'A pass lasts for a year at most.'
        else 'A pass that you make lasts for 30 days at most.'
      end,
      column = 'ends_at';
  end if;
  if create_guest_pass.uses not between 1 and 100 then
    raise exception using
      errcode = 'invalid_parameter_value',
      message = 'A pass is good for 1 to 100 uses.',
      column = 'uses';
  end if;

  perform app_private.count_guest_pass(v_pass.organization_id, v_pass.guest_email);
  insert into app_public.guest_passes
    (organization_id, office_id, host_id, guest_name, guest_email, starts_at, ends_at, uses)
  values (
    v_pass.organization_id, v_pass.office_id, v_membership.person_id, trim(create_guest_pass.guest_name),
    v_pass.guest_email, create_guest_pass.starts_at, create_guest_pass.ends_at, create_guest_pass.uses
  )
  returning * into v_pass;
  insert into app_public.guest_pass_doors (organization_id, pass_id, door_id)
  select v_pass.organization_id, v_pass.id, door from unnest(create_guest_pass.door_ids) as door;

  if (
    select count(*) > case when v_is_manager then 1000 else 50 end
    from app_public.guest_passes
    where guest_passes.organization_id = v_pass.organization_id
      and (v_is_manager or guest_passes.host_id = v_membership.person_id)
      and guest_passes.ends_at > now()
      and guest_passes.revoked_at is null
  ) then
    raise exception using
      errcode = 'TMANY',
      message = 'There are too many passes already that have not ended.',
      hint = 'Revoke those that are of no use any more.';
  end if;
  perform app_private.send_guest_pass(v_pass.id);
  return v_pass;
end;
$$;
grant execute on function app_public.create_guest_pass(uuid[], text, text, timestamptz, timestamptz, integer)
  to :ROLE_PERSON;
comment on function app_public.create_guest_pass(uuid[], text, text, timestamptz, timestamptz, integer) is
  E'Makes a pass for a guest, and mails the guest a link to open the doors with. You are its host: it ends when you are no member any more.\n\nAn owner or manager may make one for any doors and any time of a year. A guest of a member is let in only where and when that member is let in too, for 30 days at most. A lockdown keeps out all of them.\n\n- `doorIds`: the doors, 1 to 50, all of one office.\n- `guestName`: who is let in, 1 to 100 characters; the guest sees it.\n- `guestEmail`: where the link is mailed.\n- `startsAt`: from when on, within a year.\n- `endsAt`: up to when.\n- `uses`: how often a door may be opened with it, 1 to 100; once if left out.\n\nErrors: `NOT_FOUND` naming `doorIds`; `FORBIDDEN` for a door that no rule opens to you; `BAD_USER_INPUT`; `TOO_MANY_ATTEMPTS`.';
--! EndIncluded functions/app_public/create_guest_pass.sql
--! Included functions/app_private/lock_own_guest_pass.sql
create or replace function app_private.lock_own_guest_pass(id uuid) returns app_public.guest_passes
language plpgsql volatile
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_pass app_public.guest_passes;
begin
  select guest_passes.* into v_pass
  from app_public.guest_passes
  where guest_passes.id = lock_own_guest_pass.id
    and (
      guest_passes.organization_id = any (array(select app_hidden.my_managed_organization_ids()))
      or guest_passes.host_id = app_public.current_person_id()
    )
  for no key update;

  if not found then
    raise exception using errcode = 'NTFND', message = 'There is no such pass, or it is not yours.';
  end if;
  return v_pass;
end;
$$;
comment on function app_private.lock_own_guest_pass(uuid) is
  E'A pass that the caller made, or of an organization that the caller manages; until the transaction ends nobody else changes or uses it.\n\nErrors: `NTFND`.';
--! EndIncluded functions/app_private/lock_own_guest_pass.sql
--! Included functions/app_public/revoke_guest_pass.sql
create or replace function app_public.revoke_guest_pass(id uuid) returns app_public.guest_passes
language plpgsql volatile
security definer -- callers have no right to write passes
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_pass app_public.guest_passes := app_private.lock_own_guest_pass(revoke_guest_pass.id);
begin
  update app_public.guest_passes
  set revoked_at = coalesce(guest_passes.revoked_at, now())
  where guest_passes.id = v_pass.id
  returning guest_passes.* into v_pass;
  return v_pass;
end;
$$;
grant execute on function app_public.revoke_guest_pass(uuid) to :ROLE_PERSON;
comment on function app_public.revoke_guest_pass(uuid) is
  E'Ends a pass at once and for good: what its guest has asked for and no controller has claimed yet is refused. The guest is told by mail, unless the pass is over already. Of one that is revoked already nothing changes.\n\n- `id`: a pass that you made, or of an organization that you manage.\n\nErrors: `NOT_FOUND`.';
--! EndIncluded functions/app_public/revoke_guest_pass.sql
--! Included functions/app_public/resend_guest_pass.sql
create or replace function app_public.resend_guest_pass(id uuid) returns app_public.guest_passes
language plpgsql volatile
security definer -- callers have no right on tokens
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_pass app_public.guest_passes := app_private.lock_own_guest_pass(resend_guest_pass.id);
begin
  if v_pass.revoked_at is not null or v_pass.ends_at <= now() or v_pass.used_count >= v_pass.uses then
    raise exception using
      errcode = 'raise_exception',
      message = 'This pass does not let in any more.',
      hint = 'Make a new one.';
  end if;
  delete from app_private.guest_pass_tokens where guest_pass_tokens.pass_id = v_pass.id;
  perform app_private.count_guest_pass(v_pass.organization_id, v_pass.guest_email);
  perform app_private.send_guest_pass(v_pass.id);
  return v_pass;
end;
$$;
grant execute on function app_public.resend_guest_pass(uuid) to :ROLE_PERSON;
comment on function app_public.resend_guest_pass(uuid) is
  E'Mails a pass anew, with a new link. The link that was mailed before is void at once.\n\n- `id`: a pass that you made, or of an organization that you manage.\n\nErrors: `NOT_FOUND`; `REFUSED` for one that is revoked, over or used up; `TOO_MANY_ATTEMPTS`.';
--! EndIncluded functions/app_public/resend_guest_pass.sql
--! Included functions/app_private/purge_guest_passes.sql
create or replace function app_private.purge_guest_passes(older_than interval) returns bigint
language sql volatile
as $$
  with purged as (
    delete from app_public.guest_passes
    where id in (
      select guest_passes.id from app_public.guest_passes
      where ends_at <= now() - purge_guest_passes.older_than
      limit 10000
    )
    returning 1
  )
  select count(*) from purged;
$$;
comment on function app_private.purge_guest_passes(interval) is
  'Removes up to 10,000 passes that ended so long ago, with the names of the guests, and returns how many there were.';
--! EndIncluded functions/app_private/purge_guest_passes.sql

--! Included functions/app_private/window_text.sql
-- In English, as everything that is written to people.
create or replace function app_private.window_text(starts_at timestamptz, ends_at timestamptz, time_zone text)
returns text
language sql stable
as $$
  select format(
    case when here.starts_at::date = here.ends_at::date then E'%s,\n%s to %s%s' else E'%s, %s to\n%s%s' end,
    to_char(here.starts_at, 'FMDay, FMDD FMMonth YYYY'),
    to_char(here.starts_at, 'HH24:MI'),
    case when here.starts_at::date <> here.ends_at::date
      then to_char(here.ends_at, 'FMDay, FMDD FMMonth YYYY, ')
      else ''
    end,
    to_char(here.ends_at, 'HH24:MI')
  )
  from (
    select
      window_text.starts_at at time zone window_text.time_zone,
      window_text.ends_at at time zone window_text.time_zone
  ) as here (starts_at, ends_at);
$$;
comment on function app_private.window_text(timestamptz, timestamptz, text) is
  'A span of time in words, by the clocks of a time zone: "Tuesday, 24 November 2026, 09:00 to 17:00", over two lines.';
--! EndIncluded functions/app_private/window_text.sql
--! Included functions/app_private/find_guest_pass.sql
-- A link holds 256 bits, which nobody guesses: one that is right is never refused for the wrong ones that came from the
-- same network, or whoever shares it with a guest could keep them out. The limit is on what is written down.
create or replace function app_private.find_guest_pass(token text) returns uuid
language plpgsql volatile
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_network text := app_private.request_network();
  v_pass_id uuid;
begin
  select guest_pass_tokens.pass_id into v_pass_id
  from app_private.guest_pass_tokens
  where guest_pass_tokens.hash = sha256(convert_to(find_guest_pass.token, 'UTF8'));
  if found then
    return v_pass_id;
  end if;

  -- Looked at first, so that those beyond the limit do not wait for each other.
  if app_private.is_over_limit('pass_link', 'network', v_network)
    or app_private.count_attempt('pass_link', jsonb_build_object('network', v_network)) is not null
  then
    raise exception using
      errcode = 'TMANY',
      message = 'Too many links that do not exist were opened from your network.',
      hint = 'Try again in a quarter of an hour, or from another network.';
  end if;
  return null;
end;
$$;
comment on function app_private.find_guest_pass(text) is
  E'The pass of a token; null where there is none, which is counted.\n\nErrors: `TMANY` when there were too many of those from the network.';
--! EndIncluded functions/app_private/find_guest_pass.sql
--! Included functions/app_hidden/page_pass.sql
-- Changes nothing but the count of wrong links: mail programs and messengers look at a link before anybody presses.
create or replace function app_hidden.page_pass(token text) returns jsonb
language sql volatile
security definer -- a guest has no account, and no rights on anything
set search_path to pg_catalog, public, pg_temp
as $$
  select jsonb_build_object(
    'title', 'Your pass for ' || organizations.name,
    'refresh', case last.state when 'pending' then 1 when 'claimed' then 1 when 'opened' then last.unlock_seconds end,
    'guest', pass.guest_name,
    'host', people.name,
    'organization', organizations.name,
    'office', offices.name,
    'window', app_private.window_text(pass.starts_at, pass.ends_at, offices.time_zone),
    'timeZone', replace(offices.time_zone, '_', ' '),
    'uses', pass.uses,
    'left', pass.uses - pass.used_count,
    'state', jsonb_build_object(
      case
        when pass.revoked_at is not null then 'revoked'
        when pass.ends_at <= now() then 'over'
        when pass.used_count >= pass.uses then 'usedUp'
        when pass.starts_at > now() then 'early'
        else 'open'
      end,
      jsonb_build_object(
        'doors', (
          select jsonb_agg(jsonb_build_object('id', doors.id, 'name', doors.name) order by doors.name, doors.id)
          from app_public.guest_pass_doors
          join app_public.doors on doors.id = guest_pass_doors.door_id
          where guest_pass_doors.pass_id = pass.id
        )
      )
    ),
    'seen', coalesce(last.id::text, ''),
    'last', case when last.is_recent then
      jsonb_build_object('door', last.door, 'reason', last.reason, last.state, true)
    end
  )
  from app_private.find_guest_pass(page_pass.token) as found (id)
  join app_public.guest_passes as pass on pass.id = found.id
  join app_public.organizations on organizations.id = pass.organization_id
  join app_public.offices on offices.id = pass.office_id
  left join app_public.people on people.id = pass.host_id
  left join lateral (
    select
      door_decisions.id,
      coalesce(doors.name, 'The door') as door,
      door_decisions.reason,
      case
        when unlock_commands.id is null then 'denied'
        when unlock_commands.state = 'opened'
          and unlock_commands.finished_at <= clock_timestamp() - make_interval(secs => doors.unlock_seconds)
          then 'shut'
        else unlock_commands.state
      end as state,
      doors.unlock_seconds,
      door_decisions.decided_at > now() - interval '5 minutes' as is_recent
    from app_public.door_decisions
    -- Without the name of a door that the pass is not for, which is not the guest's to know.
    left join app_public.guest_pass_doors
      on guest_pass_doors.pass_id = pass.id and guest_pass_doors.door_id = door_decisions.door_id
    left join app_public.doors on doors.id = guest_pass_doors.door_id
    left join app_public.unlock_commands
      on unlock_commands.pass_id = pass.id and unlock_commands.decision_id = door_decisions.id
    where door_decisions.pass_id = pass.id
    order by door_decisions.decided_at desc, door_decisions.id desc
    limit 1
  ) as last on true;
$$;
grant execute on function app_hidden.page_pass(text) to :ROLE_ANONYMOUS;
comment on function app_hidden.page_pass(text) is
  E'What the page of a guest pass shows: the guest, where and when it lets in, the doors to open, and what came of the last press. Null for a link that is none.\n\n- `token`: what was mailed.\n\nErrors: `TOO_MANY_ATTEMPTS`.';
--! EndIncluded functions/app_hidden/page_pass.sql
--! Included functions/app_hidden/page_pass__submit.sql
-- One press, one attempt: `seen` is the last attempt that the page has shown. A page that is sent again, by a second
-- tap or by reloading, has not seen the attempt that it made the first time, and does nothing. The lock makes of two
-- at once one after the other. Of a door that the pass is not for nothing is recorded: it may be another organization's,
-- whose log is not a guest's to write, and the page would tell that there is such a door.
create or replace function app_hidden.page_pass__submit(token text, form jsonb) returns jsonb
language plpgsql volatile
security definer -- a guest has no account, and no rights on anything
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_pass_id uuid := app_private.find_guest_pass(page_pass__submit.token);
  v_door_id uuid;
  v_wait integer;
begin
  if v_pass_id is null then
    return null;
  end if;
  perform from app_public.guest_passes where guest_passes.id = v_pass_id for no key update;
  select guest_pass_doors.door_id into v_door_id
  from app_public.guest_pass_doors
  where guest_pass_doors.pass_id = v_pass_id
    and guest_pass_doors.door_id::text = page_pass__submit.form ->> 'door';
  if v_door_id is null or page_pass__submit.form ->> 'seen' is distinct from coalesce(
    (
      select door_decisions.id::text
      from app_public.door_decisions
      where door_decisions.pass_id = v_pass_id
      order by door_decisions.decided_at desc, door_decisions.id desc
      limit 1
    ),
    ''
  ) then
    return '{}';
  end if;

  v_wait := app_private.count_attempt('pass_press', jsonb_build_object('code', v_pass_id));
  if v_wait is not null then
    raise exception using
      errcode = 'TMANY',
      message = 'The button was pressed too often.',
      hint = format('Try again in %s minutes.', ceil(v_wait / 60.0));
  end if;
  perform app_private.open_door(v_door_id, null, v_pass_id);
  return '{}';
end;
$$;
grant execute on function app_hidden.page_pass__submit(text, jsonb) to :ROLE_ANONYMOUS;
comment on function app_hidden.page_pass__submit(text, jsonb) is
  E'Asks to open a door with a guest pass, as its page does; what comes of it the page shows. A press that was sent before changes nothing. Null for a link that is none.\n\n- `token`: what was mailed.\n- `form`: `door`, and `seen`, the last attempt that the page has shown.\n\nErrors: `TOO_MANY_ATTEMPTS`.';
--! EndIncluded functions/app_hidden/page_pass__submit.sql
