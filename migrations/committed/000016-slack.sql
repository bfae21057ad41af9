--! Previous: sha1:15176ec50a4a7b48334d14bb8c2ef7eff9605e44
--! Hash: sha1:532128ed8ccd9564a2cfe4a3551f1a80a9348773
--! Message: slack

--! split: 1-current.sql
/*
 * Slack: an organization connects its workspace; who is linked to a member there opens doors and answers the bell.
 * What Slack says about people is for display alone: who somebody is, they say while they are signed in. The server
 * checks signatures and hands on what they cover; the worker is the one that speaks to Slack. See docs/slack.md.
 */
drop trigger if exists _800_tell_slack on app_public.unlock_commands;
drop trigger if exists _800_show_in_slack on app_public.rings;
drop function if exists app_public.start_slack_install(uuid);
drop function if exists app_public.slack_link_offer(text);
drop function if exists app_private.escape_slack(text);
drop table if exists
  app_private.slack_messages, app_private.slack_receipts, app_private.slack_replies, app_private.slack_link_codes,
  app_private.slack_tokens, app_private.slack_installs, app_public.slack_links, app_public.slack_installations cascade;
drop type if exists app_public.slack_install, app_public.slack_identity cascade;

insert into app_public.security_event_kinds (kind, description, notice) values
  ('slack_connected', 'An organization of theirs was connected to a Slack workspace.',
    'Your organization was connected to a Slack workspace'),
  ('slack_disconnected', 'An organization of theirs was disconnected from its Slack workspace.',
    'Your organization was disconnected from its Slack workspace'),
  ('slack_linked', 'A Slack account was linked, and may open doors as them.',
    'A Slack account was linked, and may open doors as you'),
  ('slack_unlinked', 'A Slack account is linked no longer.', 'A Slack account is linked no longer')
on conflict (kind) do nothing;

insert into app_private.attempt_limits (action, per, most, span) values
  ('slack_link', 'account', 10, '10 minutes'),
  ('slack_link', 'network', 100, '10 minutes')
on conflict do nothing;

-- One workspace for an organization, and one organization for a workspace: a command from there is about its doors
-- and nobody else's. Only the server inserts, with what Slack has told it.
create table app_public.slack_installations (
  organization_id uuid not null references app_public.organizations on delete cascade unique,
  id uuid not null default app_hidden.new_id() unique,
  team_id text not null unique check (team_id ~ '^[A-Z0-9]{1,40}$'),
  team_name text not null check (length(team_name) <= 200),
  bot_user_id text not null check (bot_user_id ~ '^[A-Z0-9]{1,40}$'),
  channel_id text check (channel_id ~ '^[CG][A-Z0-9]{1,39}$'),
  fault text check (length(fault) <= 100),
  installed_by uuid references app_public.people on delete set null,
  installed_at timestamptz not null default now(),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (organization_id, id)
);
create index on app_public.slack_installations (installed_by);
alter table app_public.slack_installations enable row level security;
create policy select_member on app_public.slack_installations for select to :ROLE_PERSON
  using (organization_id = any (array(select app_hidden.my_organization_ids())));
create policy update_manager on app_public.slack_installations for update to :ROLE_PERSON
  using (organization_id = any (array(select app_hidden.my_managed_organization_ids())));
grant select on app_public.slack_installations to :ROLE_PERSON;
grant update (channel_id) on app_public.slack_installations to :ROLE_PERSON;
comment on table app_public.slack_installations is 'The Slack workspace of an organization. Members see it; managers say where the bell is to be heard, connect one by `startSlackInstall` and disconnect it by `disconnectSlack`.';
comment on column app_public.slack_installations.organization_id is 'Whose workspace it is.';
comment on column app_public.slack_installations.id is 'Identifies the installation.';
comment on column app_public.slack_installations.team_id is 'What Slack calls the workspace.';
comment on column app_public.slack_installations.team_name is 'What people call it.';
comment on column app_public.slack_installations.bot_user_id is 'As whom we write there.';
comment on column app_public.slack_installations.channel_id is 'The channel that hears the bell, by its id in Slack, such as `C012AB3CD`; null: none. Our bot has to be in it.';
comment on column app_public.slack_installations.fault is 'Why Slack refused the last message for that channel, in its own word, such as `not_in_channel`; null when it took it.';
comment on column app_public.slack_installations.installed_by is 'Who connected it; null once their account is deleted.';
comment on column app_public.slack_installations.installed_at is 'When it was last connected.';
comment on column app_public.slack_installations.created_at is 'When it was first connected.';
comment on column app_public.slack_installations.updated_at is 'When this last changed.';
create trigger _100_stamps before insert or update on app_public.slack_installations
  for each row execute function app_private.tg__stamps();

-- Encrypted with a key that the database does not have. A token outlives its installation until it is revoked, so it
-- has no foreign key to the organization, whose id is part of what it was encrypted with.
create table app_private.slack_tokens (
  id uuid primary key default app_hidden.new_id(),
  organization_id uuid not null,
  team_id text not null,
  installation_id uuid unique references app_public.slack_installations (id) on delete set null,
  key_id text not null,
  sealed bytea not null
);
create index on app_private.slack_tokens (team_id);
create index on app_private.slack_tokens (key_id);
alter table app_private.slack_tokens enable row level security;
comment on table app_private.slack_tokens is 'The bot tokens of Slack workspaces, encrypted.';
comment on column app_private.slack_tokens.id is 'Identifies the token.';
comment on column app_private.slack_tokens.organization_id is 'Whose it is, or was; with another id it cannot be decrypted.';
comment on column app_private.slack_tokens.team_id is 'What Slack calls the workspace that it is for.';
comment on column app_private.slack_tokens.installation_id is 'What it is for; null when that is gone, and the token is to be revoked.';
comment on column app_private.slack_tokens.key_id is 'The key that it is encrypted with, by its name in the setting ENCRYPTION_KEYS.';
comment on column app_private.slack_tokens.sealed is 'The token, as src/encryption.ts writes it.';
--! Included functions/app_private/tg_slack_tokens__revoke.sql
create or replace function app_private.tg_slack_tokens__revoke() returns trigger
language plpgsql volatile
set search_path to pg_catalog, public, pg_temp
as $$
begin
  perform graphile_worker.add_job(
    'slack_token__revoke', json_build_object('id', new.id),
    queue_name := 'slack', job_key := 'slack_token ' || new.id
  );
  return null;
