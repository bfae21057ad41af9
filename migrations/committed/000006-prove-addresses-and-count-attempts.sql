--! Previous: sha1:88fd18db48e4c3527908caf59e03dc5aaace3167
--! Hash: sha1:956fe37936a0c5df1ebfb8a61772381d8a3a5cfb
--! Message: Prove addresses and count attempts

--! split: 1-current.sql
/*
 * Accounts that a product can keep: proven addresses, mailed codes, sessions and keys that their owner
 * sees and ends, a log of what touches an account's safety, and limits on guessing.
 */
drop function if exists app_public.sign_up(text, text, text);
drop table if exists app_public.security_events, app_public.security_event_kinds cascade;
drop table if exists app_private.attempts, app_private.attempt_limits, app_private.mail_codes cascade;
drop type if exists app_public.sent_code, app_public.new_api_key cascade;

--! Included functions/app_private/request_fact.sql
-- What the server says of the request that is being answered: `id`, `address`, `userAgent`.
create or replace function app_private.request_fact(name text) returns text
language sql stable
as $$
  select nullif(pg_catalog.current_setting('plinth.request', true), '')::pg_catalog.jsonb ->> request_fact.name;
$$;
comment on function app_private.request_fact(text) is
  'Something the server knows of the request: its `id`, the client''s `address` or its `userAgent`; null outside of one.';
--! EndIncluded functions/app_private/request_fact.sql
--! Included functions/app_private/request_network.sql
-- Whoever has one IPv6 address has 2^64 of them, so there a network counts as one client.
create or replace function app_private.request_network() returns text
language sql stable
as $$
  select case family(client.address)
    when 6 then set_masklen(client.address, 64)::cidr
    else client.address::cidr
  end::text
  from (select app_private.request_fact('address')::inet as address) as client;
$$;
comment on function app_private.request_network() is
  'The network that the request comes from, as attempts are counted by it; null where it is not known.';
--! EndIncluded functions/app_private/request_network.sql
--! Included functions/app_private/request_region.sql
-- Coarse on purpose: enough for somebody to say "that was me", too little to find anybody by.
create or replace function app_private.request_region() returns text
language sql stable
as $$
  select set_masklen(client.address, case family(client.address) when 6 then 48 else 24 end)::cidr::text
  from (select app_private.request_fact('address')::inet as address) as client;
$$;
comment on function app_private.request_region() is
  'The wider network that the request comes from, as it may be written down; null where it is not known.';
--! EndIncluded functions/app_private/request_region.sql
--! Included functions/app_private/request_client.sql
-- Only a program's family is kept of what it says about itself. The order matters: most claim to be others too.
create or replace function app_private.request_client() returns text
language sql stable
as $$
  select nullif(concat_ws(' on ', case
    when client.agent ~ 'Edg' then 'Edge'
    when client.agent ~ 'OPR|Opera' then 'Opera'
    when client.agent ~ 'Firefox|FxiOS' then 'Firefox'
    when client.agent ~ 'Chrome|CriOS|Chromium' then 'Chrome'
    when client.agent ~ 'Safari' then 'Safari'
    else substring(client.agent from '^[A-Za-z][A-Za-z-]{1,20}(?=/|$)')
  end, case
    when client.agent ~ 'iPhone|iPad' then 'iOS'
    when client.agent ~ 'Android' then 'Android'
    when client.agent ~ 'Mac OS' then 'macOS'
    when client.agent ~ 'Windows' then 'Windows'
    when client.agent ~ 'Linux' then 'Linux'
  end), '')
  from (select app_private.request_fact('userAgent') as agent) as client;
$$;
comment on function app_private.request_client() is
  'What kind of program the request comes from, such as "Firefox on Linux"; null where it does not say.';
--! EndIncluded functions/app_private/request_client.sql

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
--! Included functions/app_private/tg_security_events__notify.sql
create or replace function app_private.tg_security_events__notify() returns trigger
language plpgsql volatile
set search_path to pg_catalog, public, pg_temp
as $$
begin
  if exists (
    select from app_public.security_event_kinds
    where security_event_kinds.kind = new.kind and security_event_kinds.notice is not null
  ) then
    perform graphile_worker.add_job('security_event__send_notice', json_build_object('id', new.id));
  end if;
  return null;
end;
$$;
comment on function app_private.tg_security_events__notify() is
  'Trigger: has the person told by mail of what they should know at once.';
--! EndIncluded functions/app_private/tg_security_events__notify.sql
create trigger _800_notify after insert on app_public.security_events
  for each row execute function app_private.tg_security_events__notify();
--! Included functions/app_private/record_event.sql
create or replace function app_private.record_event(
  person_id uuid, kind text, organization_id uuid default null, detail text default null
)
returns void
language sql volatile
as $$
  insert into app_public.security_events
    (person_id, kind, organization_id, detail, request_id, client, network)
  values (
    record_event.person_id, record_event.kind, record_event.organization_id, record_event.detail,
    app_private.request_fact('id'), app_private.request_client(), app_private.request_region()
  );
$$;
comment on function app_private.record_event(uuid, text, uuid, text) is
  'Writes a line into a person''s security log, with what is known of the request.';
--! EndIncluded functions/app_private/record_event.sql
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
--! Included functions/app_private/tg_people__anonymize.sql
-- What happened stays countable; to whom, from where and with which words does not.
create or replace function app_private.tg_people__anonymize() returns trigger
language plpgsql volatile
set search_path to pg_catalog, public, pg_temp
as $$
begin
  update app_public.security_events
  set person_id = null, detail = null, request_id = null, client = null, network = null
  where security_events.person_id = old.id;
  return old;
end;
$$;
comment on function app_private.tg_people__anonymize() is
  'Trigger: takes out of the security log whatever could lead to a person who is being deleted.';
--! EndIncluded functions/app_private/tg_people__anonymize.sql
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

