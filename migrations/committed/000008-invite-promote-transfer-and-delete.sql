--! Previous: sha1:5126aa38b9dd8baaba7273657b99852b4c1fc16b
--! Hash: sha1:c77765489462013ab97b1a9f639cc7b2494bd563
--! Message: Invite, promote, transfer and delete

--! split: 1-current.sql
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

--! Included functions/app_hidden/my_owned_organization_ids.sql
-- Definer: see my_organization_ids.
create or replace function app_hidden.my_owned_organization_ids() returns setof uuid
language sql stable rows 5 parallel safe
security definer
set search_path to pg_catalog, public, pg_temp
as $$
  select memberships.organization_id
  from app_public.memberships
  where memberships.person_id = app_public.current_person_id()
    and memberships.role = 'owner';
$$;
grant execute on function app_hidden.my_owned_organization_ids() to :ROLE_PERSON;
comment on function app_hidden.my_owned_organization_ids() is
  'The organizations that the caller owns.';
--! EndIncluded functions/app_hidden/my_owned_organization_ids.sql
--! Included functions/app_private/record_membership_event.sql
-- From which program and network somebody else did it is not the member's to know.
create or replace function app_private.record_membership_event(
  person_id uuid, kind text, organization_id uuid, detail text
)
returns void
language plpgsql volatile
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_detail text := (
    select concat_ws(', ', organizations.name, record_membership_event.detail)
    from app_public.organizations
    where organizations.id = record_membership_event.organization_id
  );
begin
  if record_membership_event.person_id = app_public.current_person_id() then
    perform app_private.record_event(
      record_membership_event.person_id, record_membership_event.kind,
      record_membership_event.organization_id, v_detail
    );
  else
    insert into app_public.security_events (person_id, kind, organization_id, detail, request_id)
    values (
      record_membership_event.person_id, record_membership_event.kind,
      record_membership_event.organization_id, v_detail, app_private.request_fact('id')
    );
  end if;
end;
$$;
comment on function app_private.record_membership_event(uuid, text, uuid, text) is
  'Writes into a member''s security log what happened in an organization, with its name; where somebody else did it, without that person''s client and network.';
--! EndIncluded functions/app_private/record_membership_event.sql

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

--! Included functions/app_private/tg_memberships__keep_owner.sql
-- Two changes at once could each see the other's owner and together leave none. So each of them writes
-- the organization's row: the second waits for the first, and then counts anew what that one has left; in
-- a transaction whose snapshot is older than that, it fails as any write to a changed row does. To lock
-- the row would make them wait as well, but tell such a transaction nothing.
create or replace function app_private.tg_memberships__keep_owner() returns trigger
language plpgsql volatile
security definer -- whoever leaves may neither write the organization nor, by then, see its members
set search_path to pg_catalog, public, pg_temp
as $$
begin
  update app_public.organizations set updated_at = now() where organizations.id = old.organization_id;

  -- Not found: the organization goes, and this is part of its end.
  if found and not exists (
    select from app_public.memberships
    where memberships.organization_id = old.organization_id and memberships.role = 'owner'
  ) then
    raise exception using
      errcode = 'raise_exception',
      message = 'An organization needs an owner.',
      hint = 'Make somebody else an owner first, or delete the organization.';
  end if;
  return null;
end;
$$;
comment on function app_private.tg_memberships__keep_owner() is
  E'Trigger: refuses to take the last owner from an organization, by whichever way.\n\nErrors: `P0001`.';
--! EndIncluded functions/app_private/tg_memberships__keep_owner.sql
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
--! Included functions/app_private/tg__recent_sign_in.sql
create or replace function app_private.tg__recent_sign_in() returns trigger
language plpgsql volatile
security definer -- callers have no right to ask for sessions' ages
set search_path to pg_catalog, public, pg_temp
as $$
begin
  perform app_private.require_recent_sign_in();
  return null;
end;
$$;
comment on function app_private.tg__recent_sign_in() is
  E'Trigger: refuses what somebody does who has not signed in within the last ten minutes.\n\nErrors: `REAUT`.';
--! EndIncluded functions/app_private/tg__recent_sign_in.sql
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

