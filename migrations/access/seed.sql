/*
 * Rows to try rights on: two studios, two people of each role, somebody who was removed, somebody who never
 * was in any. Runs on an empty database, in a transaction that is rolled back.
 *
 * Each table needs a row of each kind that its policies tell apart: of the person herself, of a colleague, of
 * the organization that she was removed from, and of another organization. Ids end in the same digits
 * wherever they mean the same person (01 to 09), organization (a1, a2) or device (e1 to e3).
 */
insert into app_public.people (id, name)
values
  ('00000000-0000-7000-8000-000000000001', 'Olga, owner'),
  ('00000000-0000-7000-8000-000000000002', 'Otto, owner too'),
  ('00000000-0000-7000-8000-000000000003', 'Marc, manager'),
  ('00000000-0000-7000-8000-000000000004', 'Max, manager too'),
  ('00000000-0000-7000-8000-000000000005', 'Mia, member'),
  ('00000000-0000-7000-8000-000000000006', 'Mo, member too'),
  ('00000000-0000-7000-8000-000000000007', 'Eva, no member any more'),
  ('00000000-0000-7000-8000-000000000008', 'Pia, no member'),
  ('00000000-0000-7000-8000-000000000009', 'Stan, owner elsewhere'),
  ('00000000-0000-7000-8000-000000000010', 'Sue, owner elsewhere too'),
  ('00000000-0000-7000-8000-000000000011', 'Sam, member elsewhere');

insert into app_public.email_addresses (person_id, address, is_primary)
select people.id, lower(split_part(people.name, ',', 1)) || '@example.com', true from app_public.people;

-- Everybody's token is their name: actors.json5 says who signs in.
insert into app_public.sessions (id, person_id)
select people.id, people.id from app_public.people;
insert into app_private.tokens (hash, person_id, session_id, expires_at)
select
  sha256(convert_to(lower(split_part(people.name, ',', 1)), 'UTF8')), people.id, people.id,
  now() + interval '1 day'
from app_public.people;

insert into app_public.api_keys (person_id, name, starts_with, can_write, expires_at)
select people.id, 'Backup', 'plinth_key_12345678', false, now() + interval '1 day' from app_public.people;

insert into app_public.account_exports (person_id) select people.id from app_public.people;
insert into app_public.open_id_accounts (person_id, issuer, subject)
select people.id, 'https://id.example.com', people.id from app_public.people;

select app_private.record_event(people.id, 'signed_up') from app_public.people;

insert into app_public.organizations (id, name)
values
  ('00000000-0000-7000-8000-0000000000a1', 'Studio'),
  ('00000000-0000-7000-8000-0000000000a2', 'Elsewhere');

insert into app_public.memberships (organization_id, person_id, role)
select
  case
    when people.name like '%elsewhere%' then '00000000-0000-7000-8000-0000000000a2'::uuid
    else '00000000-0000-7000-8000-0000000000a1'
  end,
  people.id,
  substring(people.name from ', (owner|manager|member)')
from app_public.people
where people.name ~ ', (owner|manager|member)';

insert into app_public.invitations (organization_id, address, role, inviter_id)
select memberships.organization_id, roles.role || '@example.org', roles.role, memberships.person_id
from app_public.memberships
join app_public.people on people.id = memberships.person_id and people.name in ('Olga, owner', 'Stan, owner elsewhere')
cross join app_public.membership_roles as roles;

insert into app_public.offices (organization_id, id, name)
values
  ('00000000-0000-7000-8000-0000000000a1', '00000000-0000-7000-8000-0000000000b1', 'Main'),
  ('00000000-0000-7000-8000-0000000000a2', '00000000-0000-7000-8000-0000000000b2', 'Main');

