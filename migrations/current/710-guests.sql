/*
 * Guests: somebody without an account is let in by a pass, which is mailed as a link to a page. A pass asks for a
 * door as a person does: by the same decision, log, command and claim. See docs/guests.md.
 */
drop policy if exists select_host on app_public.unlock_commands;
drop table if exists app_private.guest_pass_tokens, app_public.guest_pass_doors, app_public.guest_passes cascade;
drop function if exists app_public.create_guest_pass(uuid[], text, text, timestamptz, timestamptz, integer);
drop function if exists app_public.revoke_guest_pass(uuid);
drop function if exists app_public.resend_guest_pass(uuid);
drop function if exists app_private.decide_door(uuid, uuid, timestamptz);
drop function if exists app_private.open_door(uuid, uuid);

-- Read only: three functions write it, and the claim counts its uses. The host is a membership, so that a pass ends
-- with it: see the trigger.
create table app_public.guest_passes (
  organization_id uuid not null,
  id uuid not null default app_hidden.new_id() unique,
  office_id uuid not null,
  host_id uuid,
  guest_name text not null check (length(guest_name) <= 100 and trim(guest_name) <> ''),
  guest_email text not null check (length(guest_email) <= 254),
  starts_at timestamptz not null check (isfinite(starts_at)),
  ends_at timestamptz not null check (isfinite(ends_at)),
  uses smallint not null check (uses between 1 and 100),
  used_count smallint not null default 0,
  created_at timestamptz not null default now(),
  sent_at timestamptz,
  revoked_at timestamptz,
  primary key (organization_id, id),
  foreign key (organization_id, office_id) references app_public.offices (organization_id, id)
    on delete cascade,
  foreign key (organization_id, host_id) references app_public.memberships (organization_id, person_id)
    on delete set null (host_id),
  constraint guest_passes_window_check check (starts_at < ends_at),
  constraint guest_passes_used_check check (used_count between 0 and uses),
  constraint guest_passes_host_check check (host_id is not null or revoked_at is not null)
);
create index on app_public.guest_passes (organization_id, office_id);
create index on app_public.guest_passes (organization_id, host_id);
create index on app_public.guest_passes (host_id);
create index on app_public.guest_passes (ends_at);
alter table app_public.guest_passes enable row level security;
-- A host is a member, by the foreign key.
create policy select_host_or_manager on app_public.guest_passes for select to :ROLE_PERSON
  using (
    organization_id = any (array(select app_hidden.my_managed_organization_ids()))
    or host_id = (select app_public.current_person_id())
  );
grant select on app_public.guest_passes to :ROLE_PERSON;
comment on table app_public.guest_passes is 'Lets a guest in by chosen doors of an office, in a span of time, so many times. You see those that you made, managers all of their organization.';
comment on column app_public.guest_passes.organization_id is 'The organization.';
comment on column app_public.guest_passes.id is 'Identifies the pass.';
comment on column app_public.guest_passes.office_id is 'The office that the doors lead into.';
comment on column app_public.guest_passes.host_id is 'The member who made it; null once they are none any more, and then it is revoked.';
comment on column app_public.guest_passes.guest_name is 'Who is let in, 1 to 100 characters.';
comment on column app_public.guest_passes.guest_email is 'Where the link is mailed. Whoever has the link is let in.';
comment on column app_public.guest_passes.starts_at is 'From when on it lets in.';
comment on column app_public.guest_passes.ends_at is 'From when on it does not any more.';
comment on column app_public.guest_passes.uses is 'How often a door may be opened with it, 1 to 100.';
comment on column app_public.guest_passes.used_count is 'How often one was: when its controller claims a command, that is a use, whatever comes of it.';
comment on column app_public.guest_passes.created_at is 'When it was made.';
comment on column app_public.guest_passes.sent_at is 'When it was mailed last, or null.';
comment on column app_public.guest_passes.revoked_at is 'When it was revoked, or its host left; null while it holds.';

create table app_public.guest_pass_doors (
  organization_id uuid not null,
  pass_id uuid not null,
  door_id uuid not null,
  primary key (organization_id, pass_id, door_id),
  foreign key (organization_id, pass_id) references app_public.guest_passes (organization_id, id)
    on delete cascade,
  foreign key (organization_id, door_id) references app_public.doors (organization_id, id)
    on delete cascade
);
create index on app_public.guest_pass_doors (pass_id);
create index on app_public.guest_pass_doors (organization_id, door_id);
alter table app_public.guest_pass_doors enable row level security;
create policy select_host_or_manager on app_public.guest_pass_doors for select to :ROLE_PERSON
  using (
    organization_id = any (array(select app_hidden.my_managed_organization_ids()))
    or pass_id = any (array(
      select guest_passes.id
      from app_public.guest_passes
      where guest_passes.host_id = (select app_public.current_person_id())
    ))
  );
