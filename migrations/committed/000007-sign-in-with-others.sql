--! Previous: sha1:956fe37936a0c5df1ebfb8a61772381d8a3a5cfb
--! Hash: sha1:5126aa38b9dd8baaba7273657b99852b4c1fc16b
--! Message: Sign in with others

--! split: 1-current.sql
/*
 * Signing in with others by OpenID Connect. The server speaks with providers; here stand what it has to
 * remember between the two halves of a sign-in, and who somebody is to a provider.
 */
drop table if exists app_private.open_id_attempts, app_public.open_id_accounts cascade;

insert into app_public.security_event_kinds (kind, description, notice) values
  ('open_id_signed_in', 'Somebody signed in with another provider.', null),
  ('open_id_linked', 'An account elsewhere became a way to sign in.', 'An account elsewhere became a way to sign in'),
  ('open_id_unlinked', 'An account elsewhere is no way to sign in any more.',
    'An account elsewhere is no way to sign in any more')
on conflict (kind) do nothing;

-- What can open an account here is kept apart from what names it there: an attempt is worth nothing
-- without the answer of the provider, and that answer nothing without the attempt. Its id is random
-- throughout, since whoever holds it and the provider's answer is signed in.
create table app_private.open_id_attempts (
  id uuid primary key default gen_random_uuid(),
  provider text not null,
  state_hash bytea not null check (length(state_hash) = 32),
  nonce text not null,
  verifier text not null,
  network text,
  session_id uuid,
  expires_at timestamptz not null default now() + interval '10 minutes'
);
create index on app_private.open_id_attempts (expires_at);
create index on app_private.open_id_attempts (network);
alter table app_private.open_id_attempts enable row level security;
comment on table app_private.open_id_attempts is 'Sign-ins that people have gone to a provider for. A row serves once.';
comment on column app_private.open_id_attempts.id is 'Identifies the attempt; known to the one who began it alone.';
comment on column app_private.open_id_attempts.provider is 'With whom, by its name in the settings.';
comment on column app_private.open_id_attempts.state_hash is 'SHA-256 of the text by which the provider''s answer is known to belong to the attempt.';
comment on column app_private.open_id_attempts.nonce is 'The text that ties the provider''s ID token to the attempt.';
comment on column app_private.open_id_attempts.verifier is 'The secret (PKCE) without which the provider''s code is worth nothing.';
comment on column app_private.open_id_attempts.network is 'Where it was begun from, to count by; null where that is not known.';
comment on column app_private.open_id_attempts.session_id is 'The session whose person is to be linked; null to sign in.';
comment on column app_private.open_id_attempts.expires_at is 'When it ends by itself.';

-- Nobody may insert or update: an account is linked by what its provider says, and by nothing a client says.
create table app_public.open_id_accounts (
  id uuid primary key default app_hidden.new_id(),
  person_id uuid not null references app_public.people on delete cascade,
  issuer text not null check (length(issuer) <= 1000),
  subject text not null check (length(subject) <= 255),
  email text check (length(email) <= 254),
  created_at timestamptz not null default now(),
  last_used_at timestamptz not null default now(),
  unique (issuer, subject)
);
create index on app_public.open_id_accounts (person_id);
alter table app_public.open_id_accounts enable row level security;
create policy select_self on app_public.open_id_accounts for select to :ROLE_PERSON
  using (person_id = (select app_public.current_person_id()));
create policy delete_self on app_public.open_id_accounts for delete to :ROLE_PERSON
  using (person_id = (select app_public.current_person_id()));
grant select, delete on app_public.open_id_accounts to :ROLE_PERSON;
comment on table app_public.open_id_accounts is E'An account elsewhere that a person signs in with. You see your own; deleting one ends that, and needs a sign-in of the last ten minutes.';
comment on column app_public.open_id_accounts.id is 'Identifies the link.';
comment on column app_public.open_id_accounts.person_id is 'Whose account it is.';
comment on column app_public.open_id_accounts.issuer is 'The address by which the provider is known, such as `https://accounts.google.com`.';
comment on column app_public.open_id_accounts.subject is 'Who the person is to the provider.';
comment on column app_public.open_id_accounts.email is 'The address that the provider last had for them, or null.';
comment on column app_public.open_id_accounts.created_at is 'When it was linked.';
comment on column app_public.open_id_accounts.last_used_at is 'When somebody last signed in with it.';

--! Included functions/app_private/tg_open_id_accounts__unlink.sql
create or replace function app_private.tg_open_id_accounts__unlink() returns trigger
language plpgsql volatile
security definer -- callers have no right to look at sessions, nor to write the log
set search_path to pg_catalog, public, pg_temp
as $$
begin
  perform app_private.require_recent_sign_in();
  perform app_private.record_event(old.person_id, 'open_id_unlinked', null, old.issuer);
  return old;
end;
$$;
comment on function app_private.tg_open_id_accounts__unlink() is
  'Trigger: lets only somebody who signed in a moment ago take away a way to sign in, and records it.';
