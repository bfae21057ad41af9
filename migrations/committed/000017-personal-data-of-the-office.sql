--! Previous: sha1:532128ed8ccd9564a2cfe4a3551f1a80a9348773
--! Hash: sha1:74504382ed2e1c99eb63dd3ef9fe8ec88dbcbc91
--! Message: personal data of the office

--! split: 1-current.sql
-- The one place that brings app_private.person_document up to date, whichever part has changed it.
--! Included functions/app_private/person_document.sql
-- The tables by name, so that a new one is put in or left out on purpose (a test asks). Rows of app_public
-- go in whole, since they have no secrets; of app_private only what is named. Left out: app_private.tokens,
-- which says nothing that sessions and keys do not.
create or replace function app_private.person_document(person_id uuid) returns jsonb
language sql stable
as $$
  select jsonb_build_object(
    'people', jsonb_build_array(to_jsonb(people)),
    'email_addresses', (
      select coalesce(jsonb_agg(to_jsonb(email_addresses) - 'person_id' order by email_addresses.id), '[]')
      from app_public.email_addresses where email_addresses.person_id = people.id
    ),
    'passwords', (
      select coalesce(jsonb_agg(
        jsonb_build_object('created_at', passwords.created_at, 'updated_at', passwords.updated_at)
      ), '[]')
      from app_private.passwords where passwords.person_id = people.id
    ),
    'mail_codes', (
      select coalesce(jsonb_agg(
        jsonb_build_object(
          'purpose', mail_codes.purpose, 'address', mail_codes.address,
          'created_at', mail_codes.created_at, 'expires_at', mail_codes.expires_at
        )
        order by mail_codes.id
      ), '[]')
      from app_private.mail_codes where mail_codes.person_id = people.id
    ),
    'sessions', (
      select coalesce(jsonb_agg(to_jsonb(sessions) - 'person_id' order by sessions.id), '[]')
      from app_public.sessions where sessions.person_id = people.id
    ),
    'api_keys', (
      select coalesce(jsonb_agg(to_jsonb(api_keys) - 'person_id' order by api_keys.id), '[]')
      from app_public.api_keys where api_keys.person_id = people.id
    ),
    'open_id_accounts', (
      select coalesce(jsonb_agg(to_jsonb(open_id_accounts) - 'person_id' order by open_id_accounts.id), '[]')
      from app_public.open_id_accounts where open_id_accounts.person_id = people.id
    ),
    'memberships', (
      select coalesce(jsonb_agg(
        to_jsonb(memberships) - 'person_id' || jsonb_build_object('organization_name', organizations.name)
        order by memberships.id
      ), '[]')
      from app_public.memberships
      join app_public.organizations on organizations.id = memberships.organization_id
      where memberships.person_id = people.id
    ),
    'access_rules', (
      select coalesce(jsonb_agg(to_jsonb(access_rules) order by access_rules.id), '[]')
      from app_public.memberships
      join app_public.access_rules
        on access_rules.organization_id = memberships.organization_id
        and access_rules.membership_id = memberships.id
      where memberships.person_id = people.id
    ),
    'lockdowns', (
      select coalesce(jsonb_agg(
        to_jsonb(lockdowns) - 'started_by' - 'ended_by' || jsonb_build_object(
          'is_started_by_you', lockdowns.started_by is not distinct from people.id,
          'is_ended_by_you', lockdowns.ended_by is not distinct from people.id
        )
        order by lockdowns.id
      ), '[]')
      from app_public.lockdowns where people.id in (lockdowns.started_by, lockdowns.ended_by)
    ),
    'invitations', (
      select coalesce(jsonb_agg(to_jsonb(invitations) - 'inviter_id' order by invitations.id), '[]')
      from app_public.invitations where invitations.inviter_id = people.id
    ),
    'guest_passes', (
      select coalesce(jsonb_agg(to_jsonb(guest_passes) - 'host_id' order by guest_passes.id), '[]')
      from app_public.guest_passes where guest_passes.host_id = people.id
    ),
    'door_decisions', (
      select coalesce(jsonb_agg(to_jsonb(door_decisions) - 'person_id' order by door_decisions.id), '[]')
      from app_public.door_decisions where door_decisions.person_id = people.id
    ),
    'unlock_commands', (
      select coalesce(jsonb_agg(to_jsonb(unlock_commands) - 'person_id' order by unlock_commands.id), '[]')
      from app_public.unlock_commands where unlock_commands.person_id = people.id
    ),
    'log_exports', (
      select coalesce(jsonb_agg(
        to_jsonb(log_exports) - 'requested_by' - 'person_id' || jsonb_build_object(
          'is_requested_by_you', log_exports.requested_by is not distinct from people.id,
          'is_about_you', log_exports.person_id is not distinct from people.id
        )
        order by log_exports.id
      ), '[]')
      from app_public.log_exports where people.id in (log_exports.requested_by, log_exports.person_id)
    ),
    'presences', (
      select coalesce(jsonb_agg(to_jsonb(presences) - 'person_id' order by presences.id), '[]')
      from app_public.presences where presences.person_id = people.id
    ),
    'rings', (
      select coalesce(jsonb_agg(to_jsonb(rings) - 'answered_by' order by rings.id), '[]')
      from app_public.rings where rings.answered_by = people.id
    ),
    'slack_links', (
      select coalesce(jsonb_agg(to_jsonb(slack_links) - 'person_id' order by slack_links.id), '[]')
      from app_public.slack_links where slack_links.person_id = people.id
    ),
    'slack_installations', (
      select coalesce(jsonb_agg(
        to_jsonb(slack_installations) - 'installed_by' order by slack_installations.id
      ), '[]')
      from app_public.slack_installations where slack_installations.installed_by = people.id
    ),
    'slack_installs', (
      select coalesce(jsonb_agg(
        to_jsonb(slack_installs) - 'person_id' - 'state_hash' order by slack_installs.organization_id
      ), '[]')
      from app_private.slack_installs where slack_installs.person_id = people.id
    ),
    'security_events', (
      select coalesce(jsonb_agg(to_jsonb(security_events) - 'person_id' order by security_events.id), '[]')
      from app_public.security_events where security_events.person_id = people.id
    ),
    'account_exports', (
      select coalesce(jsonb_agg(
        to_jsonb(account_exports) - 'person_id' - 'document' order by account_exports.id
      ), '[]')
      from app_public.account_exports where account_exports.person_id = people.id
    )
  )
  from app_public.people
  where people.id = person_document.person_id;
$$;
comment on function app_private.person_document(uuid) is
  'Everything that the database holds about a person, apart from secrets: a list of rows by the name of the table.';
--! EndIncluded functions/app_private/person_document.sql