--! Included functions/app_private/identify.sql
-- Answers "who is calling?" for every statement the API sends: a row per setting to apply for that
-- statement alone. The server applies whatever comes back and knows none of the names, so this
-- function is the only place where a token becomes a role. Every setting is named in every answer:
-- one left over from an earlier transaction would otherwise speak for somebody else. That a transaction
-- may only read ends with it.
create or replace function app_private.identify(token_hash bytea)
returns table (setting text, value text)
language plpgsql stable rows 4
security definer -- callers have no right to read tokens
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_token app_private.tokens;
begin
  if identify.token_hash is null then
    return query values
      ('role', ':ROLE_ANONYMOUS'), ('plinth.person_id', ''), ('plinth.session_id', '');
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
    ('role', ':ROLE_PERSON'),
    ('plinth.person_id', v_token.person_id::text),
    ('plinth.session_id', coalesce(v_token.session_id::text, ''));
  if not v_token.can_write then
    return query values ('transaction_read_only', 'on');
  end if;
end;
$$;
grant execute on function app_private.identify(bytea) to :ROLE_AUTHENTICATOR;
comment on function app_private.identify(bytea) is
  E'The settings under which the bearer of a token acts, given the SHA-256 of that token; without one, those of an anonymous caller.\n\nErrors: `28000` when the session has ended.';
--! EndIncluded functions/app_private/identify.sql
--! Included functions/app_private/ended_sessions.sql
-- For whoever stays connected: the server asks it a few times a second about all of them at once, where
-- app_private.identify is asked at each statement about one. The two have to agree on what has ended.
create or replace function app_private.ended_sessions(token_hashes bytea[]) returns setof bytea
language sql stable rows 10
security definer -- the API has no right to read tokens
set search_path to pg_catalog, public, pg_temp
as $$
  select token_hash
  from unnest(ended_sessions.token_hashes) as token_hash
  where not exists (
    select from app_private.tokens
    where tokens.hash = token_hash.token_hash and tokens.expires_at > now()
  );
$$;
grant execute on function app_private.ended_sessions(bytea[]) to :ROLE_AUTHENTICATOR;
comment on function app_private.ended_sessions(bytea[]) is
  'Of these SHA-256 of tokens, those whose session or key has ended.';
--! EndIncluded functions/app_private/ended_sessions.sql
--! Included functions/app_private/note_uses.sql
-- The server calls it once a minute with the tokens it has seen since, so that "last used" costs no write
-- per request. Several servers see the same token: a row that was noted a moment ago, or that somebody else
-- is writing right now, is left as it is.
create or replace function app_private.note_uses(token_hashes bytea[]) returns void
language sql volatile
security definer -- the API has no right on sessions and keys
set search_path to pg_catalog, public, pg_temp
as $$
  with used_sessions as (
    update app_public.sessions
    set last_used_at = now()
    where sessions.id in (
      select sessions.id
      from app_private.tokens
      join app_public.sessions on sessions.id = tokens.session_id
      where tokens.hash = any (note_uses.token_hashes)
        and sessions.last_used_at < now() - interval '50 seconds'
      for update of sessions skip locked
    )
  )
  update app_public.api_keys
  set last_used_at = now()
  where api_keys.id in (
    select api_keys.id
    from app_private.tokens
    join app_public.api_keys on api_keys.id = tokens.api_key_id
    where tokens.hash = any (note_uses.token_hashes)
      and (api_keys.last_used_at is null or api_keys.last_used_at < now() - interval '50 seconds')
    for update of api_keys skip locked
  );
$$;
grant execute on function app_private.note_uses(bytea[]) to :ROLE_AUTHENTICATOR;
comment on function app_private.note_uses(bytea[]) is
  'Notes that the tokens with these SHA-256 are in use now, to about a minute.';
--! EndIncluded functions/app_private/note_uses.sql
--! Included functions/app_private/make_token.sql
create or replace function app_private.make_token(prefix text) returns text
language sql volatile
as $$
  select make_token.prefix || encode(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()), 'hex');
$$;
comment on function app_private.make_token(text) is
  'A new secret: a prefix and 64 hexadecimal digits, 244 bits of them from the server''s own generator.';
--! EndIncluded functions/app_private/make_token.sql
--! Included functions/app_private/start_session.sql
-- Only the token's hash is kept: who can read the table, or a backup of it, cannot sign in with what
-- they find.
create or replace function app_private.start_session(person_id uuid)
returns app_public.new_session
language plpgsql volatile
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_token text := app_private.make_token('');
  v_session app_public.sessions;
begin
  insert into app_public.sessions (person_id, client, network)
  values (start_session.person_id, app_private.request_client(), app_private.request_region())
  returning * into v_session;

  insert into app_private.tokens (hash, person_id, session_id, expires_at)
  values (
    sha256(convert_to(v_token, 'UTF8')), start_session.person_id, v_session.id, v_session.expires_at
  );

  return (v_token, v_session.expires_at)::app_public.new_session;
end;
$$;
comment on function app_private.start_session(uuid) is
  'Starts a session for a person and returns its token, which is shown this one time.';
--! EndIncluded functions/app_private/start_session.sql
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
--! Included functions/app_private/require_recent_sign_in.sql
-- What could lock a person out of their account is not for whoever finds their screen open, nor for a
-- key that lies about in a script.
create or replace function app_private.require_recent_sign_in() returns void
language plpgsql stable
set search_path to pg_catalog, public, pg_temp
as $$
begin
  if not exists (
    select from app_public.sessions
    where sessions.id = app_hidden.current_session_id()
      and sessions.created_at > now() - interval '10 minutes'
  ) then
    raise exception using
      errcode = 'REAUT',
      message = 'Sign in again for this.',
      hint = 'It needs a session that is not older than ten minutes; an API key will not do.';
  end if;
end;
$$;
comment on function app_private.require_recent_sign_in() is
  E'Refuses unless the caller has signed in within the last ten minutes.\n\nErrors: `REAUT`.';
