/*
 * Organizations that a product can keep: roles that are given, changed and taken, always an owner,
 * invitations by mail, and an end that takes two weeks.
 */
drop type if exists app_public.invitation_offer cascade;
drop table if exists app_private.invitation_tokens, app_public.invitations cascade;

insert into app_public.security_event_kinds (kind, description, notice) values
  ('joined_organization', 'The person became a member of an organization.', null),
  ('left_organization', 'The person left an organization.', null),
  ('removed_from_organization', 'Somebody removed the person from an organization.', null),
  ('role_changed', 'The person has another role in an organization.', null),
  (
    'ownership_transferred', 'An owner of an organization put another in their place.',
    'An organization of yours has another owner'
  ),
  -- Its mail is one of its own, which says until when it can be undone.
  ('organization_deletion_decided', 'An organization of the person is to be deleted.', null),
  ('organization_kept', 'An organization of the person is not to be deleted after all.', null)
on conflict (kind) do update set description = excluded.description, notice = excluded.notice;

--!include functions/app_hidden/my_owned_organization_ids.sql
--!include functions/app_private/record_membership_event.sql

-- Roles. Managers change and remove managers and members, owners everybody, and everybody may leave. No
-- insert: one becomes a member by accepting an invitation, or by making the organization.

drop policy if exists update_manager on app_public.memberships;
create policy update_manager on app_public.memberships for update to :ROLE_PERSON
  using (
    organization_id = any (array(select app_hidden.my_managed_organization_ids())) and role <> 'owner'
  );
drop policy if exists update_owner on app_public.memberships;
create policy update_owner on app_public.memberships for update to :ROLE_PERSON
  using (organization_id = any (array(select app_hidden.my_owned_organization_ids())));
drop policy if exists delete_manager on app_public.memberships;
create policy delete_manager on app_public.memberships for delete to :ROLE_PERSON
  using (
    organization_id = any (array(select app_hidden.my_managed_organization_ids())) and role <> 'owner'
  );
drop policy if exists delete_owner on app_public.memberships;
create policy delete_owner on app_public.memberships for delete to :ROLE_PERSON
  using (organization_id = any (array(select app_hidden.my_owned_organization_ids())));
drop policy if exists delete_self on app_public.memberships;
create policy delete_self on app_public.memberships for delete to :ROLE_PERSON
  using (person_id = (select app_public.current_person_id()));
grant update (role), delete on app_public.memberships to :ROLE_PERSON;
comment on table app_public.memberships is 'Who belongs to an organization, and in which role. Managers change and remove managers and members, owners everybody; deleting your own is leaving. There is always an owner. To make somebody an owner, or an owner something else, or to remove one, needs a sign-in of the last ten minutes.';

--!include functions/app_private/tg_memberships__keep_owner.sql
create or replace trigger _200_keep_owner_changed after update on app_public.memberships
  for each row when (
    old.role = 'owner' and (new.role <> 'owner' or new.organization_id <> old.organization_id)
  )
  execute function app_private.tg_memberships__keep_owner();
create or replace trigger _201_keep_owner_ended after delete on app_public.memberships
  for each row when (old.role = 'owner') execute function app_private.tg_memberships__keep_owner();

-- Whose an organization is changes by nothing less than what handing it over asks for, or an old session, and
-- an API key, could make somebody an owner and remove the others. After the policies, whose refusal comes first.
-- Without a person it is a job; deeper than zero is the end of the organization or of the person.
--!include functions/app_private/tg__recent_sign_in.sql
create or replace trigger _202_recent_sign_in_changed after update on app_public.memberships
  for each row when (
    pg_trigger_depth() = 0 and app_public.current_person_id() is not null
    and (old.role = 'owner') <> (new.role = 'owner')
  )
  execute function app_private.tg__recent_sign_in();
create or replace trigger _203_recent_sign_in_ended after delete on app_public.memberships
  for each row when (
    pg_trigger_depth() = 0 and old.role = 'owner' and old.person_id <> app_public.current_person_id()
  )
  execute function app_private.tg__recent_sign_in();

--!include functions/app_private/tg_memberships__record.sql
create or replace trigger _500_record_joined after insert on app_public.memberships
  for each row execute function app_private.tg_memberships__record();
create or replace trigger _501_record_changed after update on app_public.memberships
  for each row when (old.role <> new.role) execute function app_private.tg_memberships__record();
-- Deeper than zero is the end of the organization or of the person.
create or replace trigger _502_record_ended after delete on app_public.memberships
  for each row when (pg_trigger_depth() = 0) execute function app_private.tg_memberships__record();

--!include functions/app_public/transfer_ownership.sql

-- The end of an organization. No right to set the date: it takes a code that is mailed to an owner.

alter table app_public.organizations add column if not exists deletes_at timestamptz;
comment on column app_public.organizations.deletes_at is 'When it will be deleted, with all that belongs to it; null where that was not decided.';
create index if not exists organizations_deletes_at_idx on app_public.organizations (deletes_at)
  where deletes_at is not null;

--!include functions/app_private/tell_owners.sql
--!include functions/app_hidden/count_deletion_mail.sql
--!include functions/app_public/request_organization_deletion.sql
--!include functions/app_public/confirm_organization_deletion.sql
--!include functions/app_public/keep_organization.sql
--!include functions/app_private/delete_due_organizations.sql

