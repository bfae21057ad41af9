/*
 * Runs at each start in development and returns the programs to run beside the server, one row each: the name to
 * say what it says under, and its command line for Node. They are the controllers of Ada's doors.
 *
 * $1 is the address of the server, $2 a folder in which they may keep files, $3 the names of those that are there.
 * A controller whose key is not among them is given a code to enrol with. A device that is not as old as its organization
 * is not the demo's but somebody's own, who runs it themselves.
 */
with controllers as (
  select
    devices.id,
    string_agg(doors.name, ', ' order by doors.name) as name,
    devices.id || '.json' as file,
    case when devices.id || '.json' <> all ($3::text[]) then app_private.make_device_code() end as code
  from app_public.email_addresses
  join app_public.memberships on memberships.person_id = email_addresses.person_id
  join app_public.organizations on organizations.id = memberships.organization_id
  join app_public.devices
    on devices.organization_id = organizations.id and devices.created_at = organizations.created_at
  join app_public.doors on doors.device_id = devices.id
  where email_addresses.address = 'ada@example.com' and devices.revoked_at is null
  group by devices.id
),
codes as (
  insert into app_private.enrolments (device_id, code_hash)
  select controllers.id, sha256(convert_to(replace(controllers.code, '-', ''), 'UTF8'))
  from controllers
  where controllers.code is not null
  on conflict (device_id) do update set code_hash = excluded.code_hash, expires_at = excluded.expires_at
),
seen as (
  -- They are about to say so themselves. Else each start would have their silence since the last one mailed about.
  update app_public.devices
  set last_seen_at = now()
  from controllers
  where devices.id = controllers.id and controllers.code is null
)
select
  controllers.name,
  array['examples/door-controller/src/main.ts', 'run', '--url', $1, '--state', $2 || '/' || controllers.file]
    || case when controllers.code is null then '{}' else array['--code', controllers.code] end as command
from controllers
order by controllers.name;