--! EndIncluded functions/app_private/require_recent_sign_in.sql
--! Included functions/app_public/current_session.sql
create or replace function app_public.current_session() returns app_public.sessions
language sql stable
security definer -- an anonymous caller may ask, and has no right on sessions
set search_path to pg_catalog, public, pg_temp
as $$
  select sessions.* from app_public.sessions where sessions.id = app_hidden.current_session_id();
$$;
grant execute on function app_public.current_session() to :ROLE_ANONYMOUS, :ROLE_PERSON;
comment on function app_public.current_session() is
  'The session of the token you send; null when that is an API key, or without one.';
--! EndIncluded functions/app_public/current_session.sql
--! Included functions/app_public/sign_out.sql
create or replace function app_public.sign_out() returns boolean
language plpgsql volatile
set search_path to pg_catalog, public, pg_temp
as $$
begin
  delete from app_public.sessions where sessions.id = app_hidden.current_session_id();
  return found;
end;
$$;
grant execute on function app_public.sign_out() to :ROLE_PERSON;
comment on function app_public.sign_out() is
  'Ends the session of the token you send: from the next request on it is refused. True when it was still running.';
--! EndIncluded functions/app_public/sign_out.sql
--! Included functions/app_public/sign_out_everywhere.sql
create or replace function app_public.sign_out_everywhere() returns integer
language sql volatile
as $$
  with ended as (
    delete from app_public.sessions
    where sessions.person_id = app_public.current_person_id()
    returning 1
  )
  select count(*)::integer from ended;
$$;
grant execute on function app_public.sign_out_everywhere() to :ROLE_PERSON;
comment on function app_public.sign_out_everywhere() is
  'Ends all your sessions, this one too, and says how many there were. API keys stay; delete those one by one.';
--! EndIncluded functions/app_public/sign_out_everywhere.sql
--! Included functions/app_public/create_api_key.sql
-- Definer: a key and its token come into being together, and nobody may write tokens.
create or replace function app_public.create_api_key(name text, can_write boolean, expires_at timestamptz)
returns app_public.new_api_key
language plpgsql volatile
security definer
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_token text := app_private.make_token('plinth_key_');
  v_key app_public.api_keys;
begin
  perform app_private.require_recent_sign_in();
  if create_api_key.expires_at is null
    or create_api_key.expires_at not between now() and now() + interval '366 days' then
    raise exception using
      errcode = 'invalid_parameter_value',
      message = 'A key ends at a moment between now and a year from now.',
      column = 'expires_at';
  end if;

  insert into app_public.api_keys (person_id, name, starts_with, can_write, expires_at)
  values (
    app_public.current_person_id(), trim(create_api_key.name), left(v_token, 19),
    coalesce(create_api_key.can_write, false), create_api_key.expires_at
  )
  returning * into v_key;

  insert into app_private.tokens (hash, person_id, api_key_id, can_write, expires_at)
  values (
    sha256(convert_to(v_token, 'UTF8')), v_key.person_id, v_key.id, v_key.can_write, v_key.expires_at
  );

  return (v_token, v_key.id, v_key.expires_at)::app_public.new_api_key;
end;
$$;
grant execute on function app_public.create_api_key(text, boolean, timestamptz) to :ROLE_PERSON;
comment on function app_public.create_api_key(text, boolean, timestamptz) is
  E'Makes an API key: a token for a program of yours, which acts as you. You are told by mail.\n\n- `name`: what it is for, 1 to 100 characters.\n- `canWrite`: whether it may change things; without, it may only read.\n- `expiresAt`: when it ends, a year from now at most.\n\nErrors: `SIGN_IN_AGAIN` without a sign-in of the last ten minutes; `BAD_USER_INPUT` naming the argument.';
--! EndIncluded functions/app_public/create_api_key.sql
--! Included functions/app_private/tg_sessions__record.sql
create or replace function app_private.tg_sessions__record() returns trigger
language plpgsql volatile
set search_path to pg_catalog, public, pg_temp
security definer -- callers have no right to write the log
as $$
begin
  perform app_private.record_event(old.person_id, 'session_ended', null, coalesce(old.name, old.client));
  return null;
end;
$$;
comment on function app_private.tg_sessions__record() is
  'Trigger: writes into the security log that somebody has ended a session.';
--! EndIncluded functions/app_private/tg_sessions__record.sql
--! Included functions/app_private/tg_api_keys__record.sql
create or replace function app_private.tg_api_keys__record() returns trigger
language plpgsql volatile
set search_path to pg_catalog, public, pg_temp
security definer -- callers have no right to write the log
as $$
begin
  perform app_private.record_event(
    coalesce(new.person_id, old.person_id),
    case tg_op when 'INSERT' then 'api_key_made' else 'api_key_ended' end,
    null,
    coalesce(new.name, old.name)
  );
  return null;
end;
$$;
comment on function app_private.tg_api_keys__record() is
  'Trigger: writes into the security log that an API key was made or ended.';
--! EndIncluded functions/app_private/tg_api_keys__record.sql
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

--! Included functions/app_private/attempt_key.sql
-- Hashed, so that the list of attempts is no list of addresses.
create or replace function app_private.attempt_key(action text, per text, subject text) returns bytea
language sql immutable
as $$
  select sha256(convert_to(concat_ws('|', attempt_key.action, attempt_key.per, attempt_key.subject), 'UTF8'));
$$;
comment on function app_private.attempt_key(text, text, text) is
  'Under what the attempts of one subject at one action are counted.';
