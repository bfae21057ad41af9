--! Previous: sha1:c77765489462013ab97b1a9f639cc7b2494bd563
--! Hash: sha1:189d01e3e261e7111c582fea3c8edc954107bd99
--! Message: Export and delete accounts

--! split: 1-current.sql
/*
 * Leaving: a person takes along what is known of them, and goes. And the end of what is kept for a time only.
 */
drop table if exists app_public.account_exports cascade;
drop table if exists app_private.departures cascade;

insert into app_public.security_event_kinds (kind, description, notice) values
  ('export_requested', 'Somebody asked for a copy of everything that is known of the account.', null),
  ('account_deleted', 'The account was deleted.', null)
on conflict (kind) do nothing;

-- No insert: request_account_export makes one. No update and no delete: it ends by itself.
create table app_public.account_exports (
  id uuid primary key default app_hidden.new_id(),
  person_id uuid not null references app_public.people on delete cascade,
  created_at timestamptz not null default now(),
  finished_at timestamptz,
  expires_at timestamptz not null default now() + interval '7 days',
  document jsonb,
  constraint account_exports_finished_with_document_check
    check ((finished_at is null) = (document is null))
);
create index on app_public.account_exports (person_id);
create unique index account_exports_one_under_way_key on app_public.account_exports (person_id)
  where finished_at is null;
create index on app_public.account_exports (expires_at);
alter table app_public.account_exports enable row level security;
create policy select_self on app_public.account_exports for select to :ROLE_PERSON
  using (person_id = (select app_public.current_person_id()) and expires_at > now());
grant select on app_public.account_exports to :ROLE_PERSON;
comment on table app_public.account_exports is 'Copies of everything that is known of a person. You see your own, for seven days.';
comment on column app_public.account_exports.id is 'Identifies the copy.';
comment on column app_public.account_exports.person_id is 'Whom it is about.';
comment on column app_public.account_exports.created_at is 'When it was asked for.';
comment on column app_public.account_exports.finished_at is 'When it was made; null until then.';
comment on column app_public.account_exports.expires_at is 'Until when it can be read.';
comment on column app_public.account_exports.document is 'The copy: a list of rows for each table that speaks of the person; null until it is made.';

-- No foreign key: it outlives the person by one mail, and that mail needs name and address.
create table app_private.departures (
  person_id uuid primary key,
  name text not null,
  address text,
  left_at timestamptz not null default now()
);
create index on app_private.departures (left_at);
alter table app_private.departures enable row level security;
comment on table app_private.departures is 'Who has deleted their account, until that is done and they were told.';
comment on column app_private.departures.person_id is 'Who goes. Nothing is done in their name any more.';
comment on column app_private.departures.name is 'How the farewell addresses them.';
comment on column app_private.departures.address is 'Where it is mailed; null for somebody who had no address.';
comment on column app_private.departures.left_at is 'When they deleted the account.';

-- Only by a token does anybody act as a person, however they sign in; only by a membership does a person
-- count in an organization. Neither begins for somebody who goes.
--! Included functions/app_private/tg__person_stays.sql
-- Locks the person first: one who is deleting their account at this moment is waited for, and seen to have gone.
create or replace function app_private.tg__person_stays() returns trigger
language plpgsql volatile
security definer -- callers have no right to read who goes
set search_path to pg_catalog, public, pg_temp
as $$
begin
  perform from app_public.people where people.id = new.person_id for key share;
  if exists (select from app_private.departures where departures.person_id = new.person_id) then
    raise exception using errcode = 'raise_exception', message = 'This account is being deleted.';
  end if;
  return new;
end;
$$;
comment on function app_private.tg__person_stays() is
  E'Trigger: refuses a row about a person whose account is being deleted.\n\nErrors: `P0001`.';
--! EndIncluded functions/app_private/tg__person_stays.sql
create or replace trigger _200_person_stays before insert on app_private.tokens
  for each row execute function app_private.tg__person_stays();
create or replace trigger _200_person_stays before insert on app_public.memberships
  for each row execute function app_private.tg__person_stays();

-- The log outlives a person, without saying any more who it was.
alter table app_public.door_decisions
  alter column person_id drop not null,
  drop constraint door_decisions_person_id_fkey,
  add constraint door_decisions_person_id_fkey
    foreign key (person_id) references app_public.people on delete set null;
