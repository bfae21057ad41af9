import type { Query, World } from './deeds.ts'
import { makeReferee, type Pass, type Referee } from './referee.ts'

/** Makes a studio to play in: an owner, two members, two controllers, two doors. */
export async function makeWorld(query: Query): Promise<World> {
  const ids = async (sql: string) => (await query(sql)).map(({ id }) => id as string)
  await query(`
    with organization as (
      insert into app_public.organizations (name) values ('Studio') returning id
    ), manager as (
      insert into app_public.people (name) values ('Olga') returning id
    ), people as (
      insert into app_public.people (name) values ('Mia'), ('Max')
    ), office as (
      insert into app_public.offices (organization_id, name) select id, 'Main' from organization
      returning organization_id, id
    ), rule as (
      insert into app_public.access_rules (organization_id, office_id, name, is_whole_office)
      select organization_id, id, 'Members', true from office
    ), device as (
      insert into app_public.devices (organization_id, office_id, name, kind)
      select organization_id, id, name, 'controller' from office, unnest(array['One', 'Two']) as name
    ), door as (
      insert into app_public.doors (organization_id, office_id, name)
      select organization_id, id, name from office, unnest(array['Front', 'Rear']) as name
    )
    insert into app_public.memberships (organization_id, person_id, role)
    select organization.id, manager.id, 'owner' from organization, manager`)
  return {
    manager: (await ids(`select id from app_public.people where name = 'Olga'`))[0]!,
    people: await ids(`select id from app_public.people where name <> 'Olga' order by id`),
    devices: await ids('select id from app_public.devices order by id'),
    doors: await ids('select id from app_public.doors order by id'),
  }
}

/**
 * Everything as at first: all are members, each door has its device, each device a key; and there are two passes, of
 * a member for the first door, of the owner for both. Each has one use.
 */
export async function reset(query: Query, { manager, people, devices, doors }: World): Promise<Referee> {
  await query('delete from app_public.unlock_commands')
  await query('delete from app_public.guest_passes')
  await query('delete from graphile_worker._private_jobs')
  await query(
    `insert into app_public.memberships (organization_id, person_id)
     select organizations.id, person from app_public.organizations, unnest($1::uuid[]) as person
     on conflict do nothing`,
    [people],
  )
  const passes = new Map<string, Pass>()
  for (const [host, listed] of [
    [people[0]!, doors.slice(0, 1)],
    [manager, doors],
  ] as const) {
    const [pass] = await query(
      `with pass as (
         insert into app_public.guest_passes
           (organization_id, office_id, host_id, guest_name, guest_email, starts_at, ends_at, uses)
         select organization_id, id, $1, 'Gus', 'gus@example.org', now(), now() + interval '1 hour', 1
         from app_public.offices
         returning *
       ), doors as (
         insert into app_public.guest_pass_doors (organization_id, pass_id, door_id)
         select organization_id, id, door from pass, unnest($2::uuid[]) as door
       )
       select id from pass`,
      [host, listed],
    )
    passes.set(pass!.id as string, { host, uses: 1, doors: listed, isRevoked: false, isOver: false })
  }
  await query(
    `update app_public.devices set enrolled_at = now(), revoked_at = null, last_seen_at = 'infinity'`,
  )
  await query(
    `update app_public.doors set device_id = given.device
     from unnest($1::uuid[], $2::uuid[]) as given (door, device) where doors.id = given.door`,
    [doors, devices],
  )
  await query('delete from app_private.tokens')
  const keys = await query(
    'select device_id, token from unnest($1::uuid[]) as id, app_private.make_device_key(id)',
    [devices],
  )
  return makeReferee({
    members: new Set([manager, ...people]),
    passes,
    controllers: new Map(doors.map((door, index) => [door, devices[index]!])),
    tokens: new Map(keys.map(({ device_id, token }) => [device_id as string, token as string])),
  })
}
