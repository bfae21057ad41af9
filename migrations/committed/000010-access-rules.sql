--! Previous: sha1:189d01e3e261e7111c582fea3c8edc954107bd99
--! Hash: sha1:f406996bcde8085fbc0369d454676c67fc1e3295
--! Message: access rules

--! split: 1-current.sql
/*
 * Who may open which door, and when: rules, the days on which an office is closed, lockdowns, and the one
 * function that decides by them.
 */
drop function if exists app_public.replay_decisions(uuid, timestamptz);
drop function if exists app_public.what_if(uuid, timestamptz);
drop function if exists app_public.end_lockdown(uuid);
drop function if exists app_public.start_lockdown(uuid, text);
drop function if exists app_private.decide_door(uuid, uuid);
drop function if exists app_private.decide_door(uuid, uuid, timestamptz);
drop type if exists app_public.replayed_decision;
drop table if exists
  app_public.access_rule_doors, app_public.access_rules, app_public.closures, app_public.lockdowns cascade;

-- A rule adds to what is allowed and never takes away, so that their order does not matter. One for a
-- member goes with the membership: left behind, it would be for everybody.
create table app_public.access_rules (
  organization_id uuid not null,
  id uuid not null default app_hidden.new_id() unique,
  office_id uuid not null,
  name text not null check (length(name) <= 100 and trim(name) <> ''),
  role text references app_public.membership_roles on delete restrict,
  membership_id uuid,
  is_whole_office boolean not null default true,
  weekdays smallint[] not null default '{1,2,3,4,5,6,7}'
    check (weekdays <@ '{1,2,3,4,5,6,7}' and cardinality(weekdays) between 1 and 7),
  starts_at time not null default '00:00' check (starts_at < '24:00'),
  ends_at time not null default '24:00',
  valid_from date,
  valid_until date,
  holds_on_closures boolean not null default false,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (organization_id, id),
  foreign key (organization_id, office_id) references app_public.offices (organization_id, id)
    on delete cascade,
  foreign key (organization_id, membership_id) references app_public.memberships (organization_id, id)
    on delete cascade,
  constraint access_rules_window_not_empty_check check (starts_at <> ends_at),
  constraint access_rules_validity_ordered_check check (valid_from <= valid_until)
);
create index on app_public.access_rules (organization_id, office_id);
create index on app_public.access_rules (organization_id, membership_id);
create index on app_public.access_rules (role);
alter table app_public.access_rules enable row level security;
create policy select_member on app_public.access_rules for select to :ROLE_PERSON
  using (organization_id = any (array(select app_hidden.my_organization_ids())));
create policy insert_manager on app_public.access_rules for insert to :ROLE_PERSON
  with check (organization_id = any (array(select app_hidden.my_managed_organization_ids())));
create policy update_manager on app_public.access_rules for update to :ROLE_PERSON
  using (organization_id = any (array(select app_hidden.my_managed_organization_ids())));
create policy delete_manager on app_public.access_rules for delete to :ROLE_PERSON
  using (organization_id = any (array(select app_hidden.my_managed_organization_ids())));
grant select, delete on app_public.access_rules to :ROLE_PERSON;
grant insert (
  organization_id, office_id, name, role, membership_id, is_whole_office, weekdays, starts_at, ends_at,
  valid_from, valid_until, holds_on_closures
) on app_public.access_rules to :ROLE_PERSON;
grant update (
  name, role, membership_id, is_whole_office, weekdays, starts_at, ends_at, valid_from, valid_until,
  holds_on_closures
) on app_public.access_rules to :ROLE_PERSON;
comment on table app_public.access_rules is 'Whom an office lets in, through which doors and when. What no rule allows is denied. Members see the rules, managers change them.';
comment on column app_public.access_rules.organization_id is 'Whose rule it is.';
comment on column app_public.access_rules.id is 'Identifies the rule.';
comment on column app_public.access_rules.office_id is 'The office that it is about.';
comment on column app_public.access_rules.name is 'What it is called, 1 to 100 characters. Whoever is let in by it reads this.';
comment on column app_public.access_rules.role is 'Only members of exactly this role; null for any.';
comment on column app_public.access_rules.membership_id is 'Only this member; null for any. The rule goes when the membership does.';
comment on column app_public.access_rules.is_whole_office is 'Whether it is about every door of the office, also those to come; if not, about those of its `accessRuleDoors`.';
comment on column app_public.access_rules.weekdays is 'The days on which its window begins, from 1, Monday, to 7, Sunday.';
comment on column app_public.access_rules.starts_at is 'When its window begins, by the clocks of the office.';
comment on column app_public.access_rules.ends_at is 'When its window ends; that moment is not in it any more. Before `startsAt`, it is that of the next day. `24:00` is midnight.';
comment on column app_public.access_rules.valid_from is 'The first day on which its window begins; null for no first one.';
comment on column app_public.access_rules.valid_until is 'The last day on which its window begins; null for no last one.';
comment on column app_public.access_rules.holds_on_closures is 'Whether it lets in while the office is closed, too.';
comment on column app_public.access_rules.created_at is 'When it was made.';
comment on column app_public.access_rules.updated_at is 'When this last changed.';
create trigger _100_stamps before insert or update on app_public.access_rules
  for each row execute function app_private.tg__stamps();

