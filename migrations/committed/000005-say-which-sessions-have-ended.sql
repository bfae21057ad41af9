--! Previous: sha1:9527b5ba32c0dbf0ef1b282794234671c56f9e37
--! Hash: sha1:88fd18db48e4c3527908caf59e03dc5aaace3167
--! Message: Say which sessions have ended

--! split: 1-current.sql
-- Write the next change here: `npx plinth db watch` runs it on each save.

--! Included functions/app_private/ended_sessions.sql
-- For whoever stays connected: the server asks it a few times a second about all of them at once, where
-- app_private.identify is asked at each statement about one. The two have to agree on what has ended.
create or replace function app_private.ended_sessions(token_hashes bytea[]) returns setof bytea
language sql stable rows 10
security definer -- the API has no right to read sessions
set search_path to pg_catalog, public, pg_temp
as $$
  select token_hash
  from unnest(ended_sessions.token_hashes) as token_hash
  where not exists (
    select from app_private.sessions
    where sessions.token_hash = token_hash.token_hash and sessions.expires_at > now()
  );
$$;
grant execute on function app_private.ended_sessions(bytea[]) to :ROLE_AUTHENTICATOR;
comment on function app_private.ended_sessions(bytea[]) is
  'Of these SHA-256 of tokens, those whose session has ended.';
--! EndIncluded functions/app_private/ended_sessions.sql