--! EndIncluded functions/app_private/attempt_key.sql
--! Included functions/app_private/count_attempt.sql
-- Attempts at one thing wait for each other, so that of many at once no more get through than one after
-- the other would. The locks are taken in one order, and end with this statement: the server runs it as a
-- transaction of its own (see the tag `attempt`), which also makes the count outlive whatever comes after.
create or replace function app_private.count_attempt(action text, subjects jsonb) returns integer
language plpgsql volatile
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_wait integer;
begin
  perform pg_advisory_xact_lock(hashtextextended(subject.key, 0))
  from (
    select encode(app_private.attempt_key(count_attempt.action, given.key, given.value), 'hex') as key
    from jsonb_each_text(jsonb_strip_nulls(count_attempt.subjects)) as given
    order by 1
  ) as subject;

  select max(ceil(extract(epoch from past.oldest + attempt_limits.span - clock_timestamp())))::integer
  into v_wait
  from jsonb_each_text(jsonb_strip_nulls(count_attempt.subjects)) as given
  join app_private.attempt_limits
    on attempt_limits.action = count_attempt.action and attempt_limits.per = given.key
  cross join lateral (
    select min(latest.attempted_at) as oldest, count(*) as count
    from (
      select attempts.attempted_at
      from app_private.attempts
      where attempts.key = app_private.attempt_key(count_attempt.action, given.key, given.value)
        and attempts.attempted_at > clock_timestamp() - attempt_limits.span
      order by attempts.attempted_at desc
      limit attempt_limits.most
    ) as latest
  ) as past
  where past.count >= attempt_limits.most;

  if v_wait is null then
    insert into app_private.attempts (key)
    select app_private.attempt_key(count_attempt.action, given.key, given.value)
    from jsonb_each_text(jsonb_strip_nulls(count_attempt.subjects)) as given;
  end if;
  return v_wait;
end;
$$;
comment on function app_private.count_attempt(text, jsonb) is
  'Counts an attempt at an action for each subject, such as {"address": "…", "network": "…"}: null, or for one that is over a limit the seconds to wait, and then it is not counted.';
--! EndIncluded functions/app_private/count_attempt.sql
--! Included functions/app_private/is_over_limit.sql
create or replace function app_private.is_over_limit(action text, per text, subject text) returns boolean
language sql stable
as $$
  select count(*) >= (
    select attempt_limits.most
    from app_private.attempt_limits
    where attempt_limits.action = is_over_limit.action and attempt_limits.per = is_over_limit.per
  )
  from app_private.attempts
  where attempts.key = app_private.attempt_key(is_over_limit.action, is_over_limit.per, is_over_limit.subject)
    and attempts.attempted_at > now() - (
      select attempt_limits.span
      from app_private.attempt_limits
      where attempt_limits.action = is_over_limit.action and attempt_limits.per = is_over_limit.per
    );
$$;
comment on function app_private.is_over_limit(text, text, text) is
  'Whether a subject has no attempt left.';
--! EndIncluded functions/app_private/is_over_limit.sql
--! Included functions/app_private/forget_attempts.sql
create or replace function app_private.forget_attempts(action text, per text, subject text) returns void
language sql volatile
as $$
  delete from app_private.attempts
  where key = app_private.attempt_key(forget_attempts.action, forget_attempts.per, forget_attempts.subject);
$$;
comment on function app_private.forget_attempts(text, text, text) is
  'Forgets the attempts of a subject, which has proven to be who it says.';
--! EndIncluded functions/app_private/forget_attempts.sql
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
--! Included functions/app_private/account_subject.sql
-- An address without an account stands for itself, so that both take the same steps.
create or replace function app_private.account_subject(email text) returns text
language sql stable
as $$
  select coalesce(
    (
      select email_addresses.person_id::text
      from app_public.email_addresses
      where email_addresses.address = lower(trim(account_subject.email))
    ),
    lower(trim(account_subject.email))
  );
$$;
comment on function app_private.account_subject(text) is
  'What attempts at the account of an address are counted under.';
--! EndIncluded functions/app_private/account_subject.sql
--! Included functions/app_hidden/count_sign_in.sql
-- Too many at an address or from a network are refused openly. Too many at an account, by way of several
-- addresses, are not: the refusal would tell that those addresses belong together. sign_in asks for that
-- count itself and then takes any password for wrong.
create or replace function app_hidden.count_sign_in(email text) returns integer
language plpgsql volatile
security definer -- callers have no right on attempts
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_wait integer := app_private.count_attempt('sign_in', jsonb_build_object(
    'address', lower(trim(count_sign_in.email)), 'network', app_private.request_network()
  ));
begin
  if v_wait is null then
    perform app_private.count_attempt('sign_in_account', jsonb_build_object(
      'account', app_private.account_subject(count_sign_in.email)
    ));
  end if;
  return v_wait;
end;
$$;
grant execute on function app_hidden.count_sign_in(text) to :ROLE_ANONYMOUS, :ROLE_PERSON;
comment on function app_hidden.count_sign_in(text) is
  'Counts an attempt to sign in with a password; the seconds to wait when there were too many, else null.';
--! EndIncluded functions/app_hidden/count_sign_in.sql
--! Included functions/app_hidden/count_mail.sql
create or replace function app_hidden.count_mail(email text) returns integer
language sql volatile
security definer -- callers have no right on attempts
set search_path to pg_catalog, public, pg_temp
as $$
  select app_private.count_attempt('mail', jsonb_build_object(
    'address', lower(trim(count_mail.email)),
    'address_and_network', lower(trim(count_mail.email)) || ' ' || coalesce(app_private.request_network(), ''),
    'network', app_private.request_network()
  ));
$$;
grant execute on function app_hidden.count_mail(text) to :ROLE_ANONYMOUS, :ROLE_PERSON;
comment on function app_hidden.count_mail(text) is
  'Counts a request for mail to an address; the seconds to wait when there were too many, else null.';
--! EndIncluded functions/app_hidden/count_mail.sql
--! Included functions/app_hidden/count_password.sql
create or replace function app_hidden.count_password() returns integer
language sql volatile
security definer -- callers have no right on attempts
set search_path to pg_catalog, public, pg_temp
as $$
  select app_private.count_attempt('password', jsonb_build_object('network', app_private.request_network()));
