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
--!include functions/app_private/tg__person_stays.sql
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

--!include functions/app_private/person_document.sql
--!include functions/app_public/request_account_export.sql
--!include functions/app_public/delete_account.sql

-- Retention. Each purge takes a batch: a table that has grown large is no long transaction.
--!include functions/app_private/purge_account_exports.sql
--!include functions/app_private/purge_attempts.sql
--!include functions/app_private/purge_departures.sql
--!include functions/app_private/purge_expired_sessions.sql
--!include functions/app_private/purge_mail_codes.sql
--!include functions/app_private/purge_security_events.sql