-- No update: another door is another row.
create table app_public.access_rule_doors (
  organization_id uuid not null,
  rule_id uuid not null,
  door_id uuid not null,
  primary key (organization_id, rule_id, door_id),
  foreign key (organization_id, rule_id) references app_public.access_rules (organization_id, id)
    on delete cascade,
  foreign key (organization_id, door_id) references app_public.doors (organization_id, id)
    on delete cascade
);
create index on app_public.access_rule_doors (organization_id, door_id);
alter table app_public.access_rule_doors enable row level security;
create policy select_member on app_public.access_rule_doors for select to :ROLE_PERSON
  using (organization_id = any (array(select app_hidden.my_organization_ids())));
create policy insert_manager on app_public.access_rule_doors for insert to :ROLE_PERSON
  with check (organization_id = any (array(select app_hidden.my_managed_organization_ids())));
create policy delete_manager on app_public.access_rule_doors for delete to :ROLE_PERSON
  using (organization_id = any (array(select app_hidden.my_managed_organization_ids())));
grant select, delete on app_public.access_rule_doors to :ROLE_PERSON;
grant insert (organization_id, rule_id, door_id) on app_public.access_rule_doors to :ROLE_PERSON;
comment on table app_public.access_rule_doors is 'The doors of a rule that is not about the whole office. Members see them, managers change them.';
comment on column app_public.access_rule_doors.organization_id is 'Whose rule and door they are.';
comment on column app_public.access_rule_doors.rule_id is 'The rule.';
comment on column app_public.access_rule_doors.door_id is 'A door of the same office.';

create table app_public.closures (
  organization_id uuid not null,
  id uuid not null default app_hidden.new_id() unique,
  office_id uuid not null,
  name text not null check (length(name) <= 100 and trim(name) <> ''),
  starts_on date not null,
  ends_on date not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (organization_id, id),
  foreign key (organization_id, office_id) references app_public.offices (organization_id, id)
    on delete cascade,
  constraint closures_days_ordered_check check (starts_on <= ends_on)
);
create index on app_public.closures (organization_id, office_id);
alter table app_public.closures enable row level security;
create policy select_member on app_public.closures for select to :ROLE_PERSON
  using (organization_id = any (array(select app_hidden.my_organization_ids())));
create policy insert_manager on app_public.closures for insert to :ROLE_PERSON
  with check (organization_id = any (array(select app_hidden.my_managed_organization_ids())));
create policy update_manager on app_public.closures for update to :ROLE_PERSON
  using (organization_id = any (array(select app_hidden.my_managed_organization_ids())));
create policy delete_manager on app_public.closures for delete to :ROLE_PERSON
  using (organization_id = any (array(select app_hidden.my_managed_organization_ids())));
grant select, delete on app_public.closures to :ROLE_PERSON;
grant insert (organization_id, office_id, name, starts_on, ends_on) on app_public.closures to :ROLE_PERSON;
grant update (name, starts_on, ends_on) on app_public.closures to :ROLE_PERSON;
comment on table app_public.closures is 'Days on which an office is closed, such as holidays: only rules that hold on closures let anybody in. Members see them, managers change them.';
comment on column app_public.closures.organization_id is 'Whose closure it is.';
comment on column app_public.closures.id is 'Identifies the closure.';
comment on column app_public.closures.office_id is 'The office that is closed.';
comment on column app_public.closures.name is 'Why, 1 to 100 characters. Whoever is denied reads this.';
comment on column app_public.closures.starts_on is 'The first day, from its midnight on by the clocks of the office.';
comment on column app_public.closures.ends_on is 'The last day, to its end.';
comment on column app_public.closures.created_at is 'When it was made.';
comment on column app_public.closures.updated_at is 'When this last changed.';
create trigger _100_stamps before insert or update on app_public.closures
  for each row execute function app_private.tg__stamps();

