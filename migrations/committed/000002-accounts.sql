--! Previous: sha1:d14d7e9ef50d075caefea4fdae4d3d57fbfc830c
--! Hash: sha1:f0c8e20225ff7e13772d95572264ce9ed7c4306c
--! Message: accounts

--! split: 1-current.sql
/*
 * People, how they sign in, and how a token becomes somebody.
 */
drop table if exists app_private.sessions, app_private.passwords, app_private.salt_keys cascade;
drop table if exists app_public.email_addresses, app_public.people cascade;
drop type if exists app_public.new_session cascade;

-- Rights on people: whom one may see is decided with the organizations. Nobody may insert or delete
-- one directly: sign_up makes people together with their address and password.
create table app_public.people (
  id uuid primary key default app_hidden.new_id(),
  name text not null check (length(name) <= 100 and trim(name) <> ''),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
alter table app_public.people enable row level security;
create policy update_self on app_public.people for update to :ROLE_PERSON
  using (id = (select app_public.current_person_id()));
grant update (name) on app_public.people to :ROLE_PERSON;
comment on table app_public.people is 'Somebody with an account.';
comment on column app_public.people.id is 'Identifies the person.';
comment on column app_public.people.name is 'What others see, 1 to 100 characters.';
comment on column app_public.people.created_at is 'When the account was made.';
comment on column app_public.people.updated_at is 'When this last changed.';
create trigger _100_stamps before insert or update on app_public.people
  for each row execute function app_private.tg__stamps();

-- Its own table, so that a person can have several. Read only: an address is proven, not typed in.
create table app_public.email_addresses (
  id uuid primary key default app_hidden.new_id(),
  person_id uuid not null references app_public.people on delete cascade,
  address text not null unique check (address = lower(address) and length(address) <= 254),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index on app_public.email_addresses (person_id);
alter table app_public.email_addresses enable row level security;
create policy select_self on app_public.email_addresses for select to :ROLE_PERSON
  using (person_id = (select app_public.current_person_id()));
grant select on app_public.email_addresses to :ROLE_PERSON;
comment on table app_public.email_addresses is 'Where a person is reached and what they sign in with. You see your own.';
comment on column app_public.email_addresses.id is 'Identifies the address.';
comment on column app_public.email_addresses.person_id is 'Whose address it is.';
comment on column app_public.email_addresses.address is 'The address, in lower case.';
comment on column app_public.email_addresses.created_at is 'When it was added.';
comment on column app_public.email_addresses.updated_at is 'When this last changed.';
create trigger _100_stamps before insert or update on app_public.email_addresses
  for each row execute function app_private.tg__stamps();

-- The check is what guarantees that a password can only ever be stored hashed: a server that forgot
-- to hash is refused here.
create table app_private.passwords (
  person_id uuid primary key references app_public.people on delete cascade,
  hash text not null check (hash ~ '^\$argon2id\$v=19\$m=\d+,t=\d+,p=\d+\$[^$]+\$[^$]+$'),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
alter table app_private.passwords enable row level security;
comment on table app_private.passwords is 'How people prove who they are.';
comment on column app_private.passwords.person_id is 'Whose password it is.';
comment on column app_private.passwords.hash is 'Argon2id in PHC form: parameters, salt and hash.';
comment on column app_private.passwords.created_at is 'When the person first had a password.';
comment on column app_private.passwords.updated_at is 'When it was last changed.';
create trigger _100_stamps before insert or update on app_private.passwords
  for each row execute function app_private.tg__stamps();

create table app_private.salt_keys (
  is_only boolean primary key default true check (is_only),
  key bytea not null default uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())
);
alter table app_private.salt_keys enable row level security;
comment on table app_private.salt_keys is 'One row: the secret from which salts for unknown addresses are made.';
comment on column app_private.salt_keys.is_only is 'Keeps the table at one row.';
comment on column app_private.salt_keys.key is 'The secret.';
insert into app_private.salt_keys default values;

create table app_private.sessions (
  id uuid primary key default app_hidden.new_id(),
  person_id uuid not null references app_public.people on delete cascade,
  token_hash bytea not null unique check (length(token_hash) = 32),
  created_at timestamptz not null default now(),
  expires_at timestamptz not null default now() + interval '30 days'
);
create index on app_private.sessions (person_id);
create index on app_private.sessions (expires_at);
alter table app_private.sessions enable row level security;
comment on table app_private.sessions is 'Who is signed in. Deleting a row signs its bearer out at once.';
comment on column app_private.sessions.id is 'Identifies the session.';
comment on column app_private.sessions.person_id is 'Who is signed in.';
comment on column app_private.sessions.token_hash is 'SHA-256 of the token; the token itself is never stored.';
comment on column app_private.sessions.created_at is 'When it began.';
comment on column app_private.sessions.expires_at is 'When it ends by itself.';

create type app_public.new_session as (token text, expires_at timestamptz);
comment on type app_public.new_session is 'A session that has just begun.';
comment on column app_public.new_session.token is 'Proves who you are; shown this one time. Send it as `Authorization: Bearer <token>`.';
comment on column app_public.new_session.expires_at is 'When it ends by itself.';

--! Included functions/app_hidden/current_session_id.sql
create or replace function app_hidden.current_session_id() returns uuid
language sql stable parallel safe
as $$
  select nullif(pg_catalog.current_setting('plinth.session_id', true), '')::pg_catalog.uuid;
$$;
grant execute on function app_hidden.current_session_id() to :ROLE_PERSON;
comment on function app_hidden.current_session_id() is
  'The id of the session that the caller''s token belongs to, or null without one.';
--! EndIncluded functions/app_hidden/current_session_id.sql
--! Included functions/app_private/identify.sql
-- Answers "who is calling?" for every statement the API sends: a row per setting to apply for that
-- statement alone. The server applies whatever comes back and knows none of the names, so this
-- function is the only place where a token becomes a role. Every setting is named in every answer:
-- one left over from an earlier transaction would otherwise speak for somebody else.
create or replace function app_private.identify(token_hash bytea)
returns table (setting text, value text)
language plpgsql stable rows 3
security definer -- callers have no right to read sessions
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_session app_private.sessions;
begin
  if identify.token_hash is null then
    return query values
      ('role', ':ROLE_ANONYMOUS'), ('plinth.person_id', ''), ('plinth.session_id', '');
    return;
  end if;

  select * into v_session
  from app_private.sessions
  where sessions.token_hash = identify.token_hash and sessions.expires_at > now();

  if not found then
    raise exception using
      errcode = 'invalid_authorization_specification',
      message = 'Your session has ended.',
      hint = 'Sign in again, or leave the token out to call as anonymous.';
  end if;

  return query values
    ('role', ':ROLE_PERSON'),
    ('plinth.person_id', v_session.person_id::text),
    ('plinth.session_id', v_session.id::text);
end;
$$;
grant execute on function app_private.identify(bytea) to :ROLE_AUTHENTICATOR;
comment on function app_private.identify(bytea) is
  E'The settings under which the bearer of a token acts, given the SHA-256 of that token; without one, those of an anonymous caller.\n\nErrors: `28000` when the session has ended.';
--! EndIncluded functions/app_private/identify.sql
--! Included functions/app_private/start_session.sql
-- 244 random bits from the server's own generator. Only their hash is kept: who can read the table,
-- or a backup of it, cannot sign in with what they find.
create or replace function app_private.start_session(person_id uuid)
returns app_public.new_session
language plpgsql volatile
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_token text := encode(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()), 'hex');
  v_session app_private.sessions;
begin
  insert into app_private.sessions (person_id, token_hash)
  values (start_session.person_id, sha256(convert_to(v_token, 'UTF8')))
  returning * into v_session;

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
  with purged as (
    delete from app_private.sessions where expires_at <= now() returning 1
  )
  select count(*) from purged;
$$;
comment on function app_private.purge_expired_sessions() is
  'Removes the sessions that have ended and returns how many there were.';
--! EndIncluded functions/app_private/purge_expired_sessions.sql
--! Included functions/app_hidden/password_salt.sql
-- The server must hash a password before it can ask whether it is right, and for that it needs the
-- salt. An address without an account gets a salt too, always the same one for the same address, so
-- that the answer does not tell which addresses are known. The hash itself never leaves the database.
create or replace function app_hidden.password_salt(email text) returns text
language sql stable
security definer -- callers have no right to read passwords
set search_path to pg_catalog, public, pg_temp
as $$
  select coalesce(
    (
      select substring(passwords.hash from '^(.*)\$[^$]*$')
      from app_public.email_addresses
      join app_private.passwords on passwords.person_id = email_addresses.person_id
      where email_addresses.address = lower(trim(password_salt.email))
    ),
    (
      select '$argon2id$v=19$m=19456,t=2,p=1$' || rtrim(
        encode(
          substring(sha256(salt_keys.key || convert_to(lower(trim(password_salt.email)), 'UTF8')) from 1 for 16),
          'base64'
        ),
        '='
      )
      from app_private.salt_keys
    )
  );
$$;
grant execute on function app_hidden.password_salt(text) to :ROLE_ANONYMOUS, :ROLE_PERSON;
comment on function app_hidden.password_salt(text) is
  'The parameters and salt with which to hash a password given for an address; made up, but steady, where the address has no account.';
--! EndIncluded functions/app_hidden/password_salt.sql
--! Included functions/app_public/sign_up.sql
-- Definer: an anonymous caller may create an account, but has no other right on any of these tables.
-- A known address gets the same answer as a new one, and its owner is told by mail, so that nobody
-- can learn here who has an account.
create or replace function app_public.sign_up(email text, name text, password text) returns text
language plpgsql volatile
security definer
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_address text := lower(trim(sign_up.email));
  v_name text := trim(sign_up.name);
  v_person_id uuid;
begin
  if v_address !~ '^[^@\s]+@[^@\s]+\.[^@\s]+$' or length(v_address) > 254 then
    raise exception using
      errcode = 'invalid_parameter_value',
      message = 'That is not an email address.',
      hint = 'Write it as name@example.com.',
      column = 'email';
  end if;
  if length(v_name) not between 1 and 100 then
    raise exception using
      errcode = 'invalid_parameter_value',
      message = 'A name has 1 to 100 characters.',
      column = 'name';
  end if;

  insert into app_public.people (name) values (v_name) returning id into v_person_id;
  insert into app_public.email_addresses (person_id, address)
  values (v_person_id, v_address)
  on conflict (address) do nothing;

  if found then
    insert into app_private.passwords (person_id, hash) values (v_person_id, sign_up.password);
    perform graphile_worker.add_job('person__send_welcome', json_build_object('personId', v_person_id));
  else
    delete from app_public.people where people.id = v_person_id;
    perform graphile_worker.add_job(
      'person__send_already_registered',
      (
        select json_build_object('personId', email_addresses.person_id)
        from app_public.email_addresses
        where email_addresses.address = v_address
      )
    );
  end if;

  return v_address;
end;
$$;
grant execute on function app_public.sign_up(text, text, text) to :ROLE_ANONYMOUS;
comment on function app_public.sign_up(text, text, text) is
  E'Creates an account and mails a welcome to its address, which is also the result. Then use `signIn`.\n\nAn address that has an account already gives the same answer; its owner is told by mail.\n\n- `email`: where you can be reached, and what you sign in with.\n- `name`: what others see, 1 to 100 characters.\n- `password`: 10 to 200 characters.\n\nErrors: `BAD_USER_INPUT` naming the argument.';
--! EndIncluded functions/app_public/sign_up.sql
--! Included functions/app_public/sign_in.sql
-- Definer: reads passwords. By the time it is called the password has been hashed with the salt that
-- app_hidden.password_salt gave. A refusal is null, not an exception, so that whatever is recorded
-- about the attempt is kept.
create or replace function app_public.sign_in(email text, password text) returns app_public.new_session
language plpgsql volatile
security definer
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_person_id uuid;
begin
  select passwords.person_id into v_person_id
  from app_public.email_addresses
  join app_private.passwords on passwords.person_id = email_addresses.person_id
  where email_addresses.address = lower(trim(sign_in.email))
    and passwords.hash = sign_in.password;

  if not found then
    return null;
  end if;
  return app_private.start_session(v_person_id);
end;
$$;
grant execute on function app_public.sign_in(text, text) to :ROLE_ANONYMOUS, :ROLE_PERSON;
comment on function app_public.sign_in(text, text) is
  E'Starts a session. Send its token as `Authorization: Bearer <token>` from then on.\n\nThe result is null when no account has this address and password; which of the two was wrong is not told.\n\n- `email`: an address of the account.\n- `password`: its password.';
--! EndIncluded functions/app_public/sign_in.sql
--! Included functions/app_public/sign_out.sql
create or replace function app_public.sign_out() returns boolean
language plpgsql volatile
security definer -- callers have no right on sessions
set search_path to pg_catalog, public, pg_temp
as $$
begin
  delete from app_private.sessions where sessions.id = app_hidden.current_session_id();
  return found;
end;
$$;
grant execute on function app_public.sign_out() to :ROLE_PERSON;
comment on function app_public.sign_out() is
  'Ends the session of the token you send: from the next request on it is refused. True when it was still running.';
--! EndIncluded functions/app_public/sign_out.sql
--! Included functions/app_public/current_person.sql
create or replace function app_public.current_person() returns app_public.people
language sql stable
as $$
  select people.* from app_public.people where people.id = app_public.current_person_id();
$$;
grant execute on function app_public.current_person() to :ROLE_ANONYMOUS, :ROLE_PERSON;
comment on function app_public.current_person() is
  'The person who is signed in, or null for an anonymous caller.';
--! EndIncluded functions/app_public/current_person.sql