--! Included functions/app_private/tg_memberships__record.sql
create or replace function app_private.tg_memberships__record() returns trigger
language plpgsql volatile
security definer -- callers have no right to write the log
set search_path to pg_catalog, public, pg_temp
as $$
begin
  case tg_op
    when 'INSERT' then
      perform app_private.record_membership_event(
        new.person_id, 'joined_organization', new.organization_id, new.role
      );
    when 'UPDATE' then
      perform app_private.record_membership_event(
        new.person_id, 'role_changed', new.organization_id, format('%s → %s', old.role, new.role)
      );
    else
      perform app_private.record_membership_event(
        old.person_id,
        case
          when old.person_id = app_public.current_person_id() then 'left_organization'
          else 'removed_from_organization'
        end,
        old.organization_id, old.role
      );
  end case;
  return null;
end;
$$;
comment on function app_private.tg_memberships__record() is
  'Trigger: writes into the member''s security log that they joined or left an organization, or have another role there.';
--! EndIncluded functions/app_private/tg_memberships__record.sql
create or replace trigger _500_record_joined after insert on app_public.memberships
  for each row execute function app_private.tg_memberships__record();
create or replace trigger _501_record_changed after update on app_public.memberships
  for each row when (old.role <> new.role) execute function app_private.tg_memberships__record();
-- Deeper than zero is the end of the organization or of the person.
create or replace trigger _502_record_ended after delete on app_public.memberships
  for each row when (pg_trigger_depth() = 0) execute function app_private.tg_memberships__record();

--! Included functions/app_public/transfer_ownership.sql
-- Both rows are locked before they are looked at, in the order of their ids, so that two transfers wait
-- for each other; and both change in one statement, so that there is an owner at every moment.
create or replace function app_public.transfer_ownership(organization_id uuid, person_id uuid)
returns app_public.memberships
language plpgsql volatile
security definer -- callers have no right on sessions' ages and on the log
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_caller_id uuid := app_public.current_person_id();
  v_membership app_public.memberships;
begin
  perform app_private.require_recent_sign_in();
  perform
  from app_public.memberships
  where memberships.organization_id = transfer_ownership.organization_id
    and memberships.person_id in (v_caller_id, transfer_ownership.person_id)
  order by memberships.id
  for update;

  if not exists (
    select from app_public.memberships
    where memberships.organization_id = transfer_ownership.organization_id
      and memberships.person_id = v_caller_id
      and memberships.role = 'owner'
  ) then
    raise exception using
      errcode = 'NTFND',
      message = 'There is no such organization, or you do not own it.',
      column = 'organization_id';
  end if;
  if transfer_ownership.person_id = v_caller_id or not exists (
    select from app_public.memberships
    where memberships.organization_id = transfer_ownership.organization_id
      and memberships.person_id = transfer_ownership.person_id
  ) then
    raise exception using
      errcode = 'NTFND',
      message = 'There is no such person among the other members.',
      hint = 'Invite them first; once they are a member, the organization can be theirs.',
      column = 'person_id';
  end if;

  update app_public.memberships
  set role = case when memberships.person_id = v_caller_id then 'manager' else 'owner' end
  where memberships.organization_id = transfer_ownership.organization_id
    and memberships.person_id in (v_caller_id, transfer_ownership.person_id);
  perform app_private.record_membership_event(
    transferred.person_id, 'ownership_transferred', transfer_ownership.organization_id, null
  )
  from unnest(array[v_caller_id, transfer_ownership.person_id]) as transferred (person_id);

  select * into v_membership
  from app_public.memberships
  where memberships.organization_id = transfer_ownership.organization_id
    and memberships.person_id = transfer_ownership.person_id;
  return v_membership;
end;
$$;
grant execute on function app_public.transfer_ownership(uuid, uuid) to :ROLE_PERSON;
comment on function app_public.transfer_ownership(uuid, uuid) is
  E'Makes another member an owner in your place; you become a manager. Both of you are told by mail. The result is the new owner''s membership.\n\nTo have one more owner and stay one yourself, use `updateMembership`.\n\n- `organizationId`: an organization that you own.\n- `personId`: a member of it.\n\nErrors: `SIGN_IN_AGAIN` without a sign-in of the last ten minutes; `NOT_FOUND` naming the argument.';
