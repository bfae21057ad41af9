/*
 * The demo Office: two studios that must not see each other. Runs on an empty database only, as one
 * transaction. Everybody's password is "open sesame".
 */
do $$
declare
  v_nord uuid;
  v_south uuid;
  v_berlin uuid;
  v_lisbon uuid;
begin
  if exists (select from app_public.people) then
    return;
  end if;

  insert into app_public.people (name)
  values ('Ada Winter'), ('Ben Okafor'), ('Cleo Marsh'), ('Dina Roth'), ('Emil Sand');

  insert into app_public.email_addresses (person_id, address, is_primary)
  select people.id, lower(split_part(people.name, ' ', 1)) || '@example.com', true from app_public.people;

  insert into app_private.passwords (person_id, hash)
  select
    people.id,
    '$argon2id$v=19$m=19456,t=2,p=1$YH/4YLAogWl/y9sK4lzDXA$5fbNsy70GZpmU01LSgk2qH1XDWNk6/Cgo9KlqtYwlIw'
  from app_public.people;

  insert into app_public.organizations (name) values ('Studio Nord') returning id into v_nord;
  insert into app_public.organizations (name) values ('South & Sons') returning id into v_south;

  insert into app_public.memberships (organization_id, person_id, role)
  select
    case when people.name in ('Dina Roth', 'Emil Sand') then v_south else v_nord end,
    people.id,
    case
      when people.name in ('Ada Winter', 'Dina Roth') then 'owner'
      when people.name = 'Ben Okafor' then 'manager'
      else 'member'
    end
  from app_public.people;

  insert into app_public.offices (organization_id, name, time_zone)
  values (v_nord, 'Berlin', 'Europe/Berlin') returning id into v_berlin;
  insert into app_public.offices (organization_id, name, time_zone)
  values (v_south, 'Lisbon', 'Europe/Lisbon') returning id into v_lisbon;

  -- `npm start` runs a controller for each of Ada's doors: companions.sql. Nobody runs one at the gate.
  insert into app_public.devices (organization_id, office_id, name, kind)
  values
    (v_nord, v_berlin, 'Front door controller', 'controller'),
    (v_nord, v_berlin, 'Workshop controller', 'controller'),
    (v_nord, v_berlin, 'Roof controller', 'controller'),
    (v_south, v_lisbon, 'Gate controller', 'controller');

  -- The front door's id is known, so that there are examples to copy.
  insert into app_public.doors (organization_id, office_id, id, name, device_id)
  select
    devices.organization_id, devices.office_id,
    case when door.name = 'Front door' then '01900000-0000-7000-8000-00000000d001' else app_hidden.new_id() end,
    door.name, devices.id
  from app_public.devices
  cross join lateral (select replace(devices.name, ' controller', '') as name) as door;

  insert into app_public.access_rules (organization_id, office_id, name)
  values (v_nord, v_berlin, 'Members'), (v_south, v_lisbon, 'Members');

  -- A few days of comings and goings: three visits a day and person.
  insert into app_public.door_decisions (organization_id, door_id, person_id, is_allowed, rule, reason, decided_at)
  select
    doors.organization_id, doors.id, memberships.person_id, true, 'Members',
    'You are let in by the rule “Members”.',
    date_trunc('day', now()) - make_interval(days => day.number, hours => -9, mins => -(visit.number * 97 + day.number * 7))
  from generate_series(1, 5) as day (number)
  cross join generate_series(0, 2) as visit (number)
  cross join app_public.memberships
  join app_public.doors on doors.organization_id = memberships.organization_id
  where doors.name in ('Front door', 'Gate');
end;
$$;
