import type { Task } from 'graphile-worker'
import { z } from 'zod'
import type { TaskServices } from './index.ts'

const payloadShape = z.object({ deviceId: z.uuid(), isOnline: z.boolean() })

/** Tells the owners and managers of an organization that a device of theirs is missing, or is there again. */
export const device__send_alert =
  ({ mail, link, log }: TaskServices): Task =>
  async (payload, { withPgClient, job }) => {
    const { deviceId, isOnline } = payloadShape.parse(payload)
    const { rows } = await withPgClient((client) => client.query<Alert>(query, [deviceId]))
    if (rows.length === 0) return log.info({ deviceId }, 'no alert: the device has been revoked, or is gone')

    for (const { address, lastSeenAt, ...values } of rows) {
      await mail(
        'device-alert',
        address,
        { ...values, lastSeenAt: isOnline ? null : lastSeenAt, link: link(`devices/${deviceId}`) },
        { key: job.id },
      )
    }
  }

type Alert = {
  address: string
  name: string
  device: string
  office: string
  organization: string
  lastSeenAt: Date
}

const query = `
  select email_addresses.address, people.name, devices.name as device, offices.name as office,
    organizations.name as organization, devices.last_seen_at as "lastSeenAt"
  from app_public.devices
  join app_public.offices on offices.id = devices.office_id
  join app_public.organizations on organizations.id = devices.organization_id
  join app_public.memberships
    on memberships.organization_id = devices.organization_id and memberships.role in ('owner', 'manager')
  join app_public.people on people.id = memberships.person_id
  join app_public.email_addresses on email_addresses.person_id = people.id and email_addresses.is_primary
  where devices.id = $1 and devices.revoked_at is null
  order by email_addresses.address`