--! EndIncluded functions/app_private/tg_open_id_accounts__unlink.sql
-- Not where a person is deleted and their accounts with them.
create trigger _500_unlink before delete on app_public.open_id_accounts
  for each row when (pg_trigger_depth() = 0)
  execute function app_private.tg_open_id_accounts__unlink();

--! Included functions/app_hidden/begin_open_id_attempt.sql
-- Definer: an anonymous caller may begin a sign-in, and has no other right on attempts. Everybody can
-- begin as many as they like and never come back, so the open ones are counted: those of a network, so
-- that it shuts nobody else out, and all, so that many networks do not fill the table. Two that count at
-- the same moment do not see each other, which lets a few more through and is no harm.
create or replace function app_hidden.begin_open_id_attempt(
  provider text, state_hash bytea, nonce text, verifier text, is_link boolean
)
returns table (id uuid, expires_at timestamptz)
language plpgsql volatile rows 1
security definer
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_network text := app_private.request_network();
begin
  if begin_open_id_attempt.is_link then
    perform app_private.require_recent_sign_in();
  end if;

  delete from app_private.open_id_attempts
  where open_id_attempts.id in (
    select expired.id
    from app_private.open_id_attempts as expired
    where expired.expires_at <= now()
    for update skip locked
  );

  if (select count(*) from app_private.open_id_attempts) >= 20000
    or (select count(*) from app_private.open_id_attempts where network = v_network) >= 300 then
    raise exception using
      errcode = 'TMANY',
      message = 'Too many sign-ins have been begun and not finished.',
      hint = 'Try again in ten minutes, or sign in another way.';
  end if;

  return query
    insert into app_private.open_id_attempts (provider, state_hash, nonce, verifier, network, session_id)
    values (
      begin_open_id_attempt.provider, begin_open_id_attempt.state_hash, begin_open_id_attempt.nonce,
      begin_open_id_attempt.verifier, v_network,
      case when begin_open_id_attempt.is_link then app_hidden.current_session_id() end
    )
    returning open_id_attempts.id, open_id_attempts.expires_at;
end;
$$;
grant execute on function app_hidden.begin_open_id_attempt(text, bytea, text, text, boolean)
  to :ROLE_ANONYMOUS, :ROLE_PERSON;
comment on function app_hidden.begin_open_id_attempt(text, bytea, text, text, boolean) is
  E'Remembers what the answer of a provider will be checked by; to be linked to the caller where `is_link` says so.\n\nErrors: `TMANY` when too many are open; `REAUT` when a link is asked for without a recent sign-in.';
--! EndIncluded functions/app_hidden/begin_open_id_attempt.sql
--! Included functions/app_private/take_open_id_attempt.sql
-- Read and gone in one statement: of two who come with the same answer, one finds nothing. An answer
-- with another state leaves the attempt alone, or whoever slips a person a wrong one would end their sign-in.
create or replace function app_private.take_open_id_attempt(id uuid, state_hash bytea)
returns table (provider text, nonce text, verifier text, session_id uuid)
language sql volatile rows 1
security definer -- the API has no right on attempts
set search_path to pg_catalog, public, pg_temp
as $$
  delete from app_private.open_id_attempts
  where open_id_attempts.id = take_open_id_attempt.id
    and open_id_attempts.state_hash = take_open_id_attempt.state_hash
    and open_id_attempts.expires_at > now()
  returning
    open_id_attempts.provider, open_id_attempts.nonce, open_id_attempts.verifier, open_id_attempts.session_id;
$$;
grant execute on function app_private.take_open_id_attempt(uuid, bytea) to :ROLE_AUTHENTICATOR;
comment on function app_private.take_open_id_attempt(uuid, bytea) is
  'What the answer to an attempt is checked by, this one time; no row when it is unknown, used, expired or not the one that was answered.';
--! EndIncluded functions/app_private/take_open_id_attempt.sql
--! Included functions/app_private/open_id_address.sql
-- Only ASCII letters are made lower case. Among the others there are some, such as the Kelvin sign, whose
-- lower case is an ASCII letter: their bearer would become somebody else.
create or replace function app_private.open_id_address(email text) returns text
language sql immutable
as $$
  select address
  from lower(trim(open_id_address.email) collate "C") as address
  where address ~ '^[^@\s]+@[^@\s]+\.[^@\s]+$' and length(address) <= 254
    and address = lower(address collate "default");
$$;
comment on function app_private.open_id_address(text) is
  'An address of a provider in the form in which addresses are kept here; null when it is none.';
--! EndIncluded functions/app_private/open_id_address.sql
--! Included functions/app_private/sign_in_with_open_id.sql
-- For the server alone, which has checked with the provider what it says here: whoever could call this
-- could be anybody. The address only ever counts the first time; from then on it is the subject that is
-- known, since an address can get another owner and a subject cannot.
create or replace function app_private.sign_in_with_open_id(
  issuer text, subject text, email text, is_email_verified boolean, name text, request text
)
returns app_public.new_session
language plpgsql volatile
security definer -- the API has no right on people
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_address text := app_private.open_id_address(sign_in_with_open_id.email);
  v_person_id uuid;
