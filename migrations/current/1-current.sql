/*
 * Accounts that a product can keep: proven addresses, mailed codes, sessions and keys that their owner
 * sees and ends, a log of what touches an account's safety, and limits on guessing.
 */
drop function if exists app_public.sign_up(text, text, text);
drop table if exists app_public.security_events, app_public.security_event_kinds cascade;
drop table if exists app_private.attempts, app_private.attempt_limits, app_private.mail_codes cascade;
drop type if exists app_public.sent_code, app_public.new_api_key cascade;

--!include functions/app_private/request_fact.sql
--!include functions/app_private/request_network.sql
--!include functions/app_private/request_region.sql
--!include functions/app_private/request_client.sql

-- The security log.

create table app_public.security_event_kinds (
  kind text primary key,
  description text not null,
  notice text
);
alter table app_public.security_event_kinds enable row level security;
create policy select_anyone on app_public.security_event_kinds for select
  to :ROLE_AUTHENTICATOR, :ROLE_ANONYMOUS, :ROLE_PERSON, :ROLE_DEVICE
  using (true);
grant select on app_public.security_event_kinds
  to :ROLE_AUTHENTICATOR, :ROLE_ANONYMOUS, :ROLE_PERSON, :ROLE_DEVICE;
comment on table app_public.security_event_kinds is 'What the security log tells of.';
comment on column app_public.security_event_kinds.kind is 'Its name.';
comment on column app_public.security_event_kinds.description is 'What has happened.';
comment on column app_public.security_event_kinds.notice is 'What the mail says that tells the person at once; null where none is sent.';
insert into app_public.security_event_kinds (kind, description, notice) values
  ('signed_up', 'The account was made.', null),
  ('signed_in', 'Somebody signed in.', null),
  ('sign_in_refused', 'Somebody tried to sign in and was refused.', null),
  ('session_ended', 'A session was signed out.', null),
  ('password_changed', 'The password was changed.', 'Your password was changed'),
  ('address_added', 'An address was added.', 'An address was added to your account'),
  ('address_made_primary', 'Mail goes to another address now.', 'Your mail goes to another address now'),
  ('address_removed', 'An address was removed.', 'An address was removed from your account'),
  ('api_key_made', 'An API key was made.', 'An API key was made for your account'),
  ('api_key_ended', 'An API key was deleted.', null);

-- Written by functions alone, and read only. The person is let go of when the account is deleted.
create table app_public.security_events (
  id uuid primary key default app_hidden.new_id(),
  person_id uuid references app_public.people on delete set null,
  kind text not null references app_public.security_event_kinds on delete restrict,
  organization_id uuid references app_public.organizations on delete set null,
  detail text,
  request_id text,
  client text,
  network text,
  created_at timestamptz not null default now()
);
create index on app_public.security_events (person_id);
create index on app_public.security_events (kind);
create index on app_public.security_events (organization_id);
create index on app_public.security_events (created_at);
alter table app_public.security_events enable row level security;
create policy select_self on app_public.security_events for select to :ROLE_PERSON
  using (person_id = (select app_public.current_person_id()));
grant select on app_public.security_events to :ROLE_PERSON;
comment on table app_public.security_events is 'What has happened to the safety of an account. You see what concerns yours.';
comment on column app_public.security_events.id is 'Identifies the event.';
comment on column app_public.security_events.person_id is 'Whose account it concerns; null where it is nobody''s, or the account is gone.';
comment on column app_public.security_events.kind is 'What has happened.';
comment on column app_public.security_events.organization_id is 'The organization it was about, or null.';
comment on column app_public.security_events.detail is 'Which or how: the address, the name of the key or session, the way of signing in; or null.';
comment on column app_public.security_events.request_id is 'The request that it happened in.';
comment on column app_public.security_events.client is 'The kind of program it was done with, such as "Firefox on Linux".';
comment on column app_public.security_events.network is 'Roughly from where: a network of some hundred addresses.';
comment on column app_public.security_events.created_at is 'When.';
-- Deeper than zero is the end of the person or of the organization. Deleting is left to the retention.
create trigger _200_append_only before update on app_public.security_events
  for each row when (pg_trigger_depth() = 0) execute function app_private.tg__append_only();