end;
$$;
comment on function app_private.tg_slack_tokens__revoke() is
  'Trigger: has a token that is of no use any more revoked at Slack.';
--! EndIncluded functions/app_private/tg_slack_tokens__revoke.sql
create trigger _800_revoke after update of installation_id on app_private.slack_tokens
  for each row when (new.installation_id is null) execute function app_private.tg_slack_tokens__revoke();

-- Who went to Slack to connect a workspace; the state that comes back names the row, this once.
create table app_private.slack_installs (
  organization_id uuid not null references app_public.organizations on delete cascade,
  person_id uuid not null references app_public.people on delete cascade,
  state_hash bytea not null unique check (length(state_hash) = 32),
  expires_at timestamptz not null default now() + interval '10 minutes',
  primary key (organization_id, person_id)
);
create index on app_private.slack_installs (person_id);
create index on app_private.slack_installs (expires_at);
alter table app_private.slack_installs enable row level security;
comment on table app_private.slack_installs is 'People who have gone to Slack to connect a workspace. A row serves once.';
comment on column app_private.slack_installs.organization_id is 'What the workspace is to be connected to.';
comment on column app_private.slack_installs.person_id is 'Who began it.';
comment on column app_private.slack_installs.state_hash is 'SHA-256 of the text by which the answer is known to belong to it.';
comment on column app_private.slack_installs.expires_at is 'When it ends by itself.';

create type app_public.slack_install as (state text, expires_at timestamptz);
comment on type app_public.slack_install is 'A way to Slack, to connect a workspace.';
comment on column app_public.slack_install.state is 'The secret by which the way back is known; part of the address.';
comment on column app_public.slack_install.expires_at is 'When it ends by itself.';
--! Included functions/app_public/start_slack_install.sql
create or replace function app_public.start_slack_install(organization_id uuid) returns app_public.slack_install
language plpgsql volatile
security definer -- callers have no right on installs
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_state text := app_private.make_token('');
  v_install app_private.slack_installs;
begin
  if start_slack_install.organization_id <> all (array(select app_hidden.my_managed_organization_ids())) then
    raise exception using
      errcode = 'NTFND',
      message = 'There is no such organization, or you do not manage it.',
      column = 'organization_id';
  end if;
  perform app_private.require_recent_sign_in();

  delete from app_private.slack_installs
  where slack_installs.organization_id = start_slack_install.organization_id
    and slack_installs.person_id = app_public.current_person_id();
  insert into app_private.slack_installs (organization_id, person_id, state_hash)
  values (
    start_slack_install.organization_id, app_public.current_person_id(), sha256(convert_to(v_state, 'UTF8'))
  )
  returning * into v_install;
  return (v_state, v_install.expires_at)::app_public.slack_install;
end;
$$;
grant execute on function app_public.start_slack_install(uuid) to :ROLE_PERSON;
comment on function app_public.start_slack_install(uuid) is
  E'Begins to connect a Slack workspace to an organization: send the browser to the `url` of the result, where Slack asks which workspace. It works once, within ten minutes, and takes the place of one that you began before. Managers may.\n\n- `organizationId`: an organization that you manage. One that has a workspace gets the other in its place.\n\nErrors: `NOT_FOUND`; `SIGN_IN_AGAIN` without a sign-in of the last ten minutes.';
--! EndIncluded functions/app_public/start_slack_install.sql
--! Included functions/app_private/take_slack_install.sql
-- Read and gone in one statement: of two who come back with the same state, one finds nothing.
create or replace function app_private.take_slack_install(state_hash bytea)
returns table (organization_id uuid, person_id uuid)
language sql volatile rows 1
security definer -- the API has no right on installs
set search_path to pg_catalog, public, pg_temp
as $$
  delete from app_private.slack_installs
  where slack_installs.state_hash = take_slack_install.state_hash and slack_installs.expires_at > now()
  returning slack_installs.organization_id, slack_installs.person_id;
$$;
grant execute on function app_private.take_slack_install(bytea) to :ROLE_AUTHENTICATOR;
comment on function app_private.take_slack_install(bytea) is
  'Who went to Slack with a state, and for which organization, this one time; no row when it is unknown, was used or has expired.';
--! EndIncluded functions/app_private/take_slack_install.sql
--! Included functions/app_private/slack_installed.sql
-- For the server alone, which has heard from Slack what it says here. Those who connect one workspace at the same
-- moment wait for each other. A token that is not kept is let go and not revoked: Slack may have given the same one
-- to the organization that has the workspace.
create or replace function app_private.slack_installed(
  organization_id uuid, person_id uuid, team_id text, team_name text, bot_user_id text, key_id text, sealed bytea
)
returns jsonb
language plpgsql volatile
security definer -- the API has no right on installations and tokens
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_organization app_public.organizations;
  v_installation_id uuid;
begin
  perform pg_advisory_xact_lock(hashtextextended('slack ' || slack_installed.team_id, 0));
  select organizations.* into v_organization
  from app_public.organizations
  where organizations.id = slack_installed.organization_id
  for no key update;
  perform
  from app_public.memberships
  where memberships.organization_id = slack_installed.organization_id
    and memberships.person_id = slack_installed.person_id
    and memberships.role in ('owner', 'manager')
  for share;
  if not found then
    return jsonb_build_object('refusal', 'You do not manage this organization any more.');
  end if;
  if exists (
    select from app_public.slack_installations
    where slack_installations.team_id = slack_installed.team_id
      and slack_installations.organization_id <> slack_installed.organization_id
  ) then
    return jsonb_build_object(
      'refusal', 'This Slack workspace is connected to another organization. It has to be disconnected there first.'
    );
  end if;

  delete from app_public.slack_installations
  where slack_installations.organization_id = slack_installed.organization_id
    and slack_installations.team_id <> slack_installed.team_id;
  insert into app_public.slack_installations as installations
    (organization_id, team_id, team_name, bot_user_id, installed_by)
  values (
    slack_installed.organization_id, slack_installed.team_id, slack_installed.team_name, slack_installed.bot_user_id,
    slack_installed.person_id
  )
  on conflict on constraint slack_installations_team_id_key do update
  set
    team_name = excluded.team_name,
    bot_user_id = excluded.bot_user_id,
    installed_by = excluded.installed_by,
    installed_at = now(),
    fault = null
  returning installations.id into v_installation_id;
  -- What waits to be revoked may be this very token: Slack gives a workspace the one that it has.
  delete from app_private.slack_tokens
  where slack_tokens.team_id = slack_installed.team_id and slack_tokens.installation_id is null;
  insert into app_private.slack_tokens (organization_id, team_id, installation_id, key_id, sealed)
  values (
    slack_installed.organization_id, slack_installed.team_id, v_installation_id, slack_installed.key_id,
    slack_installed.sealed
  )
  on conflict (installation_id) do update
  set key_id = excluded.key_id, sealed = excluded.sealed;

  perform app_private.tell_owners(slack_installed.organization_id, 'slack_connected');
  return jsonb_build_object('organization', v_organization.name);
