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
--!include functions/app_private/tg_slack_tokens__revoke.sql
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
--!include functions/app_public/start_slack_install.sql
--!include functions/app_private/take_slack_install.sql
--!include functions/app_private/slack_installed.sql
--!include functions/app_public/disconnect_slack.sql

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
--!include functions/app_hidden/count_slack_link.sql
--!include functions/app_private/find_slack_link_code.sql
--!include functions/app_public/slack_link_offer.sql
--!include functions/app_public/link_slack.sql
--!include functions/app_public/unlink_slack.sql

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
--!include functions/app_private/note_slack_receipt.sql

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
--!include functions/app_private/tg_slack_replies__send.sql
create trigger _800_send after insert on app_private.slack_replies
  for each row when (new.command_id is null) execute function app_private.tg_slack_replies__send();
--!include functions/app_private/tg_unlock_commands__tell_slack.sql
create trigger _800_tell_slack after update of state on app_public.unlock_commands
  for each row when (new.finished_at is not null) execute function app_private.tg_unlock_commands__tell_slack();
--!include functions/app_private/slack_reply.sql

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
--!include functions/app_private/tg_rings__show_in_slack.sql
create trigger _800_show_in_slack after insert or update on app_public.rings
  for each row when (not new.is_quiet) execute function app_private.tg_rings__show_in_slack();
--!include functions/app_private/slack_ring.sql

-- What Slack asks of us.
--!include functions/app_private/escape_slack.sql
--!include functions/app_private/slack_words.sql
--!include functions/app_private/slack_member_id.sql
--!include functions/app_private/make_slack_link_code.sql
--!include functions/app_private/slack_door_list.sql
--!include functions/app_private/tell_outcome_in_slack.sql
--!include functions/app_private/open_door_from_slack.sql
--!include functions/app_private/answer_slack_command.sql
--!include functions/app_private/slack_command.sql
--!include functions/app_private/slack_action.sql
--!include functions/app_private/slack_event.sql
--!include functions/app_private/purge_slack.sql
