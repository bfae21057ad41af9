import type { Run } from './database.ts'

/** Makes a person with an address and returns their id. */
export async function makePerson(owner: Run, name: string): Promise<string> {
  const [person] = await owner('insert into app_public.people (name) values ($1) returning id', [name])
  await owner(
    'insert into app_public.email_addresses (person_id, address, is_primary) values ($1, $2, true)',
    [person!.id, `${name.toLowerCase()}@example.com`],
  )
  return person!.id as string
}

/**
 * An organization with one person per role, an office that lets all of them in by its one door, which has a
 * controller, and a stranger who runs another one.
 */
export type Studio = {
  organizationId: string
  officeId: string
  /** The controller of the door: enrolled, and online for as long as any test takes. */
  deviceId: string
  doorId: string
  owner: string
  manager: string
  member: string
  /** Owns another organization. */
  stranger: string
  strangerOrganizationId: string
}

/** Makes a studio to try rights on. */
export async function makeStudio(run: Run): Promise<Studio> {
  const id = async (sql: string, values: unknown[]) => (await run(sql, values))[0]!.id as string
  const [owner, manager, member, stranger] = [
    await makePerson(run, 'Olga'),
    await makePerson(run, 'Marc'),
    await makePerson(run, 'Mia'),
    await makePerson(run, 'Stan'),
  ]
  const makeOrganization = (name: string) =>
    id('insert into app_public.organizations (name) values ($1) returning id', [name])
  const organizationId = await makeOrganization('Studio')
  const strangerOrganizationId = await makeOrganization('Elsewhere')
  for (const [organization, person, role] of [
    [organizationId, owner, 'owner'],
    [organizationId, manager, 'manager'],
    [organizationId, member, 'member'],
    [strangerOrganizationId, stranger, 'owner'],
  ]) {
    await run('insert into app_public.memberships (organization_id, person_id, role) values ($1, $2, $3)', [
      organization,
      person,
      role,
    ])
  }
  const officeId = await id(
    'insert into app_public.offices (organization_id, name) values ($1, $2) returning id',
    [organizationId, 'Main'],
  )
  const deviceId = await id(
    `insert into app_public.devices (organization_id, office_id, name, kind, enrolled_at, is_online, last_seen_at)
     values ($1, $2, 'Controller', 'controller', now(), true, now() + interval '1 hour') returning id`,
    [organizationId, officeId],
  )
  await run(
    `insert into app_public.access_rules (organization_id, office_id, name, is_whole_office) values ($1, $2, 'Members', true)`,
    [organizationId, officeId],
  )
  const doorId = await id(
    `insert into app_public.doors (organization_id, office_id, name, device_id)
     values ($1, $2, 'Front', $3) returning id`,
    [organizationId, officeId, deviceId],
  )
  return {
    organizationId,
    officeId,
    deviceId,
    doorId,
    owner,
    manager,
    member,
    stranger,
    strangerOrganizationId,
  }
}