end;
$$;
grant execute on function app_private.slack_installed(uuid, uuid, text, text, text, text, bytea)
  to :ROLE_AUTHENTICATOR;
comment on function app_private.slack_installed(uuid, uuid, text, text, text, text, bytea) is
  'Connects a Slack workspace to an organization for somebody who manages it: `{"organization": …}` with its name, or `{"refusal": …}` in words for that person.';
--! EndIncluded functions/app_private/slack_installed.sql
--! Included functions/app_public/disconnect_slack.sql
create or replace function app_public.disconnect_slack(organization_id uuid) returns app_public.slack_installations
language plpgsql volatile
security definer -- callers have no right to delete installations
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_installation app_public.slack_installations;
begin
  delete from app_public.slack_installations
  where slack_installations.organization_id = disconnect_slack.organization_id
    and slack_installations.organization_id = any (array(select app_hidden.my_managed_organization_ids()))
  returning * into v_installation;
  if not found then
    raise exception using
      errcode = 'NTFND',
      message = 'That organization is not connected to Slack, or you do not manage it.',
      column = 'organization_id';
  end if;
  perform app_private.tell_owners(disconnect_slack.organization_id, 'slack_disconnected');
  return v_installation;
end;
$$;
grant execute on function app_public.disconnect_slack(uuid) to :ROLE_PERSON;
comment on function app_public.disconnect_slack(uuid) is
  E'Disconnects an organization from its Slack workspace: nobody opens a door from there any more, and our bot leaves it. Links of members end. Managers may.\n\n- `organizationId`: an organization that you manage.\n\nErrors: `NOT_FOUND`.';
--! EndIncluded functions/app_public/disconnect_slack.sql

-- One Slack user for a member, and one member for a Slack user. It ends with the membership, and with the
-- installation: in another workspace the same id would be somebody else.
create table app_public.slack_links (
  organization_id uuid not null,
  id uuid not null default app_hidden.new_id() unique,
  installation_id uuid not null,
  person_id uuid not null,
  slack_user_id text not null check (slack_user_id ~ '^[A-Z0-9]{1,40}$'),
  slack_user_name text not null check (length(slack_user_name) <= 200),
  created_at timestamptz not null default now(),
  primary key (organization_id, id),
  unique (organization_id, person_id),
  unique (installation_id, slack_user_id),
  foreign key (organization_id, person_id) references app_public.memberships (organization_id, person_id)
    on delete cascade,
  foreign key (organization_id, installation_id) references app_public.slack_installations (organization_id, id)
    on delete cascade
);
create index on app_public.slack_links (organization_id, installation_id);
create index on app_public.slack_links (person_id);
alter table app_public.slack_links enable row level security;
create policy select_self_or_manager on app_public.slack_links for select to :ROLE_PERSON
  using (
    person_id = (select app_public.current_person_id())
    or organization_id = any (array(select app_hidden.my_managed_organization_ids()))
  );
grant select on app_public.slack_links to :ROLE_PERSON;
comment on table app_public.slack_links is 'A Slack user who acts as a member. You see your own, managers all of their organization. Made by `linkSlack`, ended by `unlinkSlack`.';
comment on column app_public.slack_links.organization_id is 'In which organization.';
comment on column app_public.slack_links.id is 'Identifies the link.';
comment on column app_public.slack_links.installation_id is 'In whose workspace that Slack user is.';
comment on column app_public.slack_links.person_id is 'As whom they act.';
comment on column app_public.slack_links.slack_user_id is 'What Slack calls the user.';
comment on column app_public.slack_links.slack_user_name is 'The name that the user had in Slack when they were linked; for display alone.';
comment on column app_public.slack_links.created_at is 'When they were linked.';

create table app_private.slack_link_codes (
  installation_id uuid not null references app_public.slack_installations (id) on delete cascade,
  slack_user_id text not null check (slack_user_id ~ '^[A-Z0-9]{1,40}$'),
  slack_user_name text not null check (length(slack_user_name) <= 200),
  code_hash bytea not null unique check (length(code_hash) = 32),
  expires_at timestamptz not null default now() + interval '10 minutes',
  primary key (installation_id, slack_user_id)
);
create index on app_private.slack_link_codes (expires_at);
alter table app_private.slack_link_codes enable row level security;
comment on table app_private.slack_link_codes is 'Codes by which Slack users show members who they are. A code works once.';
comment on column app_private.slack_link_codes.installation_id is 'In whose workspace.';
comment on column app_private.slack_link_codes.slack_user_id is 'Whom it was shown to.';
comment on column app_private.slack_link_codes.slack_user_name is 'What they are called there.';
comment on column app_private.slack_link_codes.code_hash is 'SHA-256 of the code, in capitals and without dashes.';
comment on column app_private.slack_link_codes.expires_at is 'When it ends by itself.';

create type app_public.slack_identity as (
  organization_id uuid, team_id text, team_name text, slack_user_id text, slack_user_name text, expires_at timestamptz
);
comment on type app_public.slack_identity is 'Who would act as you in Slack.';
comment on column app_public.slack_identity.organization_id is 'In which of your organizations.';
comment on column app_public.slack_identity.team_id is 'The workspace, as Slack calls it.';
comment on column app_public.slack_identity.team_name is 'The workspace, as people call it.';
comment on column app_public.slack_identity.slack_user_id is 'The user, as Slack calls them.';
comment on column app_public.slack_identity.slack_user_name is 'The user, as they call themselves.';
comment on column app_public.slack_identity.expires_at is 'When the code ends.';
--! Included functions/app_hidden/count_slack_link.sql
create or replace function app_hidden.count_slack_link() returns integer
language sql volatile
security definer -- callers have no right on attempts
set search_path to pg_catalog, public, pg_temp
as $$
  select app_private.count_attempt('slack_link', jsonb_build_object(
    'account', app_public.current_person_id(), 'network', app_private.request_network()
  ));