$$;
grant execute on function app_hidden.count_password() to :ROLE_ANONYMOUS, :ROLE_PERSON;
comment on function app_hidden.count_password() is
  'Counts a new password that is to be judged; the seconds to wait when there were too many, else null.';
--! EndIncluded functions/app_hidden/count_password.sql
--! Included functions/app_hidden/count_password_change.sql
-- To judge and to hash a password takes everybody's turn at it. So who may not change theirs is turned away
-- here, ahead of that, and who may is counted.
create or replace function app_hidden.count_password_change() returns integer
language plpgsql volatile
security definer -- callers have no right on attempts
set search_path to pg_catalog, public, pg_temp
as $$
begin
  perform app_private.require_recent_sign_in();
  return app_private.count_attempt('password', jsonb_build_object(
    'account', app_public.current_person_id(), 'network', app_private.request_network()
  ));
end;
$$;
grant execute on function app_hidden.count_password_change() to :ROLE_PERSON;
comment on function app_hidden.count_password_change() is
  E'Counts a change of the caller''s password; the seconds to wait when there were too many, else null.\n\nErrors: `REAUT`.';
--! EndIncluded functions/app_hidden/count_password_change.sql

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

--! Included functions/app_private/to_address.sql
create or replace function app_private.to_address(email text) returns text
language plpgsql immutable
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_address text := lower(trim(to_address.email));
begin
  -- Without what would make a header of a mail speak of two addresses, or of a name.
  if v_address is null or length(v_address) > 254
    or v_address !~ '^[^\s@<>()[\]\\,;:"]+@([^\s@<>()[\]\\,;:".]+\.)+[^\s@<>()[\]\\,;:".]+$' then
    raise exception using
      errcode = 'invalid_parameter_value',
      message = 'That is not an email address.',
      hint = 'Write it as name@example.com.',
      column = 'email';
  end if;
  return v_address;
end;
$$;
comment on function app_private.to_address(text) is
  E'An address as it is stored, in lower case.\n\nErrors: `22023` for the argument `email`.';
--! EndIncluded functions/app_private/to_address.sql
--! Included functions/app_private/code_hash.sql
-- The id makes equal codes differ. Upper case and without what people put between the letters.
create or replace function app_private.code_hash(id uuid, code text) returns bytea
language sql immutable
as $$
  select sha256(convert_to(
    code_hash.id::text || upper(regexp_replace(code_hash.code, '[\s-]', '', 'g')), 'UTF8'
  ));
$$;
comment on function app_private.code_hash(uuid, text) is
  'How a mailed code is stored: never as it is.';
--! EndIncluded functions/app_private/code_hash.sql
--! Included functions/app_private/send_code.sql
-- Who asks gets an id and no more, whether or not the address is known: what the mail says, and whether
-- it has a code, is decided when it is sent.
create or replace function app_private.send_code(
  purpose text, address text, person_id uuid default null, organization_id uuid default null,
  name text default null, password_hash text default null
)
returns app_public.sent_code
language plpgsql volatile
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_code app_private.mail_codes;
begin
  insert into app_private.mail_codes (purpose, address, person_id, organization_id, name, password_hash)
  values (
    send_code.purpose, send_code.address, send_code.person_id, send_code.organization_id,
    send_code.name, send_code.password_hash
  )
  returning * into v_code;

  perform graphile_worker.add_job('mail_code__send', json_build_object('id', v_code.id));
  return (v_code.id, v_code.expires_at)::app_public.sent_code;
end;
$$;
comment on function app_private.send_code(text, text, uuid, uuid, text, text) is
  'Has a one-time code mailed to an address, for a purpose.';
--! EndIncluded functions/app_private/send_code.sql
--! Included functions/app_private/redeem_code.sql
-- Gone with its first right use, whoever else gives it at the same moment. Wrong ones are counted before
-- this is asked (app_hidden.count_code).
create or replace function app_private.redeem_code(id uuid, code text, purpose text)
returns app_private.mail_codes
language sql volatile
as $$
  delete from app_private.mail_codes
  where mail_codes.id = redeem_code.id
    and mail_codes.purpose = redeem_code.purpose
    and mail_codes.code_hash = app_private.code_hash(redeem_code.id, redeem_code.code)
    and mail_codes.expires_at > now()
    and (mail_codes.person_id is null or mail_codes.person_id = app_public.current_person_id())
  returning mail_codes.*;
$$;
comment on function app_private.redeem_code(uuid, text, text) is
  'Takes a mailed code and gives what it was for; null when it is wrong, was used, has expired or is somebody else''s.';
--! EndIncluded functions/app_private/redeem_code.sql
--! Included functions/app_private/forget_codes.sql
create or replace function app_private.forget_codes(person_id uuid) returns void
language sql volatile
as $$
  delete from app_private.mail_codes
  where mail_codes.person_id = forget_codes.person_id or mail_codes.address in (
    select email_addresses.address
    from app_public.email_addresses
    where email_addresses.person_id = forget_codes.person_id
  );
$$;
comment on function app_private.forget_codes(uuid) is
  'Has the codes that were mailed to a person, or asked for by them, count for nothing any more.';
--! EndIncluded functions/app_private/forget_codes.sql
--! Included functions/app_private/set_password.sql
-- Whoever knew the old password, or has read the mail until now, is out: sessions end, and so do the codes
-- that they may hold. The person is locked `for update`, so that a sign-in under way is waited for and ends as
-- well, and one that comes meanwhile waits, and finds another password (app_public.sign_in).
create or replace function app_private.set_password(person_id uuid, hash text, session_id uuid default null)
returns void
language plpgsql volatile
set search_path to pg_catalog, public, pg_temp
as $$
begin
  perform app_private.forget_codes(set_password.person_id);
  perform from app_public.people where people.id = set_password.person_id for update;

  insert into app_private.passwords (person_id, hash)
  values (set_password.person_id, set_password.hash)
  on conflict on constraint passwords_pkey do update set hash = excluded.hash;

  delete from app_public.sessions
  where sessions.person_id = set_password.person_id
    and sessions.id is distinct from set_password.session_id;
