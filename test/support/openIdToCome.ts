/**
 * What signing in with others calls and another part of the database will bring: to be removed, with its
 * uses, as soon as that is there.
 */
export const openIdToCome = `
  create table app_private.events_to_come (person_id uuid, kind text, detail text, request text);
  create function app_private.record_event(
    person_id uuid, kind text, organization_id uuid default null, detail text default null
  ) returns void language sql security definer as $$
    insert into app_private.events_to_come values ($1, $2, $4, current_setting('plinth.request', true))
  $$;
  create function app_private.request_network() returns text language sql as $$
    select nullif(current_setting('plinth.request', true), '')::jsonb ->> 'address'
  $$;
  create function app_private.require_recent_sign_in() returns void
  language plpgsql set search_path to pg_catalog, public, pg_temp as $$
  begin
    if not exists (
      select from app_private.sessions
      where id = app_hidden.current_session_id() and created_at > now() - interval '10 minutes'
    ) then
      raise exception using errcode = 'REAUT', message = 'Sign in again for this.';
    end if;
  end $$;
`