$$;
grant execute on function app_hidden.count_slack_link() to :ROLE_PERSON;
comment on function app_hidden.count_slack_link() is
  'Counts an attempt to link a Slack user; the seconds to wait when there were too many, else null.';
--! EndIncluded functions/app_hidden/count_slack_link.sql
--! Included functions/app_private/find_slack_link_code.sql
create or replace function app_private.find_slack_link_code(code text) returns app_private.slack_link_codes
language sql stable
as $$
  select slack_link_codes.*
  from app_private.slack_link_codes
  join app_public.slack_installations on slack_installations.id = slack_link_codes.installation_id
  where slack_link_codes.code_hash = sha256(convert_to(
      upper(regexp_replace(find_slack_link_code.code, '[\s-]', '', 'g')), 'UTF8'
    ))
    and slack_link_codes.expires_at > now()
    and slack_installations.organization_id = any (array(select app_hidden.my_organization_ids()));
$$;
comment on function app_private.find_slack_link_code(text) is
  'The code that a Slack user was shown, for a caller whose organization has that workspace; else null.';
--! EndIncluded functions/app_private/find_slack_link_code.sql
--! Included functions/app_public/slack_link_offer.sql
create or replace function app_public.slack_link_offer(code text) returns app_public.slack_identity
language sql stable
security definer -- callers have no right on codes
set search_path to pg_catalog, public, pg_temp
as $$
  select
    slack_installations.organization_id, slack_installations.team_id, slack_installations.team_name,
    code.slack_user_id, code.slack_user_name, code.expires_at
  from app_private.find_slack_link_code(slack_link_offer.code) as code
  join app_public.slack_installations on slack_installations.id = code.installation_id;
$$;
grant execute on function app_public.slack_link_offer(text) to :ROLE_PERSON;
comment on function app_public.slack_link_offer(text) is
  E'Which Slack user would act as you if you gave a code to `linkSlack`. Show it, and ask whether that is them: whoever sends you a code of theirs wants to open doors in your name. Null when the code is wrong, was used or replaced, has expired, or is for an organization that you are not in.\n\n- `code`: what Slack showed, twelve characters; dashes, blanks and small letters do not matter.';
--! EndIncluded functions/app_public/slack_link_offer.sql
--! Included functions/app_public/link_slack.sql
-- The code is taken before anything else, whoever else gives it at the same moment. The one whom either side was
-- linked to is told.
create or replace function app_public.link_slack(code text) returns app_public.slack_links
language plpgsql volatile
security definer -- callers have no right on codes, and none to make links
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_code app_private.slack_link_codes;
  v_installation app_public.slack_installations;
  v_link app_public.slack_links;
begin
  perform app_private.require_recent_sign_in();
  delete from app_private.slack_link_codes
  where slack_link_codes.code_hash = (select code_hash from app_private.find_slack_link_code(link_slack.code))
    and slack_link_codes.expires_at > clock_timestamp()
  returning * into v_code;
  if not found then
    return null;
  end if;
  select * into v_installation from app_public.slack_installations where slack_installations.id = v_code.installation_id;

  for v_link in
    delete from app_public.slack_links
    where slack_links.organization_id = v_installation.organization_id
      and (
        slack_links.person_id = app_public.current_person_id()
        or slack_links.slack_user_id = v_code.slack_user_id
      )
    returning *
  loop
    perform app_private.record_membership_event(
      v_link.person_id, 'slack_unlinked', v_link.organization_id, v_link.slack_user_name
    );
  end loop;

  insert into app_public.slack_links
    (organization_id, installation_id, person_id, slack_user_id, slack_user_name)
  values (
    v_installation.organization_id, v_installation.id, app_public.current_person_id(), v_code.slack_user_id,
    v_code.slack_user_name
  )
  returning * into v_link;
  perform app_private.record_membership_event(
    v_link.person_id, 'slack_linked', v_link.organization_id,
    format('%s in %s', v_link.slack_user_name, v_installation.team_name)
  );
  return v_link;
end;
$$;
grant execute on function app_public.link_slack(text) to :ROLE_PERSON;
comment on function app_public.link_slack(text) is
  E'Lets a Slack user act as you: open doors by `/door`, and answer the bell. Ask `slackLinkOffer` first who that is, and have the person confirm it. It takes the place of an earlier link, of yours or of that user; you are told by mail.\n\nThe result is null when the code is wrong, was used or replaced, has expired, or is for an organization that you are not in.\n\n- `code`: what Slack showed, twelve characters; dashes, blanks and small letters do not matter.\n\nErrors: `SIGN_IN_AGAIN` without a sign-in of the last ten minutes.';
--! EndIncluded functions/app_public/link_slack.sql
--! Included functions/app_public/unlink_slack.sql
create or replace function app_public.unlink_slack(id uuid) returns app_public.slack_links
language plpgsql volatile
security definer -- callers have no right to delete links
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_link app_public.slack_links;
begin
  delete from app_public.slack_links
  where slack_links.id = unlink_slack.id
    and (
      slack_links.person_id = app_public.current_person_id()
      or slack_links.organization_id = any (array(select app_hidden.my_managed_organization_ids()))
    )
  returning * into v_link;
  if not found then
    raise exception using
      errcode = 'NTFND',
      message = 'There is no such link, or it is not for you to end.',
      column = 'id';
  end if;
  perform app_private.record_membership_event(
    v_link.person_id, 'slack_unlinked', v_link.organization_id, v_link.slack_user_name
  );
  return v_link;
end;
$$;
grant execute on function app_public.unlink_slack(uuid) to :ROLE_PERSON;
comment on function app_public.unlink_slack(uuid) is
  E'Ends a link: that Slack user acts as nobody any more, at once. Everybody may end their own, managers those of their organization; whose it was is told by mail.\n\n- `id`: the link.\n\nErrors: `NOT_FOUND`.';