end;
$$;
comment on function app_private.set_password(uuid, text, uuid) is
  'Sets the password of a person, and ends all their sessions but one, and all codes that were mailed.';
--! EndIncluded functions/app_private/set_password.sql
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
--! Included functions/app_hidden/count_code.sql
create or replace function app_hidden.count_code(id uuid) returns integer
language sql volatile
security definer -- callers have no right on attempts
set search_path to pg_catalog, public, pg_temp
as $$
  select app_private.count_attempt('code', jsonb_build_object(
    'code', count_code.id,
    'address', (select mail_codes.address from app_private.mail_codes where mail_codes.id = count_code.id),
    'network', app_private.request_network()
  ));
$$;
grant execute on function app_hidden.count_code(uuid) to :ROLE_ANONYMOUS, :ROLE_PERSON;
comment on function app_hidden.count_code(uuid) is
  'Counts an attempt at a mailed code; the seconds to wait when there were too many, else null.';
--! EndIncluded functions/app_hidden/count_code.sql
--! Included functions/app_private/make_person.sql
create or replace function app_private.make_person(name text, address text) returns uuid
language plpgsql volatile
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_person_id uuid;
begin
  insert into app_public.people (name) values (make_person.name) returning people.id into v_person_id;
  insert into app_public.email_addresses (person_id, address, is_primary)
  values (v_person_id, make_person.address, true);
  perform app_private.record_event(v_person_id, 'signed_up');
  perform graphile_worker.add_job('person__send_welcome', json_build_object('personId', v_person_id));
  return v_person_id;
end;
$$;
comment on function app_private.make_person(text, text) is
  'Makes a person with a proven address, and has them welcomed by mail.';
--! EndIncluded functions/app_private/make_person.sql
--! Included functions/app_public/sign_up.sql
-- Nothing is made of it before the code that is mailed comes back: nobody can take an address that is
-- not theirs, and a known address leaves the same trace as a new one. Its owner is told by mail.
create or replace function app_public.sign_up(email text, name text, password text)
returns app_public.sent_code
language plpgsql volatile
security definer -- anonymous callers have no right on codes
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_address text := app_private.to_address(sign_up.email);
  v_name text := trim(sign_up.name);
begin
  if v_name is null or length(v_name) not between 1 and 100 then
    raise exception using
      errcode = 'invalid_parameter_value',
      message = 'A name has 1 to 100 characters.',
      column = 'name';
  end if;
  return app_private.send_code('sign_up', v_address, name => v_name, password_hash => sign_up.password);
end;
$$;
grant execute on function app_public.sign_up(text, text, text) to :ROLE_ANONYMOUS;
comment on function app_public.sign_up(text, text, text) is
  E'Begins a new account: a code is mailed to the address, and `confirmSignUp` with it makes the account.\n\nAn address that has an account already gives the same answer; its owner is told by mail.\n\n- `email`: where you can be reached, and what you sign in with.\n- `name`: what others see, 1 to 100 characters.\n- `password`: 10 to 200 characters, none that is easy to guess.\n\nErrors: `BAD_USER_INPUT` naming the argument.';
--! EndIncluded functions/app_public/sign_up.sql
--! Included functions/app_public/confirm_sign_up.sql
create or replace function app_public.confirm_sign_up(id uuid, code text) returns app_public.new_session
language plpgsql volatile
security definer -- anonymous callers have no right to make people
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_code app_private.mail_codes := app_private.redeem_code(
    confirm_sign_up.id, confirm_sign_up.code, 'sign_up'
  );
  v_person_id uuid;
begin
  -- Two codes for one address, given at once: the second finds it known.
  perform pg_advisory_xact_lock(hashtextextended(v_code.address, 0));
  if v_code.id is null
    or exists (select from app_public.email_addresses where email_addresses.address = v_code.address) then
    return null;
  end if;

  v_person_id := app_private.make_person(v_code.name, v_code.address);
  insert into app_private.passwords (person_id, hash) values (v_person_id, v_code.password_hash);
  perform app_private.record_event(v_person_id, 'signed_in', null, 'signing up');
  return app_private.start_session(v_person_id);
end;
$$;
grant execute on function app_public.confirm_sign_up(uuid, text) to :ROLE_ANONYMOUS, :ROLE_PERSON;
comment on function app_public.confirm_sign_up(uuid, text) is
  E'Makes the account that `signUp` began and signs you in.\n\nThe result is null when the code is wrong, was used, or has expired.\n\n- `id`: what `signUp` answered.\n- `code`: what was mailed.';
--! EndIncluded functions/app_public/confirm_sign_up.sql
--! Included functions/app_public/sign_in.sql
-- Definer: reads passwords. By the time it is called the attempt has been counted, and the password
-- hashed with the salt that app_hidden.password_salt gave. A refusal is null, not an exception, so that
-- its record is kept; for an unknown address it is recorded as well, as nobody's, which takes as long.
create or replace function app_public.sign_in(email text, password text) returns app_public.new_session
language plpgsql volatile
security definer
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_address text := lower(trim(sign_in.email));
  v_account text := app_private.account_subject(v_address);
  v_person_id uuid;
  v_is_right boolean;
