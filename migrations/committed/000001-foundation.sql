--! Previous: -
--! Hash: sha1:d14d7e9ef50d075caefea4fdae4d3d57fbfc830c
--! Message: foundation

--! split: 1-current.sql
/*
 * The ground that every application stands on: where things live and what nobody may do by default.
 *
 * app_public   what the API shows
 * app_hidden   what callers need to run, but the API does not show (helpers of policies)
 * app_private  for the owner only: secrets, sessions, trigger functions
 *
 * The roles exist before any migration runs: `plinth db migrate` makes them, since a role belongs to
 * the whole cluster and not to one database.
 */
drop schema if exists app_public, app_hidden, app_private cascade;

-- The form without "in schema" is the one that takes effect: a new function is nobody's until granted.
alter default privileges revoke execute on functions from public;

create schema app_public;
grant usage on schema app_public
  to :ROLE_AUTHENTICATOR, :ROLE_ANONYMOUS, :ROLE_PERSON, :ROLE_DEVICE;
comment on schema app_public is 'What the API shows.';

create schema app_hidden;
grant usage on schema app_hidden to :ROLE_ANONYMOUS, :ROLE_PERSON, :ROLE_DEVICE;
comment on schema app_hidden is 'What callers run without the API showing it: helpers of policies.';

-- The authenticator runs app_private.identify, and nothing else in there is granted to it.
create schema app_private;
grant usage on schema app_private to :ROLE_AUTHENTICATOR;
comment on schema app_private is 'For the owner only: secrets, sessions, trigger functions.';

--! Included functions/app_hidden/new_id.sql
-- A UUID of version 7 (RFC 9562): 48 bits of milliseconds, then random bits, so that ids sort by
-- the time they were made. Written here because Postgres has its own only from version 18.
create or replace function app_hidden.new_id() returns uuid
language sql volatile parallel safe
as $$
  select encode(
    set_bit(
      set_bit(
        overlay(
          uuid_send(gen_random_uuid())
          placing substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3)
          from 1 for 6
        ),
        52, 1
      ),
      53, 1
    ),
    'hex'
  )::uuid;
$$;
grant execute on function app_hidden.new_id() to :ROLE_PERSON, :ROLE_DEVICE;
comment on function app_hidden.new_id() is
  'A new id: a version 7 UUID, which sorts by the time it was made.';
--! EndIncluded functions/app_hidden/new_id.sql
--! Included functions/app_private/tg__stamps.sql
-- Keeps the two stamps honest whatever a client sends: the first never moves, the second always does.
create or replace function app_private.tg__stamps() returns trigger
language plpgsql volatile
set search_path to pg_catalog, public, pg_temp
as $$
begin
  new.created_at = case when tg_op = 'INSERT' then now() else old.created_at end;
  new.updated_at = now();
  return new;
end;
$$;
comment on function app_private.tg__stamps() is
  'Trigger: sets created_at once and updated_at at each change.';
--! EndIncluded functions/app_private/tg__stamps.sql
--! Included functions/app_private/tg__append_only.sql
-- Records that others rely on are never rewritten, not even by the owner's own code.
create or replace function app_private.tg__append_only() returns trigger
language plpgsql volatile
set search_path to pg_catalog, public, pg_temp
as $$
begin
  raise exception using
    errcode = 'IMMUT',
    message = 'A record of this kind cannot be changed.',
    detail = format('%I.%I is append-only.', tg_table_schema, tg_table_name);
end;
$$;
comment on function app_private.tg__append_only() is
  E'Trigger: refuses every update and delete.\n\nErrors: `IMMUT`.';
--! EndIncluded functions/app_private/tg__append_only.sql
--! Included functions/app_public/current_person_id.sql
-- Small, invoker and without a pinned path on purpose: only so can the planner inline it into policies.
create or replace function app_public.current_person_id() returns uuid
language sql stable parallel safe
as $$
  select nullif(pg_catalog.current_setting('plinth.person_id', true), '')::pg_catalog.uuid;
$$;
grant execute on function app_public.current_person_id() to :ROLE_ANONYMOUS, :ROLE_PERSON, :ROLE_DEVICE;
comment on function app_public.current_person_id() is
  'The id of the person who is signed in, or null for anybody else.';
--! EndIncluded functions/app_public/current_person_id.sql