-- Invitations. Who made one has to be somebody who still may when it is accepted: what a manager handed
-- out does not outlast the manager.

create table app_public.invitations (
  organization_id uuid not null references app_public.organizations on delete cascade,
  id uuid not null default app_hidden.new_id() unique,
  address text not null check (length(address) <= 254),
  role text not null default 'member' references app_public.membership_roles on delete restrict,
  inviter_id uuid default app_public.current_person_id() references app_public.people on delete set null,
  expires_at timestamptz not null default now() + interval '14 days',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (organization_id, id),
  unique (organization_id, address)
);
create index on app_public.invitations (role);
create index on app_public.invitations (inviter_id);
create index on app_public.invitations (expires_at);
alter table app_public.invitations enable row level security;
create policy select_manager on app_public.invitations for select to :ROLE_PERSON
  using (organization_id = any (array(select app_hidden.my_managed_organization_ids())));
create policy insert_manager on app_public.invitations for insert to :ROLE_PERSON
  with check (
    organization_id = any (array(select app_hidden.my_managed_organization_ids())) and role <> 'owner'
  );
create policy insert_owner on app_public.invitations for insert to :ROLE_PERSON
  with check (organization_id = any (array(select app_hidden.my_owned_organization_ids())));
create policy delete_manager on app_public.invitations for delete to :ROLE_PERSON
  using (
    organization_id = any (array(select app_hidden.my_managed_organization_ids())) and role <> 'owner'
  );
create policy delete_owner on app_public.invitations for delete to :ROLE_PERSON
  using (organization_id = any (array(select app_hidden.my_owned_organization_ids())));
grant select, delete on app_public.invitations to :ROLE_PERSON;
grant insert (organization_id, address, role) on app_public.invitations to :ROLE_PERSON;
comment on table app_public.invitations is 'Who is asked by mail to become a member. Managers invite, owners also to become an owner, which needs a sign-in of the last ten minutes; deleting an invitation revokes it. It holds only as long as whoever sent it last may invite.';
comment on column app_public.invitations.organization_id is 'The organization.';
comment on column app_public.invitations.id is 'Identifies the invitation.';
comment on column app_public.invitations.address is 'Where it is mailed. Whoever has the mail may accept, with an account of any address.';
comment on column app_public.invitations.role is 'In which role they will be a member.';
comment on column app_public.invitations.inviter_id is 'Who sent it last; null when their account is gone.';
comment on column app_public.invitations.expires_at is 'Until when it can be accepted: 14 days after it was sent last.';
comment on column app_public.invitations.created_at is 'When it was made.';
comment on column app_public.invitations.updated_at is 'When this last changed.';
create trigger _100_stamps before insert or update on app_public.invitations
  for each row execute function app_private.tg__stamps();
--!include functions/app_private/tg_invitations__address.sql
create trigger _200_address before insert or update of address on app_public.invitations
  for each row execute function app_private.tg_invitations__address();

-- Apart from the invitation, so that no right on that is one on its secret. Made in the task that mails it.
create table app_private.invitation_tokens (
  organization_id uuid not null,
  invitation_id uuid not null,
  hash bytea not null unique check (length(hash) = 32),
  primary key (organization_id, invitation_id),
  foreign key (organization_id, invitation_id) references app_public.invitations (organization_id, id)
    on delete cascade
);
create index on app_private.invitation_tokens (invitation_id);
alter table app_private.invitation_tokens enable row level security;
comment on table app_private.invitation_tokens is 'The secret of an invitation as it was mailed last.';
comment on column app_private.invitation_tokens.organization_id is 'The organization.';
comment on column app_private.invitation_tokens.invitation_id is 'The invitation.';
comment on column app_private.invitation_tokens.hash is 'SHA-256 of the token; the token itself is never stored.';

insert into app_private.attempt_limits (action, per, most, span) values
  ('invitation', 'organization', 100, '1 hour'),
  ('invitation', 'address', 5, '1 hour'),
  ('invitation', 'network', 200, '1 hour')
on conflict (action, per) do update set most = excluded.most, span = excluded.span;

create type app_public.invitation_offer as (
  organization_name text, role text, inviter_name text, expires_at timestamptz
);
comment on type app_public.invitation_offer is 'What an invitation offers.';
comment on column app_public.invitation_offer.organization_name is 'What the organization is called.';
comment on column app_public.invitation_offer.role is 'The role in which one would be a member.';
comment on column app_public.invitation_offer.inviter_name is 'Who sent it.';
comment on column app_public.invitation_offer.expires_at is 'Until when it can be accepted.';

--!include functions/app_private/count_invitation.sql
--!include functions/app_private/send_invitation.sql
--!include functions/app_private/tg_invitations__send.sql
create trigger _200_recent_sign_in after insert on app_public.invitations
  for each row when (
    pg_trigger_depth() = 0 and new.role = 'owner' and app_public.current_person_id() is not null
  )
  execute function app_private.tg__recent_sign_in();
create trigger _800_send after insert on app_public.invitations
  for each row execute function app_private.tg_invitations__send();
--!include functions/app_public/find_invitation.sql
--!include functions/app_public/accept_invitation.sql
--!include functions/app_public/resend_invitation.sql
--!include functions/app_private/purge_invitations.sql