begin
  select email_addresses.person_id, passwords.hash = sign_in.password
  into v_person_id, v_is_right
  from app_public.email_addresses
  left join app_private.passwords on passwords.person_id = email_addresses.person_id
  where email_addresses.address = v_address;

  -- While the password is being changed, the old one is not right any more.
  if v_is_right then
    perform from app_public.people where people.id = v_person_id for key share;
    v_is_right := exists (
      select from app_private.passwords
      where passwords.person_id = v_person_id and passwords.hash = sign_in.password
    );
  end if;
  if v_is_right is not true or app_private.is_over_limit('sign_in_account', 'account', v_account) then
    perform app_private.record_event(v_person_id, 'sign_in_refused', null, 'password');
    return null;
  end if;

  perform app_private.forget_attempts('sign_in', 'address', v_address);
  perform app_private.forget_attempts('sign_in_account', 'account', v_account);
  perform app_private.record_event(v_person_id, 'signed_in', null, 'password');
  return app_private.start_session(v_person_id);
end;
$$;
grant execute on function app_public.sign_in(text, text) to :ROLE_ANONYMOUS, :ROLE_PERSON;
comment on function app_public.sign_in(text, text) is
  E'Starts a session. Send its token as `Authorization: Bearer <token>` from then on.\n\nThe result is null when no account has this address and password; which of the two was wrong is not told.\n\n- `email`: an address of the account.\n- `password`: its password. A mailed code (`requestSignInCode`) is another way in.';
--! EndIncluded functions/app_public/sign_in.sql
--! Included functions/app_public/request_sign_in_code.sql
create or replace function app_public.request_sign_in_code(email text) returns app_public.sent_code
language sql volatile
security definer -- anonymous callers have no right on codes
set search_path to pg_catalog, public, pg_temp
as $$
  select app_private.send_code('sign_in', app_private.to_address(request_sign_in_code.email));
$$;
grant execute on function app_public.request_sign_in_code(text) to :ROLE_ANONYMOUS, :ROLE_PERSON;
comment on function app_public.request_sign_in_code(text) is
  E'Mails a code to sign in with, in place of a password. Then use `signInWithCode`.\n\nAn address without an account gives the same answer; its mail says so.\n\n- `email`: an address of the account.\n\nErrors: `BAD_USER_INPUT` naming the argument.';
--! EndIncluded functions/app_public/request_sign_in_code.sql
--! Included functions/app_public/sign_in_with_code.sql
create or replace function app_public.sign_in_with_code(id uuid, code text) returns app_public.new_session
language plpgsql volatile
security definer -- anonymous callers have no right on codes
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_code app_private.mail_codes := app_private.redeem_code(
    sign_in_with_code.id, sign_in_with_code.code, 'sign_in'
  );
  v_person_id uuid;
begin
  select email_addresses.person_id into v_person_id
  from app_public.email_addresses
  where email_addresses.address = v_code.address;

  if v_person_id is null then
    return null;
  end if;
  perform app_private.record_event(v_person_id, 'signed_in', null, 'mailed code');
  return app_private.start_session(v_person_id);
end;
$$;
grant execute on function app_public.sign_in_with_code(uuid, text) to :ROLE_ANONYMOUS, :ROLE_PERSON;
comment on function app_public.sign_in_with_code(uuid, text) is
  E'Starts a session with a mailed code.\n\nThe result is null when the code is wrong, was used, or has expired.\n\n- `id`: what `requestSignInCode` answered.\n- `code`: what was mailed.';
--! EndIncluded functions/app_public/sign_in_with_code.sql
--! Included functions/app_public/request_password_reset.sql
create or replace function app_public.request_password_reset(email text) returns app_public.sent_code
language sql volatile
security definer -- anonymous callers have no right on codes
set search_path to pg_catalog, public, pg_temp
as $$
  select app_private.send_code('reset_password', app_private.to_address(request_password_reset.email));
$$;
grant execute on function app_public.request_password_reset(text) to :ROLE_ANONYMOUS, :ROLE_PERSON;
comment on function app_public.request_password_reset(text) is
  E'Mails a code to set a new password with. Then use `resetPassword`.\n\nAn address without an account gives the same answer; its mail says so.\n\n- `email`: an address of the account.\n\nErrors: `BAD_USER_INPUT` naming the argument.';
--! EndIncluded functions/app_public/request_password_reset.sql
--! Included functions/app_public/reset_password.sql
create or replace function app_public.reset_password(id uuid, code text, password text)
returns app_public.new_session
language plpgsql volatile
security definer -- anonymous callers have no right on codes and passwords
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_code app_private.mail_codes := app_private.redeem_code(
    reset_password.id, reset_password.code, 'reset_password'
  );
  v_person_id uuid;
begin
  select email_addresses.person_id into v_person_id
  from app_public.email_addresses
  where email_addresses.address = v_code.address;

  if v_person_id is null then
    return null;
  end if;
  perform app_private.set_password(v_person_id, reset_password.password);
  perform app_private.forget_attempts('sign_in', 'address', v_code.address);
  perform app_private.record_event(v_person_id, 'password_changed', null, 'with a mailed code');
  return app_private.start_session(v_person_id);
end;
$$;
grant execute on function app_public.reset_password(uuid, text, text) to :ROLE_ANONYMOUS, :ROLE_PERSON;
comment on function app_public.reset_password(uuid, text, text) is
  E'Sets a new password with a mailed code, ends all sessions of the account and all other codes, and starts one for you. You are told by mail.\n\nThe result is null when the code is wrong, was used, or has expired.\n\n- `id`: what `requestPasswordReset` answered.\n- `code`: what was mailed.\n- `password`: 10 to 200 characters, none that is easy to guess.\n\nErrors: `BAD_USER_INPUT` naming the argument.';
--! EndIncluded functions/app_public/reset_password.sql
--! Included functions/app_public/change_password.sql
create or replace function app_public.change_password(password text) returns boolean
language plpgsql volatile
security definer -- callers have no right on passwords
set search_path to pg_catalog, public, pg_temp
as $$
begin
  perform app_private.require_recent_sign_in();
  perform app_private.set_password(
    app_public.current_person_id(), change_password.password, app_hidden.current_session_id()
  );
  perform app_private.record_event(app_public.current_person_id(), 'password_changed');
  return true;