comment on column app_public.door_decisions.person_id is 'Who asked; null once their account is deleted.';
-- Deeper than zero is the end of the person, which reaches here by its foreign key.
create or replace trigger _200_append_only before update on app_public.door_decisions
  for each row when (pg_trigger_depth() = 0) execute function app_private.tg__append_only();

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
    'invitations', (
      select coalesce(jsonb_agg(to_jsonb(invitations) - 'inviter_id' order by invitations.id), '[]')
      from app_public.invitations where invitations.inviter_id = people.id
    ),
    'door_decisions', (
      select coalesce(jsonb_agg(to_jsonb(door_decisions) - 'person_id' order by door_decisions.id), '[]')
      from app_public.door_decisions where door_decisions.person_id = people.id
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
--! Included functions/app_public/request_account_export.sql
create or replace function app_public.request_account_export() returns app_public.account_exports
language plpgsql volatile
security definer -- callers have no right to make exports
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_person_id uuid := app_public.current_person_id();
  v_export app_public.account_exports;
begin
  perform app_private.require_recent_sign_in();
  -- Two requests at once wait for each other here.
  perform from app_public.people where people.id = v_person_id for no key update;

  select * into v_export
  from app_public.account_exports
  where account_exports.person_id = v_person_id
    and account_exports.finished_at is null
    and account_exports.expires_at > now();
  if found then
    return v_export;
  end if;

  if (
    select count(*) from app_public.account_exports
    where account_exports.person_id = v_person_id
      and account_exports.created_at > now() - interval '1 day'
  ) >= 3 then
    raise exception using
      errcode = 'TMANY',
      message = 'There were three exports within a day.',
      hint = 'Read one of those, or ask again tomorrow.';
  end if;

  -- One that was never finished must not be in the way for good.
  delete from app_public.account_exports
  where account_exports.person_id = v_person_id and account_exports.expires_at <= now();
  insert into app_public.account_exports (person_id) values (v_person_id) returning * into v_export;
  perform app_private.record_event(v_person_id, 'export_requested');
  perform graphile_worker.add_job('account_export__make', json_build_object('id', v_export.id));
  return v_export;
end;
$$;
grant execute on function app_public.request_account_export() to :ROLE_PERSON;
comment on function app_public.request_account_export() is
  E'Asks for a copy of everything that is known of you. It is made a moment later: ask for the export again until it has `finishedAt`, or wait for the mail.\n\nWhile one is being made, you get that one.\n\nErrors: `SIGN_IN_AGAIN` without a sign-in of the last ten minutes; `TOO_MANY_ATTEMPTS` after three within a day.';
--! EndIncluded functions/app_public/request_account_export.sql
--! Included functions/app_public/delete_account.sql
-- All that lets somebody act as this person ends here, so that from the next statement on it is as if they
-- had never been. What may take long, letting go of their name in the logs, is left to the job.
--
-- The person is locked `for update`, which waits for whatever is being made in their name, and makes it
-- wait (app_private.tg__person_stays). Memberships before organizations, as in any change of an owner.
--
-- An organization without anybody else goes at once: the time to think again that the deletion of an
-- organization gives is for the other members, and there would be nobody to make use of it.
create or replace function app_public.delete_account() returns boolean
language plpgsql volatile
security definer -- callers have no right to delete people
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_person app_public.people;
  v_owned text;
begin
  perform app_private.require_recent_sign_in();
  select * into v_person from app_public.people where people.id = app_public.current_person_id() for update;
  if v_person.id is null
    or exists (select from app_private.departures where departures.person_id = v_person.id) then
    return false;
  end if;

  perform from app_public.memberships
  where memberships.person_id = v_person.id
  order by memberships.organization_id
  for update;
  perform from app_public.organizations
  where organizations.id in (
    select memberships.organization_id
    from app_public.memberships
    where memberships.person_id = v_person.id and memberships.role = 'owner'
  )
  order by organizations.id
  for update;

  select string_agg(organizations.name, ', ' order by organizations.name) into v_owned
  from app_public.memberships as mine
  join app_public.organizations on organizations.id = mine.organization_id
  where mine.person_id = v_person.id and mine.role = 'owner'
    and exists (
      select from app_public.memberships as other
      where other.organization_id = mine.organization_id and other.person_id <> v_person.id
    )
    and not exists (
      select from app_public.memberships as other
      where other.organization_id = mine.organization_id and other.person_id <> v_person.id
        and other.role = 'owner'
    );
  if v_owned is not null then
    raise exception using
      errcode = 'raise_exception',
      message = format('You are the only owner of: %s.', v_owned),
      hint = 'Make another member an owner, or delete the organization; then delete your account.';
  end if;

  insert into app_private.departures (person_id, name, address)
  select v_person.id, v_person.name, (
    select email_addresses.address
    from app_public.email_addresses
    where email_addresses.person_id = v_person.id
    order by email_addresses.is_primary desc, email_addresses.id
    limit 1
  );
  delete from app_public.organizations
  where organizations.id in (
    select mine.organization_id
    from app_public.memberships as mine
    where mine.person_id = v_person.id
      and not exists (
        select from app_public.memberships as other
        where other.organization_id = mine.organization_id and other.person_id <> v_person.id
      )
  );
  delete from app_public.memberships where memberships.person_id = v_person.id;
  perform app_private.forget_codes(v_person.id);
  delete from app_public.email_addresses where email_addresses.person_id = v_person.id;
  delete from app_private.passwords where passwords.person_id = v_person.id;
  delete from app_public.open_id_accounts where open_id_accounts.person_id = v_person.id;
  delete from app_public.api_keys where api_keys.person_id = v_person.id;
  delete from app_public.sessions where sessions.person_id = v_person.id;

  perform app_private.record_event(v_person.id, 'account_deleted');
  perform graphile_worker.add_job('person__delete', json_build_object('personId', v_person.id));
  return true;
end;
$$;
grant execute on function app_public.delete_account() to :ROLE_PERSON;
comment on function app_public.delete_account() is
  E'Deletes your account for good: you are signed out everywhere, your API keys end, you leave your organizations, and those that have nobody else are deleted. What others must keep, such as the log of a door, no longer says who you were. You are told by mail when it is done.\n\nThe result is false when it is being deleted already.\n\nErrors: `SIGN_IN_AGAIN` without a sign-in of the last ten minutes; `REFUSED` while you are the only owner of an organization with other members, naming it.';
--! EndIncluded functions/app_public/delete_account.sql

-- Retention. Each purge takes a batch: a table that has grown large is no long transaction.
--! Included functions/app_private/purge_account_exports.sql
-- Fewer at a time than elsewhere: a document may be large.
create or replace function app_private.purge_account_exports() returns bigint
language sql volatile
as $$
  with purged as (
    delete from app_public.account_exports
    where id in (select account_exports.id from app_public.account_exports where expires_at <= now() limit 1000)
    returning 1
  )
  select count(*) from purged;
$$;
comment on function app_private.purge_account_exports() is
  'Removes up to 1,000 copies for people whose time is over, and returns how many there were.';
--! EndIncluded functions/app_private/purge_account_exports.sql
--! Included functions/app_private/purge_attempts.sql
create or replace function app_private.purge_attempts() returns bigint
language sql volatile
as $$
  with purged as (
    delete from app_private.attempts
    where id in (
      select attempts.id
      from app_private.attempts
      where attempts.attempted_at <= now() - (select max(attempt_limits.span) from app_private.attempt_limits)
      limit 10000
    )
    returning 1
  )
  select count(*) from purged;
$$;
comment on function app_private.purge_attempts() is
  'Removes up to 10,000 attempts that no limit looks back on, and returns how many there were.';
--! EndIncluded functions/app_private/purge_attempts.sql
--! Included functions/app_private/purge_departures.sql
-- Not while the person is still there: then the job that removes them has failed, and an operator is to look.
create or replace function app_private.purge_departures() returns bigint
language sql volatile
as $$
  with purged as (
    delete from app_private.departures
    where person_id in (
      select departures.person_id
      from app_private.departures
      where departures.left_at <= now() - interval '7 days'
        and not exists (select from app_public.people where people.id = departures.person_id)
      limit 10000
    )
    returning 1
  )
  select count(*) from purged;
$$;
comment on function app_private.purge_departures() is
  'Forgets up to 10,000 people who left a week ago and could not be told by mail, and returns how many there were.';
--! EndIncluded functions/app_private/purge_departures.sql
--! Included functions/app_private/purge_expired_sessions.sql
create or replace function app_private.purge_expired_sessions() returns bigint
language sql volatile
as $$
  with purged_sessions as (
    delete from app_public.sessions
    where id in (select sessions.id from app_public.sessions where expires_at <= now() limit 10000)
    returning 1
  ),
  purged_keys as (
    delete from app_public.api_keys
    where id in (select api_keys.id from app_public.api_keys where expires_at <= now() limit 10000)
    returning 1
  )
  select (select count(*) from purged_sessions) + (select count(*) from purged_keys);
$$;
comment on function app_private.purge_expired_sessions() is
  'Removes up to 10,000 sessions and as many API keys that have ended, and returns how many there were.';
--! EndIncluded functions/app_private/purge_expired_sessions.sql
--! Included functions/app_private/purge_mail_codes.sql
create or replace function app_private.purge_mail_codes() returns bigint
language sql volatile
as $$
  with purged as (
    delete from app_private.mail_codes
    where id in (select mail_codes.id from app_private.mail_codes where expires_at <= now() limit 10000)
    returning 1
  )
  select count(*) from purged;
$$;
comment on function app_private.purge_mail_codes() is
  'Removes up to 10,000 mailed codes that have expired, and returns how many there were.';
--! EndIncluded functions/app_private/purge_mail_codes.sql
--! Included functions/app_private/purge_security_events.sql
create or replace function app_private.purge_security_events(keep interval) returns bigint
language sql volatile
as $$
  with purged as (
    delete from app_public.security_events
    where id in (
      select security_events.id
      from app_public.security_events
      where security_events.created_at <= now() - purge_security_events.keep
      limit 10000
    )
    returning 1
  )
  select count(*) from purged;
$$;
comment on function app_private.purge_security_events(interval) is
  'Removes up to 10,000 lines of the security log that are older, and returns how many there were.';
--! EndIncluded functions/app_private/purge_security_events.sql