--! EndIncluded functions/app_public/unlink_slack.sql

-- What came from Slack, so that nothing counts twice: each signature, and each deed, which Slack may send again with
-- another signature. Written in the transaction of its effect.
create table app_private.slack_receipts (
  key bytea primary key,
  answer jsonb,
  received_at timestamptz not null default now()
);
create index on app_private.slack_receipts (received_at);
alter table app_private.slack_receipts enable row level security;
comment on table app_private.slack_receipts is 'Signatures and deeds that came from Slack, as hashes.';
comment on column app_private.slack_receipts.key is 'SHA-256 of the signature, or of what names the deed.';
comment on column app_private.slack_receipts.answer is 'What was answered, for when it comes again; null where that has a secret in it.';
comment on column app_private.slack_receipts.received_at is 'When it came.';
--! Included functions/app_private/note_slack_receipt.sql
-- One that another transaction has noted a moment ago is waited for: then it has had its effect, or it has not.
create or replace function app_private.note_slack_receipt(subject text) returns boolean
language plpgsql volatile
set search_path to pg_catalog, public, pg_temp
as $$
begin
  insert into app_private.slack_receipts (key)
  values (sha256(convert_to(note_slack_receipt.subject, 'UTF8')))
  on conflict (key) do nothing;
  return found;
end;
$$;
comment on function app_private.note_slack_receipt(text) is
  'Notes that something came from Slack; false when it has come before.';
--! EndIncluded functions/app_private/note_slack_receipt.sql

-- A reply address is good for half an hour and lets its bearer write to one user: kept here and in no job, and gone
-- with its use.
create table app_private.slack_replies (
  id uuid primary key default app_hidden.new_id(),
  organization_id uuid not null references app_public.organizations on delete cascade,
  response_url text not null check (length(response_url) <= 1000),
  text text not null,
  command_id uuid,
  created_at timestamptz not null default now(),
  foreign key (organization_id, command_id) references app_public.unlock_commands (organization_id, id)
    on delete cascade
);
create index on app_private.slack_replies (organization_id, command_id);
create index on app_private.slack_replies (created_at);
alter table app_private.slack_replies enable row level security;
comment on table app_private.slack_replies is 'What is still to be said to Slack users.';
comment on column app_private.slack_replies.id is 'Identifies the reply.';
comment on column app_private.slack_replies.organization_id is 'Whose workspace it is for.';
comment on column app_private.slack_replies.response_url is 'Where Slack takes it.';
comment on column app_private.slack_replies.text is 'What to say; where it waits for a command, the name of the door.';
comment on column app_private.slack_replies.command_id is 'The command whose outcome is to be told, or null.';
comment on column app_private.slack_replies.created_at is 'When it came up.';
--! Included functions/app_private/tg_slack_replies__send.sql
create or replace function app_private.tg_slack_replies__send() returns trigger
language plpgsql volatile
set search_path to pg_catalog, public, pg_temp
as $$
begin
  perform graphile_worker.add_job('slack_reply__send', json_build_object('id', new.id), queue_name := 'slack');
  return null;
end;
$$;
comment on function app_private.tg_slack_replies__send() is
  'Trigger: has a reply sent that waits for nothing.';
--! EndIncluded functions/app_private/tg_slack_replies__send.sql
create trigger _800_send after insert on app_private.slack_replies
  for each row when (new.command_id is null) execute function app_private.tg_slack_replies__send();
--! Included functions/app_private/tg_unlock_commands__tell_slack.sql
create or replace function app_private.tg_unlock_commands__tell_slack() returns trigger
language plpgsql volatile
security definer -- a controller has no right on the queue
set search_path to pg_catalog, public, pg_temp
as $$
begin
  perform graphile_worker.add_job(
    'slack_reply__send', json_build_object('id', slack_replies.id), queue_name := 'slack'
  )
  from app_private.slack_replies
  where slack_replies.organization_id = new.organization_id and slack_replies.command_id = new.id;
  return null;
end;
$$;
comment on function app_private.tg_unlock_commands__tell_slack() is
  'Trigger: has the Slack user who asked for a door told what has become of it.';
--! EndIncluded functions/app_private/tg_unlock_commands__tell_slack.sql
create trigger _800_tell_slack after update of state on app_public.unlock_commands
  for each row when (new.finished_at is not null) execute function app_private.tg_unlock_commands__tell_slack();
--! Included functions/app_private/slack_reply.sql
create or replace function app_private.slack_reply(id uuid) returns table (response_url text, text text)
language sql stable rows 1
as $$
  select
    slack_replies.response_url,
    case unlock_commands.state
      when 'opened' then format('*%s* is open.', slack_replies.text)
      when 'failed' then format('*%s* did not open: its controller says so.', slack_replies.text)
      when 'expired' then format('*%s* stayed shut: its controller did not answer in time.', slack_replies.text)
      when 'refused' then format('*%s* stayed shut: you may not open it any more.', slack_replies.text)
      when 'unknown' then format('Nobody knows whether *%s* opened: its controller fell silent.', slack_replies.text)
      else slack_replies.text
    end
  from app_private.slack_replies
  left join app_public.unlock_commands
    on unlock_commands.organization_id = slack_replies.organization_id
    and unlock_commands.id = slack_replies.command_id
  where slack_replies.id = slack_reply.id
    and slack_replies.created_at > now() - interval '30 minutes'
    and (slack_replies.command_id is null or unlock_commands.finished_at is not null);
$$;
comment on function app_private.slack_reply(uuid) is
  'What to say to a Slack user, and where; no row when it has been said, or when it is too late: Slack takes replies for half an hour.';
--! EndIncluded functions/app_private/slack_reply.sql