end;
$$;
grant execute on function app_public.change_password(text) to :ROLE_PERSON;
comment on function app_public.change_password(text) is
  E'Sets your password, the first one too, and ends all your other sessions and the codes that were mailed to you. You are told by mail.\n\n- `password`: 10 to 200 characters, none that is easy to guess.\n\nErrors: `SIGN_IN_AGAIN` without a sign-in of the last ten minutes; `BAD_USER_INPUT` naming the argument.';
--! EndIncluded functions/app_public/change_password.sql
--! Included functions/app_public/add_email_address.sql
create or replace function app_public.add_email_address(email text) returns app_public.sent_code
language plpgsql volatile
security definer -- callers have no right on codes
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_address text := app_private.to_address(add_email_address.email);
begin
  perform app_private.require_recent_sign_in();
  if exists (
    select from app_public.email_addresses
    where email_addresses.address = v_address
      and email_addresses.person_id = app_public.current_person_id()
  ) then
    raise exception using
      errcode = 'invalid_parameter_value',
      message = 'That address is yours already.',
      column = 'email';
  end if;
  return app_private.send_code('add_address', v_address, app_public.current_person_id());
end;
$$;
grant execute on function app_public.add_email_address(text) to :ROLE_PERSON;
comment on function app_public.add_email_address(text) is
  E'Mails a code to a further address of yours. With it, `confirmEmailAddress` adds the address.\n\nAn address of another account gives the same answer; its mail says so.\n\n- `email`: the address.\n\nErrors: `SIGN_IN_AGAIN` without a sign-in of the last ten minutes; `BAD_USER_INPUT` naming the argument.';
--! EndIncluded functions/app_public/add_email_address.sql
--! Included functions/app_public/confirm_email_address.sql
create or replace function app_public.confirm_email_address(id uuid, code text)
returns app_public.email_addresses
language plpgsql volatile
security definer -- callers have no right to add addresses: they prove them
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_code app_private.mail_codes := app_private.redeem_code(
    confirm_email_address.id, confirm_email_address.code, 'add_address'
  );
  v_address app_public.email_addresses;
begin
  if v_code.id is null then
    return null;
  end if;
  insert into app_public.email_addresses (person_id, address)
  values (v_code.person_id, v_code.address)
  on conflict (address) do nothing
  returning * into v_address;

  if found then
    perform app_private.record_event(v_code.person_id, 'address_added', null, v_code.address);
  end if;
  return v_address;
end;
$$;
grant execute on function app_public.confirm_email_address(uuid, text) to :ROLE_PERSON;
comment on function app_public.confirm_email_address(uuid, text) is
  E'Adds the address to which a code was mailed. You are told at your other addresses.\n\nThe result is null when the code is wrong, was used, has expired, or is not yours.\n\n- `id`: what `addEmailAddress` answered.\n- `code`: what was mailed.';
--! EndIncluded functions/app_public/confirm_email_address.sql
--! Included functions/app_public/make_email_address_primary.sql
create or replace function app_public.make_email_address_primary(id uuid)
returns app_public.email_addresses
language plpgsql volatile
security definer -- callers have no right to change addresses
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_address app_public.email_addresses;
begin
  perform app_private.require_recent_sign_in();
  -- Two that choose at once wait for each other here.
  perform from app_public.people where people.id = app_public.current_person_id() for no key update;

  select * into v_address
  from app_public.email_addresses
  where email_addresses.id = make_email_address_primary.id
    and email_addresses.person_id = app_public.current_person_id();
  if not found then
    raise exception using errcode = 'NTFND', message = 'You have no such address.';
  end if;
  if v_address.is_primary then
    return v_address;
  end if;

  update app_public.email_addresses set is_primary = false
  where email_addresses.person_id = v_address.person_id and email_addresses.is_primary;
  update app_public.email_addresses set is_primary = true
  where email_addresses.id = v_address.id
  returning * into v_address;
  perform app_private.record_event(v_address.person_id, 'address_made_primary', null, v_address.address);
  return v_address;
end;
$$;
grant execute on function app_public.make_email_address_primary(uuid) to :ROLE_PERSON;
comment on function app_public.make_email_address_primary(uuid) is
  E'Makes one of your addresses the one that mail goes to. You are told at all of them.\n\n- `id`: the address.\n\nErrors: `SIGN_IN_AGAIN` without a sign-in of the last ten minutes; `NOT_FOUND`.';
--! EndIncluded functions/app_public/make_email_address_primary.sql
--! Included functions/app_public/remove_email_address.sql
create or replace function app_public.remove_email_address(id uuid) returns boolean
language plpgsql volatile
security definer -- callers have no right to delete addresses
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_address app_public.email_addresses;
begin
  perform app_private.require_recent_sign_in();
  select * into v_address
  from app_public.email_addresses
  where email_addresses.id = remove_email_address.id
    and email_addresses.person_id = app_public.current_person_id()
  for update;

  if not found then
    raise exception using errcode = 'NTFND', message = 'You have no such address.';
  end if;
  if v_address.is_primary then
    raise exception using
      errcode = 'raise_exception',
      message = 'Mail goes to this address.',
      hint = 'Make another one primary first.';
  end if;

  delete from app_public.email_addresses where email_addresses.id = v_address.id;
  perform app_private.record_event(v_address.person_id, 'address_removed', null, v_address.address);
  return true;
end;
$$;
grant execute on function app_public.remove_email_address(uuid) to :ROLE_PERSON;
comment on function app_public.remove_email_address(uuid) is
  E'Removes one of your addresses; it can no longer be signed in with. You are told at all of them, this one too.\n\n- `id`: the address; not the primary one.\n\nErrors: `SIGN_IN_AGAIN` without a sign-in of the last ten minutes; `NOT_FOUND`; `REFUSED` for the primary address.';
--! EndIncluded functions/app_public/remove_email_address.sql
