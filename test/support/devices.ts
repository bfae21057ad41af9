import type { Run } from './database.ts'

/** Adds a device to an office and returns its id; it is not enrolled. */
export async function makeDevice(
  owner: Run,
  { organizationId, officeId }: { organizationId: string; officeId: string },
  kind: 'controller' | 'doorbell' = 'controller',
): Promise<string> {
  const [device] = await owner(
    `insert into app_public.devices (organization_id, office_id, name, kind)
     values ($1, $2, 'Another', $3) returning id`,
    [organizationId, officeId, kind],
  )
  return device!.id as string
}

/** Gives a device a key, beside those that it has, and returns the token. */
export async function makeKey(owner: Run, deviceId: string): Promise<string> {
  const [key] = await owner('select token from app_private.make_device_key($1)', [deviceId])
  return key!.token as string
}