-- The message of a ring, to be changed as the ring does.
create table app_private.slack_messages (
  organization_id uuid not null,
  ring_id uuid not null,
  installation_id uuid not null,
  channel_id text not null,
  ts text not null,
  posted_at timestamptz not null default now(),
  primary key (organization_id, ring_id),
  foreign key (organization_id, ring_id) references app_public.rings (organization_id, id) on delete cascade,
  foreign key (organization_id, installation_id) references app_public.slack_installations (organization_id, id)
    on delete cascade
);
create index on app_private.slack_messages (organization_id, installation_id);
alter table app_private.slack_messages enable row level security;
comment on table app_private.slack_messages is 'The messages in Slack that rings have.';
comment on column app_private.slack_messages.organization_id is 'Whose ring it is.';
comment on column app_private.slack_messages.ring_id is 'The ring.';
comment on column app_private.slack_messages.installation_id is 'In which workspace.';
comment on column app_private.slack_messages.channel_id is 'In which channel.';
comment on column app_private.slack_messages.ts is 'What Slack calls the message: the moment it was posted.';
comment on column app_private.slack_messages.posted_at is 'When we heard that it was.';
--! Included functions/app_private/tg_rings__show_in_slack.sql
-- One job per ring, which reads how the ring is by then: whatever happens meanwhile, the last word is what it says.
create or replace function app_private.tg_rings__show_in_slack() returns trigger
language plpgsql volatile
security definer -- whoever rings or answers has no right on the queue
set search_path to pg_catalog, public, pg_temp
as $$
begin
  if exists (
    select from app_public.slack_installations
    where slack_installations.organization_id = new.organization_id and slack_installations.channel_id is not null
  ) then
    perform graphile_worker.add_job(
      'slack_ring__show', json_build_object('ringId', new.id),
      queue_name := 'slack', job_key := 'slack_ring ' || new.id
    );
  end if;
  return null;
end;
$$;
comment on function app_private.tg_rings__show_in_slack() is
  'Trigger: has a ring shown in Slack, and whatever changes about it.';
--! EndIncluded functions/app_private/tg_rings__show_in_slack.sql
create trigger _800_show_in_slack after insert or update on app_public.rings
  for each row when (not new.is_quiet) execute function app_private.tg_rings__show_in_slack();
--! Included functions/app_private/slack_ring.sql
-- A ring that is over before Slack has heard of it is not told any more: nobody could answer it.
create or replace function app_private.slack_ring(ring_id uuid)
returns table (
  organization_id uuid, installation_id uuid, channel_id text, ts text, key_id text, sealed bytea, is_ringing boolean,
  door text, office text, count integer, outcome text
)
language sql stable rows 1
as $$
  select
    rings.organization_id, slack_installations.id,
    coalesce(slack_messages.channel_id, slack_installations.channel_id), slack_messages.ts, slack_tokens.key_id,
    slack_tokens.sealed, state.is_ringing, doors.name, offices.name, rings.count,
    case when not state.is_ringing then app_private.ring_outcome(rings, null) end
  from app_public.rings
  join app_public.doors on doors.id = rings.door_id
  join app_public.offices on offices.id = rings.office_id
  join app_public.slack_installations on slack_installations.organization_id = rings.organization_id
  join app_private.slack_tokens on slack_tokens.installation_id = slack_installations.id
  left join app_private.slack_messages
    on slack_messages.organization_id = rings.organization_id and slack_messages.ring_id = rings.id
  cross join lateral (
    select rings.state = 'ringing' and rings.expires_at > clock_timestamp() as is_ringing
  ) as state
  where rings.id = slack_ring.ring_id
    and case when slack_messages.ts is null
      then slack_installations.channel_id is not null and state.is_ringing
      else true
    end;
$$;
comment on function app_private.slack_ring(uuid) is
  'How to show a ring in Slack: where, with which token, and what to say; `ts` is null for one that Slack has not heard of. No row when there is nothing to show.';
--! EndIncluded functions/app_private/slack_ring.sql

-- What Slack asks of us.
--! Included functions/app_private/escape_slack.sql
create or replace function app_private.escape_slack(text text) returns text
language sql immutable
as $$
  select replace(replace(replace(replace(escape_slack.text, '&', '&amp;'), '<', '&lt;'), '>', '&gt;'), '*', '∗');
$$;
comment on function app_private.escape_slack(text) is
  'A name as words in a message: what Slack would take for a link, a mention or bold is none.';
--! EndIncluded functions/app_private/escape_slack.sql
--! Included functions/app_private/slack_words.sql
create or replace function app_private.slack_words(text text) returns jsonb
language sql immutable
as $$
  select jsonb_build_object('response_type', 'ephemeral', 'text', slack_words.text);
$$;
comment on function app_private.slack_words(text) is
  'A message in Slack that only the one it is for sees.';
--! EndIncluded functions/app_private/slack_words.sql
--! Included functions/app_private/slack_member_id.sql
create or replace function app_private.slack_member_id(installation_id uuid, slack_user_id text) returns uuid
language sql stable
as $$
  select slack_links.person_id
  from app_public.slack_links
  where slack_links.installation_id = slack_member_id.installation_id
    and slack_links.slack_user_id = slack_member_id.slack_user_id;
$$;
comment on function app_private.slack_member_id(uuid, text) is
  'The member as whom a Slack user acts; null when they are linked to none.';
--! EndIncluded functions/app_private/slack_member_id.sql
--! Included functions/app_private/make_slack_link_code.sql
create or replace function app_private.make_slack_link_code(
  installation_id uuid, slack_user_id text, slack_user_name text, public_url text
)
returns jsonb
language plpgsql volatile
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_code text := app_private.make_device_code();
begin
  insert into app_private.slack_link_codes (installation_id, slack_user_id, slack_user_name, code_hash)
  values (
    make_slack_link_code.installation_id, make_slack_link_code.slack_user_id,
    left(make_slack_link_code.slack_user_name, 200), sha256(convert_to(replace(v_code, '-', ''), 'UTF8'))
  )
  on conflict on constraint slack_link_codes_pkey do update
  set
    slack_user_name = excluded.slack_user_name,
    code_hash = excluded.code_hash,
    expires_at = excluded.expires_at;
  return app_private.slack_words(format(
    case when make_slack_link_code.public_url is null
      then 'Sign in and link your account with this code: `%2$s`'
      else '<%1$s/slack#%2$s|Sign in to link your account>'
    end || E'\nIt works once, within ten minutes. Show it to nobody.',
    rtrim(make_slack_link_code.public_url, '/'), v_code
  ));
end;
$$;
comment on function app_private.make_slack_link_code(uuid, text, text, text) is
  'Makes a code for a Slack user to be linked by, in place of an earlier one, and answers with what shows it to them.';
