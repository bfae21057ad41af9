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

--!include functions/app_private/tg_open_id_accounts__unlink.sql
-- Not where a person is deleted and their accounts with them.
create trigger _500_unlink before delete on app_public.open_id_accounts
  for each row when (pg_trigger_depth() = 0)
  execute function app_private.tg_open_id_accounts__unlink();

--!include functions/app_hidden/begin_open_id_attempt.sql
--!include functions/app_private/take_open_id_attempt.sql
--!include functions/app_private/open_id_address.sql
--!include functions/app_private/sign_in_with_open_id.sql
--!include functions/app_private/link_open_id.sql
--!include functions/app_private/purge_open_id_attempts.sql