-- Two of the same studio, so that one can be tried against the other, and one elsewhere.
insert into app_public.devices (organization_id, id, office_id, name, kind, enrolled_at)
values
  (
    '00000000-0000-7000-8000-0000000000a1', '00000000-0000-7000-8000-0000000000e1',
    '00000000-0000-7000-8000-0000000000b1', 'Dora', 'controller', now()
  ),
  (
    '00000000-0000-7000-8000-0000000000a1', '00000000-0000-7000-8000-0000000000e2',
    '00000000-0000-7000-8000-0000000000b1', 'Dolly', 'controller', now()
  ),
  (
    '00000000-0000-7000-8000-0000000000a2', '00000000-0000-7000-8000-0000000000e3',
    '00000000-0000-7000-8000-0000000000b2', 'Dan', 'controller', now()
  );
insert into app_private.tokens (hash, device_id, expires_at)
select sha256(convert_to(lower(devices.name), 'UTF8')), devices.id, 'infinity' from app_public.devices;

insert into app_public.doors (organization_id, id, office_id, name, device_id)
values
  (
    '00000000-0000-7000-8000-0000000000a1', '00000000-0000-7000-8000-0000000000d1',
    '00000000-0000-7000-8000-0000000000b1', 'Front', '00000000-0000-7000-8000-0000000000e1'
  ),
  (
    '00000000-0000-7000-8000-0000000000a1', '00000000-0000-7000-8000-0000000000d3',
    '00000000-0000-7000-8000-0000000000b1', 'Rear', '00000000-0000-7000-8000-0000000000e2'
  ),
  (
    '00000000-0000-7000-8000-0000000000a2', '00000000-0000-7000-8000-0000000000d2',
    '00000000-0000-7000-8000-0000000000b2', 'Front', '00000000-0000-7000-8000-0000000000e3'
  );

insert into app_public.rings (organization_id, office_id, door_id, device_id)
select doors.organization_id, doors.office_id, doors.id, doors.device_id from app_public.doors;

-- Everybody who can is in, and was before.
insert into app_public.presences (organization_id, office_id, person_id, origin, since, until, expires_at)
select
  offices.organization_id, offices.id, memberships.person_id, 'said_so', now(), times.until,
  now() + interval '1 hour'
from app_public.memberships
join app_public.offices on offices.organization_id = memberships.organization_id
cross join (values (null::timestamptz), (now())) as times (until);

-- A second door each, for a rule that has the first one. Rules of the colleague, of the person herself, and of all.
insert into app_public.doors (organization_id, id, office_id, name)
select
  offices.organization_id, replace(offices.id::text, '0000000000b', '0000000000e')::uuid, offices.id, 'Back'
from app_public.offices;

insert into app_public.access_rules (organization_id, office_id, name, is_whole_office)
select offices.organization_id, offices.id, 'Members', false from app_public.offices;
insert into app_public.access_rule_doors (organization_id, rule_id, door_id)
select access_rules.organization_id, access_rules.id, doors.id
from app_public.access_rules
join app_public.doors on doors.office_id = access_rules.office_id and doors.name = 'Front';
insert into app_public.access_rules (organization_id, office_id, name, membership_id)
select memberships.organization_id, offices.id, 'Personal', memberships.id
from app_public.memberships
join app_public.offices on offices.organization_id = memberships.organization_id;

insert into app_public.closures (organization_id, office_id, name, starts_on, ends_on)
select offices.organization_id, offices.id, 'Holidays', current_date, current_date from app_public.offices;

-- Started by everybody who could at some time, and over.
insert into app_public.lockdowns (organization_id, office_id, reason, started_by, ended_at)
select offices.organization_id, offices.id, 'Drill', people.id, now()
from app_public.offices cross join app_public.people;

-- Everybody has tried every door, also those who may not, or not any more.
insert into app_public.door_decisions (organization_id, door_id, person_id, is_allowed, reason)
select doors.organization_id, doors.id, people.id, false, 'Tried.'
from app_public.doors cross join app_public.people;
insert into app_public.unlock_commands
  (organization_id, door_id, device_id, device_enrolled_at, person_id, decision_id)
select
  door_decisions.organization_id, door_decisions.door_id, devices.id, devices.enrolled_at,
  door_decisions.person_id, door_decisions.id
from app_public.door_decisions
join app_public.doors on doors.id = door_decisions.door_id
join app_public.devices on devices.id = doors.device_id;