--! EndIncluded functions/app_private/make_slack_link_code.sql
--! Included functions/app_private/slack_door_list.sql
-- 25 buttons are what Slack takes in one block, and 75 characters on each.
create or replace function app_private.slack_door_list(organization_id uuid, door_name text, intro text) returns jsonb
language sql stable
as $$
  select app_private.slack_words(slack_door_list.intro) || jsonb_build_object('blocks', jsonb_build_array(
    jsonb_build_object('type', 'section', 'text', jsonb_build_object('type', 'mrkdwn', 'text', slack_door_list.intro)),
    jsonb_build_object('type', 'actions', 'elements', jsonb_agg(
      jsonb_build_object(
        'type', 'button',
        'action_id', 'open_door ' || listed.id,
        'value', listed.id,
        'text', jsonb_build_object('type', 'plain_text', 'text', left(listed.label, 75))
      )
      order by listed.label, listed.id
    ))
  ))
  from (
    select doors.id, format('%s (%s)', doors.name, offices.name) as label
    from app_public.doors
    join app_public.offices on offices.id = doors.office_id
    where doors.organization_id = slack_door_list.organization_id
      and slack_door_list.door_name in ('', lower(doors.name))
    order by label, doors.id
    limit 25
  ) as listed
  having count(*) > 0;
$$;
comment on function app_private.slack_door_list(uuid, text, text) is
  'A message with a button for each door of an organization, or for those of a name; null when there is none.';
--! EndIncluded functions/app_private/slack_door_list.sql
--! Included functions/app_private/tell_outcome_in_slack.sql
create or replace function app_private.tell_outcome_in_slack(command_id uuid, response_url text) returns void
language sql volatile
as $$
  insert into app_private.slack_replies (organization_id, response_url, text, command_id)
  select
    unlock_commands.organization_id, tell_outcome_in_slack.response_url, app_private.escape_slack(doors.name),
    unlock_commands.id
  from app_public.unlock_commands
  join app_public.doors on doors.id = unlock_commands.door_id
  where unlock_commands.id = tell_outcome_in_slack.command_id and tell_outcome_in_slack.response_url is not null;
$$;
comment on function app_private.tell_outcome_in_slack(uuid, text) is
  'Has a Slack user told what becomes of a command, where Slack has said how.';
--! EndIncluded functions/app_private/tell_outcome_in_slack.sql
--! Included functions/app_private/open_door_from_slack.sql
create or replace function app_private.open_door_from_slack(door_id uuid, person_id uuid, response_url text)
returns text
language plpgsql volatile
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_answer app_public.unlock_answer := app_private.open_door(
    open_door_from_slack.door_id, open_door_from_slack.person_id
  );
begin
  perform app_private.tell_outcome_in_slack(v_answer.command_id, open_door_from_slack.response_url);
  return (
    select case when v_answer.is_allowed
      then format('Opening *%s* …', app_private.escape_slack(doors.name))
      else format('*%s* stays shut. %s', app_private.escape_slack(doors.name), app_private.escape_slack(v_answer.reason))
    end
    from app_public.doors
    where doors.id = open_door_from_slack.door_id
  );
end;
$$;
comment on function app_private.open_door_from_slack(uuid, uuid, text) is
  'Has a door open for a member, and what has become of it told to them in Slack; answers with the decision, in words.';
--! EndIncluded functions/app_private/open_door_from_slack.sql
--! Included functions/app_private/answer_slack_command.sql
create or replace function app_private.answer_slack_command(
  organization_id uuid, person_id uuid, door_name text, response_url text
)
returns jsonb
language plpgsql volatile
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_door_ids uuid[];
begin
  select array_agg(doors.id) into v_door_ids
  from app_public.doors
  where doors.organization_id = answer_slack_command.organization_id
    and answer_slack_command.door_name in ('', lower(doors.name));
  if cardinality(v_door_ids) = 1 then
    return app_private.slack_words(app_private.open_door_from_slack(
      v_door_ids[1], answer_slack_command.person_id, answer_slack_command.response_url
    ));
  end if;

  return coalesce(
    app_private.slack_door_list(
      answer_slack_command.organization_id,
      case when cardinality(v_door_ids) > 1 then answer_slack_command.door_name else '' end,
      case when v_door_ids is null and answer_slack_command.door_name <> ''
        then format('There is no door “%s”. Which one?', app_private.escape_slack(answer_slack_command.door_name))
        else 'Which door?'
      end
    ),
    app_private.slack_words('There is no door yet.')
  );
end;
$$;
comment on function app_private.answer_slack_command(uuid, uuid, text, text) is
  'Opens the door of a name, or the only one where the name is empty, for a member; answers with the decision, or with the doors to choose from.';
--! EndIncluded functions/app_private/answer_slack_command.sql
--! Included functions/app_private/slack_command.sql
-- Slack gives each command a trigger of its own, and the same one if it sends the command again. What was done is
-- answered again as it was; a code is not, since it is kept nowhere.
create or replace function app_private.slack_command(signature text, body jsonb, public_url text default null)
returns jsonb
language plpgsql volatile
security definer -- the API itself has no right on anything this touches
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_subject text := concat_ws(' ', 'command', body ->> 'team_id', body ->> 'trigger_id');
  v_key bytea := sha256(convert_to(v_subject, 'UTF8'));
  v_words text := lower(trim(left(coalesce(body ->> 'text', ''), 200)));
  v_installation app_public.slack_installations;
  v_person_id uuid;
  v_answer jsonb;
begin
  if not app_private.note_slack_receipt('signature ' || slack_command.signature) then
    return null;
  end if;
  if not app_private.note_slack_receipt(v_subject) then
    return (select coalesce(slack_receipts.answer, '{}') from app_private.slack_receipts where key = v_key);
  end if;

  select * into v_installation
  from app_public.slack_installations
  where slack_installations.team_id = body ->> 'team_id';
  if not found then
    return app_private.slack_words('This Slack workspace is not connected.');
  end if;
  v_person_id := app_private.slack_member_id(v_installation.id, body ->> 'user_id');
  if v_person_id is null or v_words = 'link' then
    return app_private.make_slack_link_code(
      v_installation.id, body ->> 'user_id', coalesce(body ->> 'user_name', ''), slack_command.public_url
    );
  end if;

  v_answer := app_private.answer_slack_command(
    v_installation.organization_id, v_person_id, v_words, body ->> 'response_url'
  );
  update app_private.slack_receipts set answer = v_answer where key = v_key;
  return v_answer;
