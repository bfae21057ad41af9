/*
 * The demo: a studio with an office in Berlin whose doors were opened for a month, and another studio that must not see
 * any of it. Runs on an empty database only, as one transaction. Everybody's password is "open sesame".
 *
 * The same for everybody who starts it, apart from the days, which are those before today.
 */
do $$
declare
  v_bell uuid;
  v_nord uuid;
  v_south uuid;
  v_berlin uuid;
  v_lisbon uuid;
  v_beekeeper uuid;
begin
  if exists (select from app_public.people) then
    return;
  end if;

  -- People, and where they belong.

  insert into app_public.people (name)
  values
    ('Ada Winter'), ('Ben Okafor'), ('Cleo Marsh'), ('Farid Noor'), ('Greta Lind'), ('Hugo Vale'), ('Ines Duarte'),
    ('Dina Roth'), ('Emil Sand');

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
  select memberships.id into v_beekeeper
  from app_public.memberships
  join app_public.people on people.id = memberships.person_id
  where people.name = 'Greta Lind';

  -- Offices, their doors, and what opens them.

  insert into app_public.offices (organization_id, name, time_zone)
  values (v_nord, 'Berlin', 'Europe/Berlin') returning id into v_berlin;
  insert into app_public.offices (organization_id, name, time_zone)
  values (v_south, 'Lisbon', 'Europe/Lisbon') returning id into v_lisbon;

  -- `npm start` runs a controller for each of Ada's doors: companions.sql. Nobody runs one at the gate.
  insert into app_public.devices (organization_id, office_id, name, kind, enrolled_at)
  values
    (v_nord, v_berlin, 'Front door controller', 'controller', now() - interval '40 days'),
    (v_nord, v_berlin, 'Workshop controller', 'controller', now() - interval '40 days'),
    (v_nord, v_berlin, 'Roof controller', 'controller', now() - interval '40 days'),
    (v_south, v_lisbon, 'Gate controller', 'controller', now() - interval '40 days');

  -- The front door's id is known, so that there are examples to copy.
  insert into app_public.doors (organization_id, office_id, id, name, device_id)
  select
    devices.organization_id, devices.office_id,
    case when door.name = 'Front door' then '01900000-0000-7000-8000-00000000d001' else app_hidden.new_id() end,
    door.name, devices.id
  from app_public.devices
  cross join lateral (select replace(devices.name, ' controller', '') as name) as door;

  -- Who may open which door, and when. The order of the ids is that in which rules are named.

  insert into app_public.access_rules
    (
      organization_id, office_id, id, name, role, membership_id,
      is_whole_office, weekdays, starts_at, ends_at, holds_on_closures
    )
  values
    (v_nord, v_berlin, '01900000-0000-7000-8000-00000000a001',
      'Members', null, null, false, '{1,2,3,4,5,6,7}', '00:00', '24:00', false),
    (v_nord, v_berlin, '01900000-0000-7000-8000-00000000a002',
      'Workshop hours', null, null, false, '{1,2,3,4,5}', '08:00', '20:00', false),
    (v_nord, v_berlin, '01900000-0000-7000-8000-00000000a003',
      'Bees on the roof', null, v_beekeeper, false, '{1,2,3,4,5,6,7}', '10:00', '16:00', false),
    (v_nord, v_berlin, '01900000-0000-7000-8000-00000000a004',
      'Managers', 'manager', null, true, '{1,2,3,4,5,6,7}', '06:00', '22:00', false),
    (v_nord, v_berlin, '01900000-0000-7000-8000-00000000a005',
      'Owners', 'owner', null, true, '{1,2,3,4,5,6,7}', '00:00', '24:00', true),
    (v_south, v_lisbon, '01900000-0000-7000-8000-00000000a006',
      'Members', null, null, true, '{1,2,3,4,5,6,7}', '00:00', '24:00', false);

  insert into app_public.access_rule_doors (organization_id, rule_id, door_id)
  select v_nord, access_rules.id, doors.id
  from (
    values ('Members', 'Front door'), ('Workshop hours', 'Workshop'), ('Bees on the roof', 'Roof')
  ) as about (rule, door)
  join app_public.access_rules on access_rules.office_id = v_berlin and access_rules.name = about.rule
  join app_public.doors on doors.office_id = v_berlin and doors.name = about.door;

  -- A Thursday and Friday of the week before last, and a week that is to come.
  insert into app_public.closures (organization_id, office_id, name, starts_on, ends_on)
  values
    (v_nord, v_berlin, 'The floor is sanded', date_trunc('week', now())::date - 11, date_trunc('week', now())::date - 10),
    (v_nord, v_berlin, 'Holidays', date_trunc('week', now())::date + 21, date_trunc('week', now())::date + 27);

  -- A month of comings and goings: what each is up to on a day, how often out of a hundred, and from when to when on
  -- the clocks of the office. What chance says follows from who, when and what, and is the same wherever this runs.

  with plans (name, door, weekdays, percent, earliest, latest) as (
    values
      ('Ada Winter', 'Front door', '{1,2,3,4,5}'::int[], 85, time '08:10', time '09:00'),
      ('Ada Winter', 'Front door', '{1,2,3,4,5}', 50, '12:50', '14:10'),
      ('Ada Winter', 'Roof', '{2,4}', 40, '12:30', '13:30'),
      ('Ben Okafor', 'Front door', '{1,2,3,4,5}', 95, '07:20', '07:50'),
      ('Ben Okafor', 'Workshop', '{1,2,3,4,5}', 60, '07:40', '18:00'),
      ('Ben Okafor', 'Front door', '{1,2,3,4,5}', 60, '12:30', '13:00'),
      ('Ben Okafor', 'Front door', '{6}', 30, '21:30', '23:00'),
      ('Cleo Marsh', 'Front door', '{1,2,3,4,5}', 90, '08:45', '09:40'),
      ('Cleo Marsh', 'Front door', '{1,2,3,4,5}', 60, '12:50', '13:40'),
      ('Cleo Marsh', 'Workshop', '{1,3}', 70, '10:00', '17:00'),
      ('Farid Noor', 'Front door', '{2,3,4}', 90, '09:30', '10:30'),
      ('Farid Noor', 'Front door', '{2,3,4}', 50, '18:00', '19:30'),
      ('Farid Noor', 'Workshop', '{2,3,4}', 50, '17:30', '21:30'),
      ('Greta Lind', 'Front door', '{1,2,4,5}', 85, '08:00', '08:30'),
      ('Greta Lind', 'Roof', '{1,4,6}', 75, '09:30', '15:00'),
      ('Greta Lind', 'Front door', '{6}', 75, '09:00', '09:30'),
      ('Hugo Vale', 'Front door', '{1,2,3,4,5}', 80, '08:50', '10:00'),
      ('Hugo Vale', 'Front door', '{1,2,3,4,5}', 50, '12:20', '13:20'),
      ('Hugo Vale', 'Workshop', '{2,4}', 60, '14:00', '18:30'),
      ('Hugo Vale', 'Roof', '{3,5}', 25, '13:00', '14:00'),
      ('Ines Duarte', 'Front door', '{1,3,5}', 90, '08:30', '09:20'),
      ('Ines Duarte', 'Workshop', '{1,3,5}', 80, '07:30', '12:00'),
      ('Ines Duarte', 'Front door', '{1,3,5}', 50, '12:30', '13:30'),
      ('Dina Roth', 'Gate', '{1,2,3,4,5}', 90, '08:30', '09:30'),
      ('Emil Sand', 'Gate', '{1,2,3,4,5}', 80, '09:00', '10:00')
  ),
  attempts as (
    select
      doors.organization_id, doors.id as door_id, doors.device_id, devices.enrolled_at, people.id as person_id,
      moment.at, chance.at_the_lock
    from plans
    join app_public.people on people.name = plans.name
    join app_public.doors on doors.name = plans.door
    join app_public.devices on devices.id = doors.device_id
    join app_public.offices on offices.id = doors.office_id
    cross join generate_series(1, 30) as days (ago)
    cross join lateral (values (current_date - days.ago)) as day (on_date)
    left join app_public.closures
      on closures.office_id = offices.id and day.on_date between closures.starts_on and closures.ends_on
    cross join lateral (
      select concat_ws(' ', plans.name, plans.door, plans.earliest, days.ago) as seed
    ) as seeds
    cross join lateral (
      select
        mod(abs(hashtextextended(seeds.seed, 1)), 100) as to_come,
        mod(abs(hashtextextended(seeds.seed, 2)), 1000) / 1000.0 as to_be_late,
        mod(abs(hashtextextended(seeds.seed, 3)), 100) as at_the_lock
    ) as chance
    cross join lateral (
      select (day.on_date + plans.earliest + chance.to_be_late * (plans.latest - plans.earliest))
        at time zone offices.time_zone as at
    ) as moment
    where extract(isodow from day.on_date) = any (plans.weekdays)
      -- Most have heard when it is closed.
      and chance.to_come < case when closures.id is null then plans.percent else 20 end
    order by moment.at
  ),
  -- By the rules above, as they would have been.
  decisions as (
    select app_hidden.new_id() as id, attempts.*, answer.is_allowed, answer.rule, answer.reason
    from attempts
    cross join lateral app_private.decide_door(attempts.door_id, attempts.person_id, attempts.at) as answer
  ),
  recorded as (
    insert into app_public.door_decisions
      (organization_id, id, door_id, person_id, is_allowed, rule, reason, decided_at)
    select organization_id, id, door_id, person_id, is_allowed, rule, reason, at from decisions
  )
  insert into app_public.unlock_commands
    (
      organization_id, door_id, device_id, device_enrolled_at, person_id, decision_id,
      state, created_at, expires_at, claimed_at, finished_at
    )
  select
    organization_id, door_id, device_id, enrolled_at, person_id, id,
    case when at_the_lock = 0 then 'failed' else 'opened' end,
    at, at + interval '10 s', at + interval '20 ms', at + interval '30 ms'
  from decisions
  where is_allowed;

  -- Today: somebody is expected, somebody has rung, and some are in.

  update app_public.offices set quiet_from = '20:00', quiet_until = '08:00' where offices.id = v_berlin;

  insert into app_public.devices (organization_id, office_id, name, kind)
  values (v_nord, v_berlin, 'Doorbell', 'doorbell') returning id into v_bell;
  update app_public.doors set bell_device_id = v_bell where doors.id = '01900000-0000-7000-8000-00000000d001';

  insert into app_public.rings
    (organization_id, office_id, door_id, device_id, count, rang_at, last_rang_at, expires_at, state, answered_at, answered_by)
  select
    v_nord, v_berlin, '01900000-0000-7000-8000-00000000d001', v_bell, ring.count,
    moment.at, moment.at + interval '4 s', moment.at + interval '124 s',
    ring.state, case when ring.state = 'answered' then moment.at + interval '20 s' end, people.id
  from (
    values
      (5, time '09:05', 2, 'answered', 'Cleo Marsh'),
      (3, '11:40', 1, 'answered', 'Ben Okafor'),
      (2, '16:20', 3, 'expired', null),
      (1, '10:15', 1, 'answered', 'Greta Lind')
  ) as ring (days_ago, time, count, state, answered_by)
  cross join lateral (
    select (current_date - ring.days_ago + ring.time) at time zone 'Europe/Berlin' as at
  ) as moment
  left join app_public.people on people.name = ring.answered_by;

  perform app_private.begin_presence(v_berlin, people.id, ins.origin)
  from (values ('Cleo Marsh', 'opened_door'), ('Greta Lind', 'opened_door'), ('Hugo Vale', 'said_so')) as ins (name, origin)
  join app_public.people on people.name = ins.name;

  -- As Ben does it, with all that follows: the link to her pass comes by mail.
  perform set_config('plinth.person_id', people.id::text, true) from app_public.people where people.name = 'Ben Okafor';
  perform app_public.create_guest_pass(
    array['01900000-0000-7000-8000-00000000d001']::uuid[], 'Mara Quist', 'mara@example.org',
    clock_timestamp(), clock_timestamp() + interval '9 hours', 3
  );
end;
$$;