begin
  perform set_config('plinth.request', sign_in_with_open_id.request, true);
  -- Two first sign-ins of one account would otherwise make two people.
  perform pg_advisory_xact_lock(
    hashtextextended(format('%s %s', sign_in_with_open_id.issuer, sign_in_with_open_id.subject), 0)
  );

  update app_public.open_id_accounts
  set last_used_at = now(), email = v_address
  where open_id_accounts.issuer = sign_in_with_open_id.issuer
    and open_id_accounts.subject = sign_in_with_open_id.subject
  returning open_id_accounts.person_id into v_person_id;

  if v_person_id is null then
    if v_address is null or sign_in_with_open_id.is_email_verified is not true then
      return null;
    end if;

    insert into app_public.people (name)
    values (
      coalesce(
        nullif(trim(left(trim(sign_in_with_open_id.name), 100)), ''),
        left(split_part(v_address, '@', 1), 100)
      )
    )
    returning people.id into v_person_id;
    insert into app_public.email_addresses (person_id, address, is_primary)
    values (v_person_id, v_address, true)
    on conflict (address) do nothing;

    if found then
      perform app_private.record_event(v_person_id, 'signed_up');
      perform graphile_worker.add_job('person__send_welcome', json_build_object('personId', v_person_id));
    else
      -- An address stands there only once it was proven, and it is proven here: both are one person.
      delete from app_public.people where people.id = v_person_id;
      select email_addresses.person_id into v_person_id
      from app_public.email_addresses
      where email_addresses.address = v_address;
      perform app_private.record_event(v_person_id, 'open_id_linked', null, sign_in_with_open_id.issuer);
    end if;

    insert into app_public.open_id_accounts (person_id, issuer, subject, email)
    values (v_person_id, sign_in_with_open_id.issuer, sign_in_with_open_id.subject, v_address);
  end if;

  perform app_private.record_event(v_person_id, 'open_id_signed_in', null, sign_in_with_open_id.issuer);
  return app_private.start_session(v_person_id);
end;
$$;
grant execute on function app_private.sign_in_with_open_id(text, text, text, boolean, text, text)
  to :ROLE_AUTHENTICATOR;
comment on function app_private.sign_in_with_open_id(text, text, text, boolean, text, text) is
  'Starts a session for the person whom a provider has vouched for: the one whose account it is, the one whose address it is, or a new one. Null when the account is new and the provider does not vouch for its address. `request` is what is known of the request.';
--! EndIncluded functions/app_private/sign_in_with_open_id.sql
--! Included functions/app_private/link_open_id.sql
-- For the server alone, like app_private.sign_in_with_open_id. The session is looked up again here: who
-- ends a session must end what was begun with it too.
create or replace function app_private.link_open_id(
  session_id uuid, issuer text, subject text, email text, request text
)
returns boolean
language plpgsql volatile
security definer -- the API has no right on sessions
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_person_id uuid;
begin
  perform set_config('plinth.request', link_open_id.request, true);
  select sessions.person_id into v_person_id
  from app_public.sessions
  where sessions.id = link_open_id.session_id and sessions.expires_at > now();
  if not found then
    return null;
  end if;

  insert into app_public.open_id_accounts (person_id, issuer, subject, email)
  values (
    v_person_id, link_open_id.issuer, link_open_id.subject, app_private.open_id_address(link_open_id.email)
  )
  on conflict on constraint open_id_accounts_issuer_subject_key do nothing;
  if found then
    perform app_private.record_event(v_person_id, 'open_id_linked', null, link_open_id.issuer);
  end if;

  return exists (
    select from app_public.open_id_accounts
    where open_id_accounts.issuer = link_open_id.issuer
      and open_id_accounts.subject = link_open_id.subject
      and open_id_accounts.person_id = v_person_id
  );
end;
$$;
grant execute on function app_private.link_open_id(uuid, text, text, text, text) to :ROLE_AUTHENTICATOR;
comment on function app_private.link_open_id(uuid, text, text, text, text) is
  'Links an account that a provider has vouched for to the person of a session. True when it is theirs now, false when it is somebody else''s, null when the session has ended.';
--! EndIncluded functions/app_private/link_open_id.sql
--! Included functions/app_private/purge_open_id_attempts.sql
create or replace function app_private.purge_open_id_attempts() returns bigint
language sql volatile
as $$
  with purged as (
    delete from app_private.open_id_attempts
    where id in (
      select open_id_attempts.id from app_private.open_id_attempts where expires_at <= now() limit 10000
    )
    returning 1
  )
  select count(*) from purged;
$$;
comment on function app_private.purge_open_id_attempts() is
  'Removes up to 10,000 sign-ins with others that nobody finished, and returns how many there were.';
--! EndIncluded functions/app_private/purge_open_id_attempts.sql