-- No insert and no update: start_lockdown and end_lockdown do it. No delete: decisions speak of them.
create table app_public.lockdowns (
  organization_id uuid not null,
  id uuid not null default app_hidden.new_id() unique,
  office_id uuid not null,
  reason text not null check (length(reason) <= 200 and trim(reason) <> ''),
  started_by uuid default app_public.current_person_id() references app_public.people on delete set null,
  started_at timestamptz not null default now(),
  ended_by uuid references app_public.people on delete set null,
  ended_at timestamptz,
  primary key (organization_id, id),
  foreign key (organization_id, office_id) references app_public.offices (organization_id, id)
    on delete cascade,
  constraint lockdowns_moments_ordered_check check (started_at <= ended_at)
);
create index on app_public.lockdowns (organization_id, office_id);
create unique index lockdowns_one_under_way_key on app_public.lockdowns (office_id) where ended_at is null;
create index on app_public.lockdowns (started_by);
create index on app_public.lockdowns (ended_by);
alter table app_public.lockdowns enable row level security;
create policy select_member on app_public.lockdowns for select to :ROLE_PERSON
  using (organization_id = any (array(select app_hidden.my_organization_ids())));
grant select on app_public.lockdowns to :ROLE_PERSON;
comment on table app_public.lockdowns is 'Times in which an office let nobody in, whatever its rules say. Going out is never prevented. Members see them, managers start and end them.';
comment on column app_public.lockdowns.organization_id is 'Whose lockdown it is.';
comment on column app_public.lockdowns.id is 'Identifies the lockdown.';
comment on column app_public.lockdowns.office_id is 'The office.';
comment on column app_public.lockdowns.reason is 'Why, 1 to 200 characters. Whoever is denied reads this.';
comment on column app_public.lockdowns.started_by is 'Who started it; null once their account is deleted.';
comment on column app_public.lockdowns.started_at is 'When it began.';
comment on column app_public.lockdowns.ended_by is 'Who ended it; null until then, and once their account is deleted.';
comment on column app_public.lockdowns.ended_at is 'When it ended; null while it is under way.';

-- A new time zone locks the office's row by being written there.
--! Included functions/app_private/tg__lock_office.sql
-- Whoever lets somebody in holds the office's row `for share` while deciding. So a change and a decision
-- wait for each other, and whichever commits first counts. That is a promise of read committed alone: an
-- older snapshot does not show the change that was waited for.
--
-- With the caller's rights: whoever may change what decides may change the office, and nobody else can
-- hold it up.
create or replace function app_private.tg__lock_office() returns trigger
language plpgsql volatile
set search_path to pg_catalog, public, pg_temp
as $$
begin
  perform
  from app_public.offices
  where offices.id in (old.office_id, new.office_id)
  order by offices.id
  for no key update;
  return coalesce(new, old);
end;
$$;
comment on function app_private.tg__lock_office() is
  'Trigger: locks the office that a row decides about, so that the change and a decision wait for each other.';
--! EndIncluded functions/app_private/tg__lock_office.sql
create trigger _200_lock_office before insert or update or delete on app_public.access_rules
  for each row execute function app_private.tg__lock_office();
create trigger _200_lock_office before insert or update or delete on app_public.closures
  for each row execute function app_private.tg__lock_office();
create trigger _200_lock_office before insert or update or delete on app_public.lockdowns
  for each row execute function app_private.tg__lock_office();
create or replace trigger _200_lock_office before insert or update or delete on app_public.doors
  for each row execute function app_private.tg__lock_office();
--! Included functions/app_private/tg_access_rule_doors__lock_office.sql
-- See tg__lock_office. When the rule goes, its own trigger has locked the office.
create or replace function app_private.tg_access_rule_doors__lock_office() returns trigger
language plpgsql volatile
set search_path to pg_catalog, public, pg_temp
as $$
begin
  perform
  from app_public.access_rules
  join app_public.offices on offices.id = access_rules.office_id
  where access_rules.id in (old.rule_id, new.rule_id)
  order by offices.id
  for no key update of offices;
  return coalesce(new, old);
end;
$$;
comment on function app_private.tg_access_rule_doors__lock_office() is
  'Trigger: locks the office of the rule, so that the change and a decision wait for each other.';
--! EndIncluded functions/app_private/tg_access_rule_doors__lock_office.sql
create trigger _200_lock_office before insert or update or delete on app_public.access_rule_doors
  for each row execute function app_private.tg_access_rule_doors__lock_office();