--!include functions/app_private/tg_security_events__notify.sql
create trigger _800_notify after insert on app_public.security_events
  for each row execute function app_private.tg_security_events__notify();
--!include functions/app_private/record_event.sql
--!include functions/app_private/purge_security_events.sql
--!include functions/app_private/tg_people__anonymize.sql
create or replace trigger _500_anonymize before delete on app_public.people
  for each row execute function app_private.tg_people__anonymize();

-- In words for whoever breaks them.
comment on constraint people_name_check on app_public.people is 'A name has 1 to 100 characters.';
comment on constraint organizations_name_check on app_public.organizations is 'A name has 1 to 100 characters.';
comment on constraint offices_name_check on app_public.offices is 'A name has 1 to 100 characters.';
comment on constraint doors_name_check on app_public.doors is 'A name has 1 to 100 characters.';

-- One address is where mail goes. All of them are proven: a row begins with a code that was mailed there.
alter table app_public.email_addresses add column if not exists is_primary boolean not null default false;
update app_public.email_addresses set is_primary = true
where not exists (
  select from app_public.email_addresses as earlier
  where earlier.person_id = email_addresses.person_id
    and (earlier.id < email_addresses.id or earlier.is_primary)
);
drop index if exists app_public.email_addresses_person_id_idx1;
create unique index on app_public.email_addresses (person_id) where is_primary;
comment on table app_public.email_addresses is 'Where a person is reached and what they sign in with; each was proven by a mailed code. You see your own.';
comment on column app_public.email_addresses.is_primary is 'Whether mail goes to this one.';

-- Sessions and keys, which their owner sees and ends, and apart from them their tokens, which nobody sees.

create table if not exists app_public.sessions (
  id uuid primary key default app_hidden.new_id(),
  person_id uuid not null references app_public.people on delete cascade,
  name text check (length(name) <= 100 and trim(name) <> ''),
  client text,
  network text,
  created_at timestamptz not null default now(),
  last_used_at timestamptz not null default now(),
  expires_at timestamptz not null default now() + interval '30 days'
);
create index if not exists sessions_person_id_idx on app_public.sessions (person_id);
create index if not exists sessions_expires_at_idx on app_public.sessions (expires_at);
alter table app_public.sessions enable row level security;
drop policy if exists select_self on app_public.sessions;
create policy select_self on app_public.sessions for select to :ROLE_PERSON
  using (person_id = (select app_public.current_person_id()));
drop policy if exists update_self on app_public.sessions;
create policy update_self on app_public.sessions for update to :ROLE_PERSON
  using (person_id = (select app_public.current_person_id()));
drop policy if exists delete_self on app_public.sessions;
create policy delete_self on app_public.sessions for delete to :ROLE_PERSON
  using (person_id = (select app_public.current_person_id()));
-- No insert: a session begins by signing in.
grant select, delete on app_public.sessions to :ROLE_PERSON;
grant update (name) on app_public.sessions to :ROLE_PERSON;
comment on table app_public.sessions is 'Where you are signed in. Deleting one signs it out at once.';
comment on column app_public.sessions.id is 'Identifies the session.';
comment on column app_public.sessions.person_id is 'Who is signed in.';
comment on column app_public.sessions.name is 'What you call it, 1 to 100 characters, or null.';
comment on column app_public.sessions.client is 'The kind of program that signed in, such as "Firefox on Linux".';
comment on column app_public.sessions.network is 'Roughly from where it signed in: a network of some hundred addresses.';
comment on column app_public.sessions.created_at is 'When it began.';
comment on column app_public.sessions.last_used_at is 'When it was last used, to about a minute.';
comment on column app_public.sessions.expires_at is 'When it ends by itself.';
comment on constraint sessions_name_check on app_public.sessions is 'A name has 1 to 100 characters.';

