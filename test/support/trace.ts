import type { Run } from './database.ts'

/**
 * A person with at least one row in every table that speaks of people: `Tessa`, tessa@example.com, a member of the
 * organization with a door.
 */
export async function leaveTraces(owner: Run, person: string, organizationId: string): Promise<void> {
  const hash = '$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA'
  await owner('insert into app_public.memberships (organization_id, person_id) values ($1, $2)', [
    organizationId,
    person,
  ])
  await owner('insert into app_private.passwords (person_id, hash) values ($1, $2)', [person, hash])
  await owner(
    `with key as (
       insert into app_public.api_keys (person_id, name, starts_with, can_write, expires_at)
       values ($1, 'Backup', 'plinth_key_1234', false, now() + interval '1 day') returning *
     )
     insert into app_private.tokens (hash, person_id, api_key_id, expires_at)
     select sha256('key'), person_id, id, expires_at from key`,
    [person],
  )
  await owner('select app_private.start_session($1)', [person])
  await owner(
    `insert into app_public.invitations (organization_id, address, inviter_id)
     values ($1, 'ida@example.com', $2)`,
    [organizationId, person],
  )
  await owner(
    `insert into app_public.open_id_accounts (person_id, issuer, subject)
     values ($1, 'https://id.example.com', 'tessa')`,
    [person],
  )
  await owner(
    `insert into app_private.mail_codes (purpose, address, person_id, code_hash)
     values ('add_address', 'tess@example.org', $1, sha256('code'))`,
    [person],
  )
  await owner(
    `with decision as (
       insert into app_public.door_decisions (organization_id, door_id, person_id, is_allowed, reason)
       select organization_id, id, $1, true, 'Members may.' from app_public.doors where organization_id = $2
       returning *
     )
     insert into app_public.unlock_commands
       (organization_id, door_id, device_id, device_enrolled_at, person_id, decision_id)
     select decision.organization_id, door_id, devices.id, devices.enrolled_at, person_id, decision.id
     from decision join app_public.doors on doors.id = door_id
     join app_public.devices on devices.id = doors.device_id`,
    [person, organizationId],
  )
  await owner(
    `insert into app_public.access_rules (organization_id, office_id, name, membership_id)
     select offices.organization_id, offices.id, 'At night', memberships.id
     from app_public.offices join app_public.memberships using (organization_id)
     where offices.organization_id = $2 and memberships.person_id = $1`,
    [person, organizationId],
  )
  await owner(
    `insert into app_public.lockdowns (organization_id, office_id, reason, started_by)
     select organization_id, id, 'Drill', $1 from app_public.offices where organization_id = $2`,
    [person, organizationId],
  )
  await owner(
    `insert into app_public.rings (organization_id, office_id, door_id, state, answered_at, answered_by)
     select organization_id, office_id, id, 'answered', now(), $1 from app_public.doors where organization_id = $2`,
    [person, organizationId],
  )
  await owner(
    `select app_private.begin_presence(id, $1, 'said_so') from app_public.offices where organization_id = $2`,
    [person, organizationId],
  )
  await owner(`select set_config('plinth.request', $1, true)`, [
    JSON.stringify({ id: 'a-request', address: '203.0.113.7', userAgent: 'Firefox/1' }),
  ])
  await owner(`select app_private.record_event($1, 'address_added', null, 'tess@example.org')`, [person])
  await owner('insert into app_public.account_exports (person_id) values ($1)', [person])
}

/** The tables of the application in which a text occurs, whatever the column. */
export async function tablesWith(owner: Run, text: string): Promise<string[]> {
  const tables = await owner(
    `select oid::regclass::text as name from pg_class
     where relkind in ('r', 'p') and (starts_with(relnamespace::regnamespace::text, 'app_')
       or relnamespace::regnamespace::text = 'graphile_worker')
     order by 1`,
  )
  const found: string[] = []
  for (const { name } of tables) {
    const rows = await owner(`select from ${name as string} as t where position($1 in t::text) > 0 limit 1`, [
      text,
    ])
    if (rows.length > 0) found.push(name as string)
  }
  return found
}
