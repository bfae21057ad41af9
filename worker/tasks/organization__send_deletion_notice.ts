import type { Task } from 'graphile-worker'
import { z } from 'zod'
import { recipientOf } from '../recipient.ts'
import type { TaskServices } from './index.ts'

const payloadShape = z.object({ organizationId: z.uuid(), personId: z.uuid(), deciderId: z.uuid() })

type Decision = { organization: string; by: string; deletesAt: Date }

/** Tells an owner that their organization is to be deleted, and until when that can be undone. */
export const organization__send_deletion_notice =
  ({ mail, link, log }: TaskServices): Task =>
  async (payload, { withPgClient }) => {
    const { organizationId, personId, deciderId } = payloadShape.parse(payload)
    const recipient = await withPgClient((client) => recipientOf(client, personId))
    const { rows } = await withPgClient((client) =>
      client.query<Decision>(
        `select organizations.name as organization, people.name as by, organizations.deletes_at as "deletesAt"
         from app_public.organizations
         join app_public.people on people.id = $2
         where organizations.id = $1 and organizations.deletes_at is not null`,
        [organizationId, deciderId],
      ),
    )
    const [decision] = rows
    if (!recipient || !decision) {
      return log.info(
        { organizationId, personId },
        'no notice: the organization is kept, or somebody is gone',
      )
    }

    const { name, address } = recipient
    const values = { name, ...decision, link: link(`organizations/${organizationId}`) }
    await mail('organization-deletion', address, values, {
      key: `${organizationId} ${decision.deletesAt.toISOString()}`,
    })
  }