--! EndIncluded functions/app_public/transfer_ownership.sql

-- The end of an organization. No right to set the date: it takes a code that is mailed to an owner.

alter table app_public.organizations add column if not exists deletes_at timestamptz;
comment on column app_public.organizations.deletes_at is 'When it will be deleted, with all that belongs to it; null where that was not decided.';
create index if not exists organizations_deletes_at_idx on app_public.organizations (deletes_at)
  where deletes_at is not null;

--! Included functions/app_private/tell_owners.sql
create or replace function app_private.tell_owners(organization_id uuid, kind text) returns void
language sql volatile
as $$
  select
    app_private.record_membership_event(
      memberships.person_id, tell_owners.kind, tell_owners.organization_id, null
    ),
    case tell_owners.kind when 'organization_deletion_decided' then
      graphile_worker.add_job('organization__send_deletion_notice', json_build_object(
        'organizationId', tell_owners.organization_id,
        'personId', memberships.person_id,
        'deciderId', app_public.current_person_id()
      ))
    end
  from app_public.memberships
  where memberships.organization_id = tell_owners.organization_id and memberships.role = 'owner';
$$;
comment on function app_private.tell_owners(uuid, text) is
  'Writes into the security log of each owner of an organization what was decided about it, and has them told by mail that it is to be deleted.';
--! EndIncluded functions/app_private/tell_owners.sql
--! Included functions/app_hidden/count_deletion_mail.sql
create or replace function app_hidden.count_deletion_mail() returns integer
language sql volatile
security definer -- callers have no right on attempts
set search_path to pg_catalog, public, pg_temp
as $$
  select app_private.count_attempt('deletion_mail', jsonb_build_object(
    'account', app_public.current_person_id(), 'network', app_private.request_network()
  ));
$$;
grant execute on function app_hidden.count_deletion_mail() to :ROLE_PERSON;
comment on function app_hidden.count_deletion_mail() is
  'Counts a request for the mail that confirms the deletion of an organization; the seconds to wait when there were too many, else null.';
--! EndIncluded functions/app_hidden/count_deletion_mail.sql
--! Included functions/app_public/request_organization_deletion.sql
create or replace function app_public.request_organization_deletion(organization_id uuid)
returns app_public.sent_code
language plpgsql volatile
security definer -- callers have no right on codes
set search_path to pg_catalog, public, pg_temp
as $$
begin
  perform app_private.require_recent_sign_in();
  if request_organization_deletion.organization_id
    = any (array(select app_hidden.my_owned_organization_ids())) is not true then
    raise exception using
      errcode = 'NTFND',
      message = 'There is no such organization, or you do not own it.',
      column = 'organization_id';
  end if;

  return app_private.send_code(
    'delete_organization',
    (
      select email_addresses.address
      from app_public.email_addresses
      where email_addresses.person_id = app_public.current_person_id() and email_addresses.is_primary
    ),
    app_public.current_person_id(),
    request_organization_deletion.organization_id
  );
end;
$$;
grant execute on function app_public.request_organization_deletion(uuid) to :ROLE_PERSON;
comment on function app_public.request_organization_deletion(uuid) is
  E'Mails you a code to delete an organization with. Then use `confirmOrganizationDeletion`.\n\n- `organizationId`: an organization that you own.\n\nErrors: `SIGN_IN_AGAIN` without a sign-in of the last ten minutes; `NOT_FOUND`.';
--! EndIncluded functions/app_public/request_organization_deletion.sql
--! Included functions/app_public/confirm_organization_deletion.sql
-- The organization's row comes first: who has been taken out of its owners meanwhile is found to be none.
create or replace function app_public.confirm_organization_deletion(id uuid, code text)
returns app_public.organizations
language plpgsql volatile
security definer -- callers have no right on codes, nor to set the date
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_code app_private.mail_codes := app_private.redeem_code(
    confirm_organization_deletion.id, confirm_organization_deletion.code, 'delete_organization'
  );
  v_organization app_public.organizations;