--! Included functions/app_private/tg_access_rule_doors__same_office.sql
-- What the caller cannot see the foreign keys refuse.
create or replace function app_private.tg_access_rule_doors__same_office() returns trigger
language plpgsql stable
set search_path to pg_catalog, public, pg_temp
as $$
begin
  if exists (
    select
    from app_public.access_rules
    join app_public.doors on doors.id = new.door_id and doors.office_id <> access_rules.office_id
    where access_rules.id = new.rule_id
  ) then
    raise exception using
      errcode = 'invalid_parameter_value',
      message = 'That door leads into another office.',
      hint = 'A rule is about doors of its own office.',
      column = 'door_id';
  end if;
  return new;
end;
$$;
comment on function app_private.tg_access_rule_doors__same_office() is
  E'Trigger: refuses a door of another office than the rule''s.\n\nErrors: `22023`.';
--! EndIncluded functions/app_private/tg_access_rule_doors__same_office.sql
create trigger _201_same_office before insert or update on app_public.access_rule_doors
  for each row execute function app_private.tg_access_rule_doors__same_office();

-- Until now every member could open every door; in offices that are there, that stays so until it is
-- decided otherwise. A new office begins with no rule.
insert into app_public.access_rules (organization_id, office_id, name)
select offices.organization_id, offices.id, 'Members' from app_public.offices;

--! Included functions/app_private/decide_door.sql
-- The one place that says who may open a door. It records nothing: asking alone changes nothing.
--
-- Whoever lets somebody in by the answer asks with the clock of that moment, in a statement of its own after
-- having locked the membership and then the office `for share`.
create or replace function app_private.decide_door(
  door_id uuid, person_id uuid, at timestamptz default clock_timestamp()
)
returns app_public.door_answer
language sql stable
as $$
  select coalesce(
    (
      select case
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
      join app_public.memberships
        on memberships.organization_id = doors.organization_id
        and memberships.person_id = decide_door.person_id
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
    ),
    (
      false, null, 'There is no such door, or you are not a member of its organization.'
    )::app_public.door_answer
  );
$$;
comment on function app_private.decide_door(uuid, uuid, timestamptz) is
  E'Whether a person may open a door at a moment, by which rule, and why. The first of these that applies:\n\n1. No such door, or the person is no member of its organization today: denied, with one reason for both.\n2. A lockdown of the office at that moment, from its start on and up to its end; one under way has no end: denied.\n3. A rule of the office: allowed. Of several, the answer names the oldest, by id.\n4. A closure of the office on that day: denied. Of several, the answer names the oldest.\n5. Otherwise denied; so is a moment that is null or infinite.\n\nA rule applies if all of this is so:\n\n- Role and member are those of the rule, where it names any; exactly that role, not a higher one.\n- It is about the whole office, or about this door.\n- The moment lies in its window: on a day from `valid_from` to `valid_until` that is one of `weekdays`, from `starts_at` on and up to `ends_at`; up to that time of the next day if `ends_at` is before `starts_at`. The part behind midnight belongs to the day on which the window began.\n- That day is no closure, or the rule holds on closures. Closures go by the day of the moment, not by the one on which the window began: a closed day ends a night that reaches into it.\n\nDays and times are those on the clocks of the office. A moment has exactly one time there, a time not always one moment: when clocks are put back, a window that lies in the hour shown twice lets in twice; when they are put forward, one that lies in the hour left out lets nobody in on that day.\n\nAll of it is as of the moment that is asked about, apart from the rules themselves and the memberships, which are today''s.';
--! EndIncluded functions/app_private/decide_door.sql
--! Included functions/app_public/what_if.sql
create or replace function app_public.what_if(door_id uuid, at timestamptz default now())
returns app_public.door_answer
language sql stable
security definer -- nobody may ask about others
set search_path to pg_catalog, public, pg_temp
as $$
  select app_private.decide_door(what_if.door_id, app_public.current_person_id(), what_if.at);
$$;
grant execute on function app_public.what_if(uuid, timestamptz) to :ROLE_PERSON;
comment on function app_public.what_if(uuid, timestamptz) is
  E'Whether you could open a door at some moment, by the rules, closures and lockdowns that are known now. Nothing opens and nothing is recorded.\n\n- `doorId`: the door.\n- `at`: the moment; now if left out. At none at all, null, nobody is let in.';
--! EndIncluded functions/app_public/what_if.sql