create table if not exists app_public.api_keys (
  id uuid primary key default app_hidden.new_id(),
  person_id uuid not null references app_public.people on delete cascade,
  name text not null check (length(name) <= 100 and trim(name) <> ''),
  starts_with text not null,
  can_write boolean not null,
  created_at timestamptz not null default now(),
  last_used_at timestamptz,
  expires_at timestamptz not null
);
create index if not exists api_keys_person_id_idx on app_public.api_keys (person_id);
create index if not exists api_keys_expires_at_idx on app_public.api_keys (expires_at);
alter table app_public.api_keys enable row level security;
drop policy if exists select_self on app_public.api_keys;
create policy select_self on app_public.api_keys for select to :ROLE_PERSON
  using (person_id = (select app_public.current_person_id()));
drop policy if exists update_self on app_public.api_keys;
create policy update_self on app_public.api_keys for update to :ROLE_PERSON
  using (person_id = (select app_public.current_person_id()));
drop policy if exists delete_self on app_public.api_keys;
create policy delete_self on app_public.api_keys for delete to :ROLE_PERSON
  using (person_id = (select app_public.current_person_id()));
-- No insert: create_api_key makes a key together with its token.
grant select, delete on app_public.api_keys to :ROLE_PERSON;
grant update (name) on app_public.api_keys to :ROLE_PERSON;
comment on table app_public.api_keys is 'Tokens for programs of yours, which act as you. Deleting one ends it at once.';
comment on column app_public.api_keys.id is 'Identifies the key.';
comment on column app_public.api_keys.person_id is 'Whose key it is.';
comment on column app_public.api_keys.name is 'What it is for, 1 to 100 characters.';
comment on column app_public.api_keys.starts_with is 'How its token begins, to tell it by.';
comment on column app_public.api_keys.can_write is 'Whether it may change things; without, it may only read.';
comment on column app_public.api_keys.created_at is 'When it was made.';
comment on column app_public.api_keys.last_used_at is 'When it was last used, to about a minute; null for never.';
comment on column app_public.api_keys.expires_at is 'When it ends by itself.';
comment on constraint api_keys_name_check on app_public.api_keys is 'A name has 1 to 100 characters.';

-- Everything a token can stand for is found here by one look-up, which each statement of the API makes.
create table if not exists app_private.tokens (
  hash bytea primary key check (length(hash) = 32),
  person_id uuid not null references app_public.people on delete cascade,
  session_id uuid references app_public.sessions on delete cascade,
  api_key_id uuid references app_public.api_keys on delete cascade,
  can_write boolean not null default true,
  expires_at timestamptz not null,
  constraint tokens_one_bearer_check check (num_nonnulls(session_id, api_key_id) = 1)
);
create index if not exists tokens_person_id_idx on app_private.tokens (person_id);
create index if not exists tokens_session_id_idx on app_private.tokens (session_id);
create index if not exists tokens_api_key_id_idx on app_private.tokens (api_key_id);
alter table app_private.tokens enable row level security;
comment on table app_private.tokens is 'What a bearer token stands for. It goes with its session or key.';
comment on column app_private.tokens.hash is 'SHA-256 of the token; the token itself is never stored.';
comment on column app_private.tokens.person_id is 'As whom its bearer acts.';
comment on column app_private.tokens.session_id is 'The session it belongs to, or null.';
comment on column app_private.tokens.api_key_id is 'The API key it belongs to, or null.';
comment on column app_private.tokens.can_write is 'Whether its bearer may change anything.';
comment on column app_private.tokens.expires_at is 'When it ends by itself: with its session or key.';

-- Who is signed in stays so.
do $$
begin
  if to_regclass('app_private.sessions') is not null then
    insert into app_public.sessions (id, person_id, created_at, last_used_at, expires_at)
    select id, person_id, created_at, created_at, expires_at from app_private.sessions;
    insert into app_private.tokens (hash, person_id, session_id, expires_at)
    select token_hash, person_id, id, expires_at from app_private.sessions;
    drop table app_private.sessions;
  end if;