begin
  select * into v_organization
  from app_public.organizations
  where organizations.id = v_code.organization_id
  for no key update;

  if v_organization.id = any (array(select app_hidden.my_owned_organization_ids())) is not true then
    return null;
  end if;
  if v_organization.deletes_at is null then
    update app_public.organizations
    set deletes_at = now() + interval '14 days'
    where organizations.id = v_organization.id
    returning * into v_organization;

    perform app_private.tell_owners(v_organization.id, 'organization_deletion_decided');
  end if;
  return v_organization;
end;
$$;
grant execute on function app_public.confirm_organization_deletion(uuid, text) to :ROLE_PERSON;
comment on function app_public.confirm_organization_deletion(uuid, text) is
  E'Decides that an organization is deleted in 14 days, with all that belongs to it. Its owners are told by mail; until then each of them can undo it by `keepOrganization`.\n\nThe result is null when the code is wrong, was used, has expired, or is not yours, or when you are no owner any more.\n\n- `id`: what `requestOrganizationDeletion` answered.\n- `code`: what was mailed.';
--! EndIncluded functions/app_public/confirm_organization_deletion.sql
--! Included functions/app_public/keep_organization.sql
create or replace function app_public.keep_organization(organization_id uuid) returns app_public.organizations
language plpgsql volatile
security definer -- callers have no right to clear the date
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_organization app_public.organizations;
begin
  select * into v_organization
  from app_public.organizations
  where organizations.id = keep_organization.organization_id
  for no key update;

  if v_organization.id = any (array(select app_hidden.my_owned_organization_ids())) is not true then
    raise exception using
      errcode = 'NTFND',
      message = 'There is no such organization, or you do not own it.',
      column = 'organization_id';
  end if;
  if v_organization.deletes_at is not null then
    update app_public.organizations
    set deletes_at = null
    where organizations.id = v_organization.id
    returning * into v_organization;

    perform app_private.tell_owners(v_organization.id, 'organization_kept');
  end if;
  return v_organization;
end;
$$;
grant execute on function app_public.keep_organization(uuid) to :ROLE_PERSON;
comment on function app_public.keep_organization(uuid) is
  E'Undoes the decision to delete an organization. One that was not to be deleted stays as it is.\n\n- `organizationId`: an organization that you own.\n\nErrors: `NOT_FOUND`.';
--! EndIncluded functions/app_public/keep_organization.sql
--! Included functions/app_private/delete_due_organizations.sql
-- Members before their organization, as whoever changes a role takes them: otherwise each could wait for
-- the other.
create or replace function app_private.delete_due_organizations() returns bigint
language plpgsql volatile
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_count bigint;
begin
  perform
  from app_public.memberships
  join app_public.organizations on organizations.id = memberships.organization_id
  where organizations.deletes_at <= now()
  order by memberships.id
  for update of memberships;

  delete from app_public.organizations where organizations.deletes_at <= now();
  get diagnostics v_count = row_count;
  return v_count;
end;
$$;
comment on function app_private.delete_due_organizations() is
  'Deletes the organizations whose time has come, with all that belongs to them, and returns how many there were.';
--! EndIncluded functions/app_private/delete_due_organizations.sql

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
--! Included functions/app_private/tg_invitations__address.sql
create or replace function app_private.tg_invitations__address() returns trigger
language plpgsql volatile
security definer -- callers have no right to ask what an address is
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_message text;
  v_hint text;
begin
  new.address = app_private.to_address(new.address);
  return new;
exception
  when invalid_parameter_value then
    get stacked diagnostics v_message = message_text, v_hint = pg_exception_hint;
    raise exception using
      errcode = 'invalid_parameter_value', message = v_message, hint = v_hint, column = 'address';
end;
$$;
comment on function app_private.tg_invitations__address() is
  E'Trigger: writes the address as all are written.\n\nErrors: `22023`.';
--! EndIncluded functions/app_private/tg_invitations__address.sql
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
  ('deletion_mail', 'account', 5, '1 hour'),
  ('deletion_mail', 'network', 50, '1 hour'),
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