create type app_public.replayed_decision as (
  decision_id uuid, was_allowed boolean, is_allowed boolean, rule text, reason text
);
comment on type app_public.replayed_decision is 'A recorded decision that would be another one today.';
comment on column app_public.replayed_decision.decision_id is 'The decision, as `doorDecision(id:)` finds it.';
comment on column app_public.replayed_decision.was_allowed is 'Whether the rules allowed it then.';
comment on column app_public.replayed_decision.is_allowed is 'Whether it would be by what is in force now.';
comment on column app_public.replayed_decision.rule is 'The rule that would allow it, or null.';
comment on column app_public.replayed_decision.reason is 'Why, in words.';
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
    and door_decisions.person_id is not null
    and answer.is_allowed <> past.was_allowed
  order by door_decisions.decided_at desc, door_decisions.id;
end;
$$;
grant execute on function app_public.replay_decisions(uuid, timestamptz) to :ROLE_PERSON;
comment on function app_public.replay_decisions(uuid, timestamptz) is
  E'Which of the recorded attempts to open a door of an office would go differently by the rules, closures and members of today, the latest first. So a manager sees what a change would have meant. Attempts of deleted accounts are left out.\n\n- `officeId`: an office that you manage.\n- `since`: from when on, at most a month back.\n\nErrors: `NOT_FOUND`; `BAD_USER_INPUT` naming `since`.';
--! EndIncluded functions/app_public/replay_decisions.sql

--! Included functions/app_public/start_lockdown.sql
-- It counts from the start of its transaction, and up to the moment that it is ended: in doubt the door
-- stays shut.
create or replace function app_public.start_lockdown(office_id uuid, reason text) returns app_public.lockdowns
language plpgsql volatile
security definer -- callers have no right to write lockdowns
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_organization_id uuid;
  v_lockdown app_public.lockdowns;
begin
  select offices.organization_id into v_organization_id
  from app_public.offices
  where offices.id = start_lockdown.office_id
    and offices.organization_id = any (array(select app_hidden.my_managed_organization_ids()))
  for no key update;
  if not found then
    raise exception using
      errcode = 'NTFND',
      message = 'There is no such office, or you do not manage it.',
      column = 'office_id';
  end if;

  select * into v_lockdown
  from app_public.lockdowns
  where lockdowns.organization_id = v_organization_id
    and lockdowns.office_id = start_lockdown.office_id
    and lockdowns.ended_at is null;
  if not found then
    insert into app_public.lockdowns (organization_id, office_id, reason)
    values (v_organization_id, start_lockdown.office_id, start_lockdown.reason)
    returning * into v_lockdown;
  end if;
  return v_lockdown;
end;
$$;
grant execute on function app_public.start_lockdown(uuid, text) to :ROLE_PERSON;
comment on function app_public.start_lockdown(uuid, text) is
  E'Has the doors of an office let nobody in, whatever its rules say, until the lockdown is ended. If one is under way already, that one is the result and stays as it is. Going out is never prevented.\n\n- `officeId`: an office that you manage.\n- `reason`: why, 1 to 200 characters; members see it.\n\nErrors: `NOT_FOUND`.';
--! EndIncluded functions/app_public/start_lockdown.sql
--! Included functions/app_public/end_lockdown.sql
create or replace function app_public.end_lockdown(office_id uuid) returns app_public.lockdowns
language plpgsql volatile
security definer -- callers have no right to write lockdowns
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_organization_id uuid;
  v_lockdown app_public.lockdowns;
begin
  select offices.organization_id into v_organization_id
  from app_public.offices
  where offices.id = end_lockdown.office_id
    and offices.organization_id = any (array(select app_hidden.my_managed_organization_ids()))
  for no key update;
  if not found then
    raise exception using
      errcode = 'NTFND',
      message = 'There is no such office, or you do not manage it.',
      column = 'office_id';
  end if;

  update app_public.lockdowns
  set ended_at = clock_timestamp(), ended_by = app_public.current_person_id()
  where lockdowns.organization_id = v_organization_id
    and lockdowns.office_id = end_lockdown.office_id
    and lockdowns.ended_at is null
  returning * into v_lockdown;
  if not found then
    return null;
  end if;
  return v_lockdown;
end;
$$;
grant execute on function app_public.end_lockdown(uuid) to :ROLE_PERSON;
comment on function app_public.end_lockdown(uuid) is
  E'Ends the lockdown of an office: its rules count again. The result is null if none is under way.\n\n- `officeId`: an office that you manage.\n\nErrors: `NOT_FOUND`.';
--! EndIncluded functions/app_public/end_lockdown.sql