end;
$$;

create type app_public.new_api_key as (token text, id uuid, expires_at timestamptz);
comment on type app_public.new_api_key is 'An API key that was just made.';
comment on column app_public.new_api_key.token is 'The key itself; shown this one time. Send it as `Authorization: Bearer <token>`.';
comment on column app_public.new_api_key.id is 'Identifies the key among `apiKeys`.';
comment on column app_public.new_api_key.expires_at is 'When it ends by itself.';

--!include functions/app_private/identify.sql
--!include functions/app_private/ended_sessions.sql
--!include functions/app_private/note_uses.sql
--!include functions/app_private/make_token.sql
--!include functions/app_private/start_session.sql
--!include functions/app_private/purge_expired_sessions.sql
--!include functions/app_private/require_recent_sign_in.sql
--!include functions/app_public/current_session.sql
--!include functions/app_public/sign_out.sql
--!include functions/app_public/sign_out_everywhere.sql
--!include functions/app_public/create_api_key.sql
--!include functions/app_private/tg_sessions__record.sql
--!include functions/app_private/tg_api_keys__record.sql
-- What ends by itself, or with the account, is nobody's deed.
create or replace trigger _500_record after delete on app_public.sessions
  for each row when (pg_trigger_depth() = 0 and app_public.current_person_id() is not null)
  execute function app_private.tg_sessions__record();
create or replace trigger _500_record_made after insert on app_public.api_keys
  for each row execute function app_private.tg_api_keys__record();
create or replace trigger _501_record_ended after delete on app_public.api_keys
  for each row when (pg_trigger_depth() = 0 and app_public.current_person_id() is not null)
  execute function app_private.tg_api_keys__record();

-- Guessing.

create table app_private.attempt_limits (
  action text not null,
  per text not null check (per in ('address', 'address_and_network', 'account', 'network', 'code', 'organization')),
  most integer not null check (most > 0),
  span interval not null check (span > interval '0'),
  primary key (action, per)
);
alter table app_private.attempt_limits enable row level security;
comment on table app_private.attempt_limits is 'How often what can be guessed, or costs somebody a mail, may be tried. An operator may change the numbers.';
comment on column app_private.attempt_limits.action is 'What is tried.';
comment on column app_private.attempt_limits.per is 'Whose attempts are counted together.';
comment on column app_private.attempt_limits.most is 'How many there may be within the span.';
comment on column app_private.attempt_limits.span is 'How far back attempts count.';
insert into app_private.attempt_limits (action, per, most, span) values
  ('sign_in', 'address', 10, '15 minutes'),
  ('sign_in', 'network', 100, '15 minutes'),
  ('sign_in_account', 'account', 60, '1 hour'), -- more than one address alone can reach
  ('code', 'code', 5, '1 hour'),
  ('code', 'address', 20, '1 hour'),
  ('code', 'network', 100, '15 minutes'),
  ('mail', 'address_and_network', 5, '1 hour'), -- so that others, elsewhere, do not use up what somebody has
  ('mail', 'address', 20, '1 hour'),
  ('mail', 'network', 50, '1 hour'),
  ('password', 'account', 20, '1 hour'), -- to judge and to hash one takes everybody's turn at it
  ('password', 'network', 100, '1 hour');

create table app_private.attempts (
  id bigint primary key generated always as identity,
  key bytea not null check (length(key) = 32),
  attempted_at timestamptz not null default clock_timestamp()
);
create index on app_private.attempts (key, attempted_at);
create index on app_private.attempts (attempted_at);
alter table app_private.attempts enable row level security;
comment on table app_private.attempts is 'Each attempt at something that can be guessed.';
comment on column app_private.attempts.id is 'Identifies the attempt.';
comment on column app_private.attempts.key is 'SHA-256 of what was tried and by whom.';
comment on column app_private.attempts.attempted_at is 'When.';

