/*
 * Unlocking: somebody asks, and is answered at once; the door opens only if its controller claims the command
 * that comes of it, once, in time, and while that person may still open that door. See docs/devices.md.
 */
drop function if exists app_public.unlock_door(uuid);
drop table if exists app_public.unlock_commands, app_public.unlock_states cascade;
drop type if exists app_public.unlock_answer, app_public.claim_answer cascade;

create table app_public.unlock_states (
  state text primary key,
  description text not null
);
alter table app_public.unlock_states enable row level security;
create policy select_anyone on app_public.unlock_states for select
  to :ROLE_AUTHENTICATOR, :ROLE_ANONYMOUS, :ROLE_PERSON, :ROLE_DEVICE
  using (true);
grant select on app_public.unlock_states
  to :ROLE_AUTHENTICATOR, :ROLE_ANONYMOUS, :ROLE_PERSON, :ROLE_DEVICE;
comment on table app_public.unlock_states is 'What has become of a command to open a door.';
comment on column app_public.unlock_states.state is 'Its name.';
comment on column app_public.unlock_states.description is 'What it means.';
insert into app_public.unlock_states (state, description) values
  ('pending', 'The controller has not claimed it yet.'),
  ('claimed', 'The controller is opening the door.'),
  ('opened', 'The controller has opened the door.'),
  ('failed', 'The controller says that it did not open the door.'),
  ('expired', 'The controller did not claim it in time; the door stayed shut.'),
  ('refused', 'When the controller claimed it, it was not allowed any more; the door stayed shut.'),
  ('unknown', 'The controller claimed it and then was silent; nobody knows whether the door opened.');

-- Read only: unlock_door makes them, the controller's two functions and a job move them on. The decision has no
-- foreign key, because the log ends where its retention does, and is nothing that a command could hold.
create table app_public.unlock_commands (
  organization_id uuid not null,
  id uuid not null default app_hidden.new_id() unique,
  door_id uuid not null,
  device_id uuid not null,
  device_enrolled_at timestamptz not null,
  person_id uuid references app_public.people on delete set null,
  decision_id uuid not null,
  state text not null default 'pending' references app_public.unlock_states on delete restrict,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null default now() + interval '10 seconds',
  claimed_at timestamptz,
  finished_at timestamptz,
  primary key (organization_id, id),
  foreign key (organization_id, door_id) references app_public.doors (organization_id, id)
    on delete cascade,
  foreign key (organization_id, device_id) references app_public.devices (organization_id, id)
    on delete cascade,
  check ((claimed_at is not null) = (state in ('claimed', 'opened', 'failed', 'unknown'))),
  check ((finished_at is null) = (state in ('pending', 'claimed')))
);
create index on app_public.unlock_commands (organization_id, door_id);
create index on app_public.unlock_commands (organization_id, device_id);
create index on app_public.unlock_commands (person_id);
create index on app_public.unlock_commands (state);
alter table app_public.unlock_commands enable row level security;
create policy select_self_or_manager on app_public.unlock_commands for select to :ROLE_PERSON
  using (
    organization_id = any (array(select app_hidden.my_managed_organization_ids()))
    or (
      person_id = (select app_public.current_person_id())
      and organization_id = any (array(select app_hidden.my_organization_ids()))
    )
  );
create policy select_device on app_public.unlock_commands for select to :ROLE_DEVICE
  using (device_id = (select app_hidden.current_device_id()));
grant select on app_public.unlock_commands to :ROLE_PERSON, :ROLE_DEVICE;
comment on table app_public.unlock_commands is 'A command to open a door, once, within ten seconds. You see your own, managers all of their organization, a device its own.';
comment on column app_public.unlock_commands.organization_id is 'Whose door it is.';
comment on column app_public.unlock_commands.id is 'Identifies the command.';
comment on column app_public.unlock_commands.door_id is 'The door to open.';
comment on column app_public.unlock_commands.device_id is 'The controller that is to open it, and no other may.';
comment on column app_public.unlock_commands.device_enrolled_at is 'When that controller had been enrolled: enrolled anew, it does not get this command any more.';
comment on column app_public.unlock_commands.person_id is 'Who asked; null once their account is deleted.';
comment on column app_public.unlock_commands.decision_id is 'The decision by which it was made.';
comment on column app_public.unlock_commands.state is 'What has become of it.';
comment on column app_public.unlock_commands.created_at is 'When it was made.';
comment on column app_public.unlock_commands.expires_at is 'From when on it cannot be claimed any more.';
comment on column app_public.unlock_commands.claimed_at is 'When the controller claimed it, or null.';
comment on column app_public.unlock_commands.finished_at is 'When its outcome was settled, or null.';
--!include functions/app_private/queue_unlock_settlement.sql
--!include functions/app_private/tg_unlock_commands__settle.sql
create trigger _800_settle after insert or update of state on app_public.unlock_commands
  for each row when (new.state in ('pending', 'claimed'))
  execute function app_private.tg_unlock_commands__settle();
--!include functions/app_private/settle_unlock.sql

create type app_public.unlock_answer as (is_allowed boolean, rule text, reason text, command_id uuid);
comment on type app_public.unlock_answer is 'What was decided about opening a door, and the command that came of it.';
comment on column app_public.unlock_answer.is_allowed is 'Whether it is to open.';
comment on column app_public.unlock_answer.rule is 'The rule that allows it, or null. Of a denial too: then the controller is what is missing.';
comment on column app_public.door_decisions.rule is 'The rule that allowed it, or null. Of a denial too: then the controller was what was missing.';
comment on column app_public.unlock_answer.reason is 'Why, in words for the person who asked.';
comment on column app_public.unlock_answer.command_id is 'The command to its controller, or null. Its `state` tells whether the door has opened: see `unlockCommandChanged(id:)`.';
create type app_public.claim_answer as (is_granted boolean, unlock_seconds smallint, reason text);
comment on type app_public.claim_answer is 'Whether a controller is to open the door now.';
comment on column app_public.claim_answer.is_granted is 'Whether it is.';
comment on column app_public.claim_answer.unlock_seconds is 'For how long, where it is; else null.';
comment on column app_public.claim_answer.reason is 'Why not, the same for every cause; null where it is.';

--!include functions/app_private/open_door.sql
--!include functions/app_public/unlock_door.sql
--!include functions/app_public/claim_unlock.sql
--!include functions/app_public/report_unlock.sql
--!include functions/app_private/person_document.sql