grant select on app_public.guest_pass_doors to :ROLE_PERSON;
comment on table app_public.guest_pass_doors is 'A door that a pass opens; all are of one office.';
comment on column app_public.guest_pass_doors.organization_id is 'The organization.';
comment on column app_public.guest_pass_doors.pass_id is 'The pass.';
comment on column app_public.guest_pass_doors.door_id is 'The door.';

-- Apart from the pass, so that no right on that is one on its secret. Made in the task that mails it.
create table app_private.guest_pass_tokens (
  organization_id uuid not null,
  pass_id uuid not null,
  hash bytea not null unique check (length(hash) = 32),
  primary key (organization_id, pass_id),
  foreign key (organization_id, pass_id) references app_public.guest_passes (organization_id, id)
    on delete cascade
);
create index on app_private.guest_pass_tokens (pass_id);
alter table app_private.guest_pass_tokens enable row level security;
comment on table app_private.guest_pass_tokens is 'The secret of a guest pass as it was mailed last.';
comment on column app_private.guest_pass_tokens.organization_id is 'The organization.';
comment on column app_private.guest_pass_tokens.pass_id is 'The pass.';
comment on column app_private.guest_pass_tokens.hash is 'SHA-256 of the token; the token itself is never stored.';

-- Without foreign keys: a pass is kept for a time only, and what was done with it stays done.
alter table app_public.door_decisions add column if not exists pass_id uuid;
comment on column app_public.door_decisions.person_id is 'Who asked; null for a guest, and once their account is deleted.';
comment on column app_public.door_decisions.pass_id is 'The pass that a guest asked with, or null.';
create index if not exists door_decisions_pass_id_idx on app_public.door_decisions (pass_id, decided_at)
  where pass_id is not null;
alter table app_public.unlock_commands add column if not exists pass_id uuid;
comment on column app_public.unlock_commands.person_id is 'Who asked; null for a guest, and once their account is deleted.';
comment on column app_public.unlock_commands.pass_id is 'The pass that a guest asked with, or null.';
alter table app_public.unlock_commands drop constraint if exists unlock_commands_asker_check;
alter table app_public.unlock_commands
  add constraint unlock_commands_asker_check check (person_id is null or pass_id is null);
create index if not exists unlock_commands_pass_id_idx on app_public.unlock_commands (pass_id)
  where pass_id is not null;
create policy select_host on app_public.unlock_commands for select to :ROLE_PERSON
  using (
    pass_id = any (array(
      select guest_passes.id
      from app_public.guest_passes
      where guest_passes.host_id = (select app_public.current_person_id())
    ))
  );

insert into app_private.attempt_limits (action, per, most, span) values
  ('guest_pass', 'organization', 100, '1 hour'),
  ('guest_pass', 'account', 30, '1 hour'),
  ('guest_pass', 'address', 5, '1 hour'),
  ('guest_pass', 'network', 200, '1 hour'),
  ('pass_link', 'network', 100, '15 minutes'),
  ('pass_press', 'code', 30, '15 minutes')
on conflict (action, per) do update set most = excluded.most, span = excluded.span;

--!include functions/app_private/tg_guest_passes__revoke.sql
create trigger _200_revoke before update of host_id on app_public.guest_passes
  for each row execute function app_private.tg_guest_passes__revoke();
--!include functions/app_private/tg_guest_passes__cancel.sql
create trigger _800_cancel after update of host_id, revoked_at on app_public.guest_passes
  for each row when (old.revoked_at is null and new.revoked_at is not null)
  execute function app_private.tg_guest_passes__cancel();

--!include functions/app_private/decide_door.sql
--!include functions/app_private/open_door.sql
--!include functions/app_public/claim_unlock.sql
--!include functions/app_public/replay_decisions.sql

--!include functions/app_private/count_guest_pass.sql
--!include functions/app_private/send_guest_pass.sql
--!include functions/app_public/create_guest_pass.sql
--!include functions/app_private/lock_own_guest_pass.sql
--!include functions/app_public/revoke_guest_pass.sql
--!include functions/app_public/resend_guest_pass.sql
--!include functions/app_private/purge_guest_passes.sql

--!include functions/app_private/window_text.sql
--!include functions/app_private/find_guest_pass.sql
--!include functions/app_hidden/page_pass.sql
--!include functions/app_hidden/page_pass__submit.sql