--! Included functions/app_private/count_invitation.sql
-- What is undone is not counted, and has sent no mail either.
create or replace function app_private.count_invitation(organization_id uuid, address text) returns void
language plpgsql volatile
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_wait integer := app_private.count_attempt('invitation', jsonb_build_object(
    'organization', count_invitation.organization_id,
    'address', count_invitation.address,
    'network', app_private.request_network()
  ));
begin
  if v_wait is not null then
    raise exception using
      errcode = 'TMANY',
      message = 'Too many invitations were sent.',
      hint = format('Try again in %s minutes.', ceil(v_wait / 60.0));
  end if;
end;
$$;
comment on function app_private.count_invitation(uuid, text) is
  E'Counts the mail of an invitation.\n\nErrors: `TMANY` when there were too many of the organization, to the address, or from the network.';
--! EndIncluded functions/app_private/count_invitation.sql
--! Included functions/app_private/send_invitation.sql
create or replace function app_private.send_invitation(id uuid) returns void
language sql volatile
as $$
  select graphile_worker.add_job(
    'invitation__send', json_build_object('id', send_invitation.id),
    job_key => 'invitation__send ' || send_invitation.id
  );
$$;
comment on function app_private.send_invitation(uuid) is
  'Has an invitation mailed; once, when it is asked for again before that was done.';
--! EndIncluded functions/app_private/send_invitation.sql
--! Included functions/app_private/tg_invitations__send.sql
-- After the row is in, and so after the policies: somebody else's organization is not told of as full.
create or replace function app_private.tg_invitations__send() returns trigger
language plpgsql volatile
security definer -- callers have no right on the queue
set search_path to pg_catalog, public, pg_temp
as $$
begin
  perform app_private.count_invitation(new.organization_id, new.address);
  if (
    select count(*) > 200
    from app_public.invitations
    where invitations.organization_id = new.organization_id and invitations.expires_at > now()
  ) then
    raise exception using
      errcode = 'TMANY',
      message = 'There are 200 open invitations already.',
      hint = 'Wait until some are accepted, or revoke those that are of no use any more.';
  end if;
  perform app_private.send_invitation(new.id);
  return null;
end;
$$;
comment on function app_private.tg_invitations__send() is
  E'Trigger: has a new invitation mailed.\n\nErrors: `TMANY`.';
--! EndIncluded functions/app_private/tg_invitations__send.sql
create trigger _200_recent_sign_in after insert on app_public.invitations
  for each row when (
    pg_trigger_depth() = 0 and new.role = 'owner' and app_public.current_person_id() is not null
  )
  execute function app_private.tg__recent_sign_in();
create trigger _800_send after insert on app_public.invitations
  for each row execute function app_private.tg_invitations__send();
--! Included functions/app_public/find_invitation.sql
create or replace function app_public.find_invitation(token text) returns app_public.invitation_offer
language sql stable
security definer -- who is invited is no member yet, and perhaps nobody yet
set search_path to pg_catalog, public, pg_temp
as $$
  select organizations.name, invitations.role, people.name, invitations.expires_at
  from app_private.invitation_tokens
  join app_public.invitations on invitations.id = invitation_tokens.invitation_id
  join app_public.organizations on organizations.id = invitations.organization_id
  join app_public.people on people.id = invitations.inviter_id
  join app_public.memberships
    on memberships.organization_id = invitations.organization_id
    and memberships.person_id = invitations.inviter_id
  where invitation_tokens.hash = sha256(convert_to(find_invitation.token, 'UTF8'))
    and invitations.expires_at > now()
    and (memberships.role = 'owner' or (memberships.role = 'manager' and invitations.role <> 'owner'));
$$;
grant execute on function app_public.find_invitation(text) to :ROLE_ANONYMOUS, :ROLE_PERSON;
comment on function app_public.find_invitation(text) is
  E'What an invitation offers, and who sent it; null when it was accepted or revoked, has expired or never was, or when a newer one was sent.\n\n- `token`: what was mailed.';
