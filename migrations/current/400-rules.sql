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
--!include functions/app_private/tg__lock_office.sql
create trigger _200_lock_office before insert or update or delete on app_public.access_rules
  for each row execute function app_private.tg__lock_office();
create trigger _200_lock_office before insert or update or delete on app_public.closures
  for each row execute function app_private.tg__lock_office();
create trigger _200_lock_office before insert or update or delete on app_public.lockdowns
  for each row execute function app_private.tg__lock_office();
create or replace trigger _200_lock_office before insert or update or delete on app_public.doors
  for each row execute function app_private.tg__lock_office();
--!include functions/app_private/tg_access_rule_doors__lock_office.sql
create trigger _200_lock_office before insert or update or delete on app_public.access_rule_doors
  for each row execute function app_private.tg_access_rule_doors__lock_office();
--!include functions/app_private/tg_access_rule_doors__same_office.sql
create trigger _201_same_office before insert or update on app_public.access_rule_doors
  for each row execute function app_private.tg_access_rule_doors__same_office();

-- Until now every member could open every door; in offices that are there, that stays so until it is
-- decided otherwise. A new office begins with no rule.
insert into app_public.access_rules (organization_id, office_id, name)
select offices.organization_id, offices.id, 'Members' from app_public.offices;

--!include functions/app_private/decide_door.sql
--!include functions/app_public/what_if.sql

create type app_public.replayed_decision as (
  decision_id uuid, was_allowed boolean, is_allowed boolean, rule text, reason text
);
comment on type app_public.replayed_decision is 'A recorded decision that would be another one today.';
comment on column app_public.replayed_decision.decision_id is 'The decision, as `doorDecision(id:)` finds it.';
comment on column app_public.replayed_decision.was_allowed is 'Whether the rules allowed it then.';
comment on column app_public.replayed_decision.is_allowed is 'Whether it would be by what is in force now.';
comment on column app_public.replayed_decision.rule is 'The rule that would allow it, or null.';
comment on column app_public.replayed_decision.reason is 'Why, in words.';
--!include functions/app_public/replay_decisions.sql

--!include functions/app_public/start_lockdown.sql
--!include functions/app_public/end_lockdown.sql