end;
$$;
grant execute on function app_private.slack_command(text, jsonb, text) to :ROLE_AUTHENTICATOR;
comment on function app_private.slack_command(text, jsonb, text) is
  'Carries out a command typed in Slack, once, and answers with the message for whoever typed it; null when the signature has been used.';
--! EndIncluded functions/app_private/slack_command.sql
--! Included functions/app_private/slack_action.sql
-- What names a deed is the moment at which a user pressed a button of a message: a repeat of the request has the
-- same. Slack shows nothing of an answer to a button, so what is to be said goes the long way.
create or replace function app_private.slack_action(signature text, body jsonb) returns jsonb
language plpgsql volatile
security definer -- the API itself has no right on anything this touches
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_action jsonb := body -> 'actions' -> 0;
  v_deed text := split_part(v_action ->> 'action_id', ' ', 1);
  v_subject uuid := case when v_action ->> 'value' ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
    then (v_action ->> 'value')::uuid
  end;
  v_installation app_public.slack_installations;
  v_person_id uuid;
  v_answer app_public.ring_answer;
  v_reply text;
begin
  if not app_private.note_slack_receipt('signature ' || slack_action.signature) then
    return null;
  end if;
  if body ->> 'type' is distinct from 'block_actions' or v_subject is null
    or not app_private.note_slack_receipt(concat_ws(
      ' ', 'action', body -> 'team' ->> 'id', body -> 'user' ->> 'id', body -> 'container' ->> 'message_ts',
      v_action ->> 'action_ts', v_action ->> 'action_id'
    ))
  then
    return '{}';
  end if;

  select * into v_installation
  from app_public.slack_installations
  where slack_installations.team_id = body -> 'team' ->> 'id';
  if not found then
    return '{}';
  end if;
  v_person_id := app_private.slack_member_id(v_installation.id, body -> 'user' ->> 'id');

  if v_person_id is null then
    v_reply := 'Nobody knows yet who you are here. Type `/door link` first.';
  elsif v_deed = 'open_door' and exists (
    select from app_public.doors
    where doors.organization_id = v_installation.organization_id and doors.id = v_subject
  ) then
    v_reply := app_private.open_door_from_slack(v_subject, v_person_id, body ->> 'response_url');
  elsif v_deed in ('open_ring', 'dismiss_ring') and exists (
    select from app_public.rings
    where rings.organization_id = v_installation.organization_id and rings.id = v_subject
  ) then
    v_answer := app_private.answer_ring(v_subject, v_person_id, v_deed = 'open_ring');
    -- The message of the ring says who was first; the one who was not is told.
    v_reply := case when not v_answer.is_first then app_private.escape_slack(v_answer.reason) end;
    perform app_private.tell_outcome_in_slack(v_answer.command_id, body ->> 'response_url');
  else
    v_reply := 'There is nothing here to answer any more.';
  end if;

  insert into app_private.slack_replies (organization_id, response_url, text)
  select v_installation.organization_id, body ->> 'response_url', v_reply
  where v_reply is not null and body ->> 'response_url' is not null;
  return '{}';
end;
$$;
grant execute on function app_private.slack_action(text, jsonb) to :ROLE_AUTHENTICATOR;
comment on function app_private.slack_action(text, jsonb) is
  'Carries out what a button in Slack stands for, once; null when the signature has been used.';
--! EndIncluded functions/app_private/slack_action.sql
--! Included functions/app_private/slack_event.sql
-- An event may come late and more than once. One from before the workspace was last connected is about the connection
-- before. Slack tells seconds.
create or replace function app_private.slack_event(signature text, body jsonb) returns jsonb
language plpgsql volatile
security definer -- the API itself has no right on anything this touches
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_event jsonb := body -> 'event';
  v_organization_id uuid;
begin
  if not app_private.note_slack_receipt('signature ' || slack_event.signature) then
    return null;
  end if;
  if not app_private.note_slack_receipt(concat_ws(' ', 'event', body ->> 'event_id')) then
    return '{}';
  end if;

  delete from app_public.slack_installations
  where slack_installations.team_id = body ->> 'team_id'
    and (
      v_event ->> 'type' = 'app_uninstalled'
      or (v_event ->> 'type' = 'tokens_revoked' and v_event -> 'tokens' -> 'bot' ? slack_installations.bot_user_id)
    )
    and date_trunc('second', slack_installations.installed_at) <= to_timestamp((body ->> 'event_time')::bigint)
  returning slack_installations.organization_id into v_organization_id;
  if v_organization_id is not null then
    perform app_private.tell_owners(v_organization_id, 'slack_disconnected');
  end if;
  return '{}';
end;
$$;
grant execute on function app_private.slack_event(text, jsonb) to :ROLE_AUTHENTICATOR;
comment on function app_private.slack_event(text, jsonb) is
  'Takes note of what Slack tells, once: a workspace that has thrown us out is disconnected; null when the signature has been used.';
--! EndIncluded functions/app_private/slack_event.sql
--! Included functions/app_private/purge_slack.sql
-- A signature that is older is refused for its age. Slack gives up on a command or button at once, and repeats an
-- event, which does nothing a second time, for longer.
create or replace function app_private.purge_slack() returns bigint
language sql volatile
as $$
  with receipts as (
    delete from app_private.slack_receipts
    where key in (
      select slack_receipts.key from app_private.slack_receipts
      where received_at <= now() - interval '10 minutes' limit 10000
    )
    returning 1
  ), codes as (
    delete from app_private.slack_link_codes where expires_at <= now() returning 1
  ), installs as (
    delete from app_private.slack_installs where expires_at <= now() returning 1
  ), replies as (
    delete from app_private.slack_replies where created_at <= now() - interval '1 hour' returning 1
  )
  select (select count(*) from receipts) + (select count(*) from codes) + (select count(*) from installs)
    + (select count(*) from replies);
$$;
comment on function app_private.purge_slack() is
  'Removes what was kept for a while about requests from Slack, up to 10,000 of them at a time, and returns how much there was.';
--! EndIncluded functions/app_private/purge_slack.sql