--! EndIncluded functions/app_public/find_invitation.sql
--! Included functions/app_public/accept_invitation.sql
-- What it rests on is locked before it is looked at: the inviter, who must still be one that may invite,
-- then the invitation, then its token, which may have been renewed meanwhile. The order is that in which
-- an organization's end takes them.
create or replace function app_public.accept_invitation(token text) returns app_public.memberships
language plpgsql volatile
security definer -- nobody may make themselves a member
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_hash bytea := sha256(convert_to(accept_invitation.token, 'UTF8'));
  v_invitation app_public.invitations;
  v_membership app_public.memberships;
begin
  select invitations.* into v_invitation
  from app_private.invitation_tokens
  join app_public.invitations on invitations.id = invitation_tokens.invitation_id
  where invitation_tokens.hash = v_hash;

  perform
  from app_public.memberships
  where memberships.organization_id = v_invitation.organization_id
    and memberships.person_id = v_invitation.inviter_id
    and (memberships.role = 'owner' or (memberships.role = 'manager' and v_invitation.role <> 'owner'))
  for share;
  if not found then
    return null;
  end if;

  perform
  from app_public.invitations
  where invitations.id = v_invitation.id and invitations.expires_at > now()
  for update;
  if not found then
    return null;
  end if;

  delete from app_private.invitation_tokens where invitation_tokens.hash = v_hash;
  if not found then
    return null;
  end if;
  delete from app_public.invitations where invitations.id = v_invitation.id;

  insert into app_public.memberships (organization_id, person_id, role)
  values (v_invitation.organization_id, app_public.current_person_id(), v_invitation.role)
  on conflict (organization_id, person_id) do nothing;
  select * into v_membership
  from app_public.memberships
  where memberships.organization_id = v_invitation.organization_id
    and memberships.person_id = app_public.current_person_id();
  return v_membership;
end;
$$;
grant execute on function app_public.accept_invitation(text) to :ROLE_PERSON;
comment on function app_public.accept_invitation(text) is
  E'Makes you a member of the organization that the invitation is from, and uses it up. If you are one already, you stay what you are.\n\nThe result is null when it was accepted or revoked, has expired or never was, or when a newer one was sent. Without an account, sign up first.\n\n- `token`: what was mailed.';
--! EndIncluded functions/app_public/accept_invitation.sql
--! Included functions/app_public/resend_invitation.sql
create or replace function app_public.resend_invitation(id uuid) returns app_public.invitations
language plpgsql volatile
security definer -- callers have no right to prolong an invitation, nor on tokens
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_invitation app_public.invitations;
begin
  update app_public.invitations
  set expires_at = default, inviter_id = default
  where invitations.id = resend_invitation.id
    and (
      invitations.organization_id = any (array(select app_hidden.my_owned_organization_ids()))
      or (
        invitations.organization_id = any (array(select app_hidden.my_managed_organization_ids()))
        and invitations.role <> 'owner'
      )
    )
  returning * into v_invitation;

  if not found then
    raise exception using
      errcode = 'NTFND',
      message = 'There is no such invitation, or it is not yours to send.';
  end if;
  delete from app_private.invitation_tokens where invitation_tokens.invitation_id = v_invitation.id;
  perform app_private.count_invitation(v_invitation.organization_id, v_invitation.address);
  perform app_private.send_invitation(v_invitation.id);
  return v_invitation;
end;
$$;
grant execute on function app_public.resend_invitation(uuid) to :ROLE_PERSON;
comment on function app_public.resend_invitation(uuid) is
  E'Mails an invitation anew, now in your name and for another 14 days. What was mailed before is void at once.\n\n- `id`: the invitation; one to become an owner is for owners to send.\n\nErrors: `NOT_FOUND`; `TOO_MANY_ATTEMPTS`.';
--! EndIncluded functions/app_public/resend_invitation.sql
--! Included functions/app_private/purge_invitations.sql
create or replace function app_private.purge_invitations() returns bigint
language sql volatile
as $$
  with purged as (
    delete from app_public.invitations
    where id in (
      select invitations.id from app_public.invitations
      where expires_at <= now() - interval '30 days'
      limit 10000
    )
    returning 1
  )
  select count(*) from purged;
$$;
comment on function app_private.purge_invitations() is
  'Removes up to 10,000 invitations that expired a month ago, and returns how many there were.';
--! EndIncluded functions/app_private/purge_invitations.sql
