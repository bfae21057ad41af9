--! Previous: sha1:f0c8e20225ff7e13772d95572264ce9ed7c4306c
--! Hash: sha1:60c4e19a95e5021274792dc4bfb6f2d2b65fafb2
--! Message: organizations

--! split: 1-current.sql
/*
 * Organizations: the wall between tenants. Everything a tenant owns carries organization_id in its
 * key, and every policy asks for "rows of my organizations".
 */
drop table if exists app_public.memberships, app_public.membership_roles, app_public.organizations cascade;

-- A table rather than a type, so that a role can be described, and one day retired.
create table app_public.membership_roles (
  role text primary key,
  description text not null
);
alter table app_public.membership_roles enable row level security;
create policy select_anyone on app_public.membership_roles for select
  to :ROLE_AUTHENTICATOR, :ROLE_ANONYMOUS, :ROLE_PERSON, :ROLE_DEVICE
  using (true);
grant select on app_public.membership_roles
  to :ROLE_AUTHENTICATOR, :ROLE_ANONYMOUS, :ROLE_PERSON, :ROLE_DEVICE;
comment on table app_public.membership_roles is 'What a member may do in an organization.';
comment on column app_public.membership_roles.role is 'Its name.';
comment on column app_public.membership_roles.description is 'What it allows.';
insert into app_public.membership_roles (role, description) values
  ('owner', 'Everything, and deciding who else is an owner.'),
  ('manager', 'Changes offices, doors and members.'),
  ('member', 'Uses what the organization has.');

-- No insert: create_organization makes an organization together with its first owner.
create table app_public.organizations (
  id uuid primary key default app_hidden.new_id(),
  name text not null check (length(name) <= 100 and trim(name) <> ''),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

-- Read only: nobody becomes a member by saying so.
create table app_public.memberships (
  organization_id uuid not null references app_public.organizations on delete cascade,
  id uuid not null default app_hidden.new_id() unique,
  person_id uuid not null references app_public.people on delete cascade,
  role text not null default 'member' references app_public.membership_roles on delete restrict,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (organization_id, id),
  unique (organization_id, person_id)
);
create index on app_public.memberships (person_id);
create index on app_public.memberships (role);

--! Included functions/app_hidden/my_organization_ids.sql
-- Definer: the policy on memberships itself asks this, and would otherwise ask itself without end.
create or replace function app_hidden.my_organization_ids() returns setof uuid
language sql stable rows 5 parallel safe
security definer
set search_path to pg_catalog, public, pg_temp
as $$
  select memberships.organization_id
  from app_public.memberships
  where memberships.person_id = app_public.current_person_id();
$$;
grant execute on function app_hidden.my_organization_ids() to :ROLE_PERSON;
comment on function app_hidden.my_organization_ids() is
  'The organizations that the caller is a member of, in any role.';
--! EndIncluded functions/app_hidden/my_organization_ids.sql
--! Included functions/app_hidden/my_managed_organization_ids.sql
-- Definer: see my_organization_ids.
create or replace function app_hidden.my_managed_organization_ids() returns setof uuid
language sql stable rows 5 parallel safe
security definer
set search_path to pg_catalog, public, pg_temp
as $$
  select memberships.organization_id
  from app_public.memberships
  where memberships.person_id = app_public.current_person_id()
    and memberships.role in ('owner', 'manager');
$$;
grant execute on function app_hidden.my_managed_organization_ids() to :ROLE_PERSON;
comment on function app_hidden.my_managed_organization_ids() is
  'The organizations that the caller owns or manages.';
--! EndIncluded functions/app_hidden/my_managed_organization_ids.sql
--! Included functions/app_hidden/my_colleague_ids.sql
-- Definer: sees every membership of the caller's organizations, also where a policy would ask back.
create or replace function app_hidden.my_colleague_ids() returns setof uuid
language sql stable rows 50 parallel safe
security definer
set search_path to pg_catalog, public, pg_temp
as $$
  select app_public.current_person_id()
  union
  select memberships.person_id
  from app_public.memberships
  where memberships.organization_id = any (array(select app_hidden.my_organization_ids()));
$$;
grant execute on function app_hidden.my_colleague_ids() to :ROLE_PERSON;
comment on function app_hidden.my_colleague_ids() is
  'The caller and everybody who shares an organization with the caller.';
--! EndIncluded functions/app_hidden/my_colleague_ids.sql

alter table app_public.organizations enable row level security;
create policy select_member on app_public.organizations for select to :ROLE_PERSON
  using (id = any (array(select app_hidden.my_organization_ids())));
create policy update_manager on app_public.organizations for update to :ROLE_PERSON
  using (id = any (array(select app_hidden.my_managed_organization_ids())));
grant select on app_public.organizations to :ROLE_PERSON;
grant update (name) on app_public.organizations to :ROLE_PERSON;
comment on table app_public.organizations is 'A tenant: a studio, a company. You see those you are a member of.';
comment on column app_public.organizations.id is 'Identifies the organization.';
comment on column app_public.organizations.name is 'What it is called, 1 to 100 characters.';
comment on column app_public.organizations.created_at is 'When it was made.';
comment on column app_public.organizations.updated_at is 'When this last changed.';
create trigger _100_stamps before insert or update on app_public.organizations
  for each row execute function app_private.tg__stamps();

alter table app_public.memberships enable row level security;
create policy select_member on app_public.memberships for select to :ROLE_PERSON
  using (organization_id = any (array(select app_hidden.my_organization_ids())));
grant select on app_public.memberships to :ROLE_PERSON;
comment on table app_public.memberships is 'Who belongs to an organization, and in which role.';
comment on column app_public.memberships.organization_id is 'The organization.';
comment on column app_public.memberships.id is 'Identifies the membership.';
comment on column app_public.memberships.person_id is 'The person.';
comment on column app_public.memberships.role is 'What they may do there.';
comment on column app_public.memberships.created_at is 'Since when.';
comment on column app_public.memberships.updated_at is 'When this last changed.';
create trigger _100_stamps before insert or update on app_public.memberships
  for each row execute function app_private.tg__stamps();

create policy select_colleague on app_public.people for select to :ROLE_PERSON
  using (id = any (array(select app_hidden.my_colleague_ids())));
-- An anonymous caller may ask, since current_person does, but no policy shows it anybody.
grant select on app_public.people to :ROLE_ANONYMOUS, :ROLE_PERSON;

--! Included functions/app_public/create_organization.sql
-- Definer: an organization and its first owner come into being together; nobody may insert either alone.
create or replace function app_public.create_organization(name text) returns app_public.organizations
language plpgsql volatile
security definer
set search_path to pg_catalog, public, pg_temp
as $$
declare
  v_organization app_public.organizations;
begin
  insert into app_public.organizations (name)
  values (trim(create_organization.name))
  returning * into v_organization;

  insert into app_public.memberships (organization_id, person_id, role)
  values (v_organization.id, app_public.current_person_id(), 'owner');

  return v_organization;
end;
$$;
grant execute on function app_public.create_organization(text) to :ROLE_PERSON;
comment on function app_public.create_organization(text) is
  E'Creates an organization; you become its owner.\n\n- `name`: 1 to 100 characters.\n\nErrors: `BAD_USER_INPUT`.';
--! EndIncluded functions/app_public/create_organization.sql