--!include functions/app_private/attempt_key.sql
--!include functions/app_private/count_attempt.sql
--!include functions/app_private/is_over_limit.sql
--!include functions/app_private/forget_attempts.sql
--!include functions/app_private/purge_attempts.sql
--!include functions/app_private/account_subject.sql
--!include functions/app_hidden/count_sign_in.sql
--!include functions/app_hidden/count_mail.sql
--!include functions/app_hidden/count_password.sql
--!include functions/app_hidden/count_password_change.sql

-- Codes that are mailed.

create type app_public.sent_code as (id uuid, expires_at timestamptz);
comment on type app_public.sent_code is 'A code that is on its way by mail.';
comment on column app_public.sent_code.id is 'Names the code when you give it back.';
comment on column app_public.sent_code.expires_at is 'Until when it can be given.';

-- Not `unique (address)`: whoever asks for a code does not take one away from somebody else.
create table app_private.mail_codes (
  id uuid primary key default app_hidden.new_id(),
  purpose text not null
    check (purpose in ('sign_up', 'sign_in', 'add_address', 'reset_password', 'delete_organization')),
  address text not null,
  person_id uuid references app_public.people on delete cascade,
  organization_id uuid references app_public.organizations on delete cascade,
  name text,
  password_hash text check (password_hash ~ '^\$argon2id\$v=19\$m=\d+,t=\d+,p=\d+\$[^$]+\$[^$]+$'),
  code_hash bytea check (length(code_hash) = 32),
  created_at timestamptz not null default now(),
  expires_at timestamptz not null default now() + interval '15 minutes',
  constraint mail_codes_sign_up_is_whole_check
    check (purpose <> 'sign_up' or (name is not null and password_hash is not null))
);
create index on app_private.mail_codes (person_id);
create index on app_private.mail_codes (organization_id);
create index on app_private.mail_codes (expires_at);
alter table app_private.mail_codes enable row level security;
comment on table app_private.mail_codes is 'One-time codes that were mailed, and what they are good for.';
comment on column app_private.mail_codes.id is 'Identifies the code; whoever asked for it knows it.';
comment on column app_private.mail_codes.purpose is 'What it allows.';
comment on column app_private.mail_codes.address is 'Where it was mailed.';
comment on column app_private.mail_codes.person_id is 'Who alone may give it back; null for anybody who knows the id.';
comment on column app_private.mail_codes.organization_id is 'The organization it is about, or null.';
comment on column app_private.mail_codes.name is 'For a sign-up: the name of the person to be.';
comment on column app_private.mail_codes.password_hash is 'For a sign-up: the hash of their password.';
comment on column app_private.mail_codes.code_hash is 'SHA-256 of id and code; null until it is mailed, and where the mail has none.';
comment on column app_private.mail_codes.created_at is 'When it was asked for.';
comment on column app_private.mail_codes.expires_at is 'Until when it can be given.';

--!include functions/app_private/to_address.sql
--!include functions/app_private/code_hash.sql
--!include functions/app_private/send_code.sql
--!include functions/app_private/redeem_code.sql
--!include functions/app_private/forget_codes.sql
--!include functions/app_private/set_password.sql
--!include functions/app_private/purge_mail_codes.sql
--!include functions/app_hidden/count_code.sql
--!include functions/app_private/make_person.sql
--!include functions/app_public/sign_up.sql
--!include functions/app_public/confirm_sign_up.sql
--!include functions/app_public/sign_in.sql
--!include functions/app_public/request_sign_in_code.sql
--!include functions/app_public/sign_in_with_code.sql
--!include functions/app_public/request_password_reset.sql
--!include functions/app_public/reset_password.sql
--!include functions/app_public/change_password.sql
--!include functions/app_public/add_email_address.sql
--!include functions/app_public/confirm_email_address.sql
--!include functions/app_public/make_email_address_primary.sql
--!include functions/app_public/remove_email_address.sql
