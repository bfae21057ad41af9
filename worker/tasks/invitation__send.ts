import { hash, randomBytes } from 'node:crypto'
import type { Task } from 'graphile-worker'
import { z } from 'zod'
import type { TaskServices } from './index.ts'

const payloadShape = z.object({ id: z.uuid() })

type Invitation = { address: string; organization: string; inviter: string; role: string; days: number }

/**
 * Mails an invitation with a new token, of which only the hash is stored. What was mailed before is void from then on,
 * also where this runs twice: the newest mail is the one that works.
 */
export const invitation__send =
  ({ mail, link, log }: TaskServices): Task =>
  async (payload, { withPgClient }) => {
    const { id } = payloadShape.parse(payload)
    const token = randomBytes(32).toString('base64url')
    const { rows } = await withPgClient((client) =>
      client.query<Invitation>(
        `with token as (
           insert into app_private.invitation_tokens (organization_id, invitation_id, hash)
           select organization_id, id, $2 from app_public.invitations where id = $1 and expires_at > now()
           on conflict (organization_id, invitation_id) do update set hash = excluded.hash
           returning invitation_id
         )
         select invitations.address, organizations.name as organization, people.name as inviter, invitations.role,
           ceil(extract(epoch from invitations.expires_at - now()) / 86400)::integer as days
         from token
         join app_public.invitations on invitations.id = token.invitation_id
         join app_public.organizations on organizations.id = invitations.organization_id
         join app_public.people on people.id = invitations.inviter_id`,
        [id, hash('sha256', token, 'buffer')],
      ),
    )
    const [invitation] = rows
    if (!invitation) return log.info({ id }, 'no invitation is sent: it is gone, or nobody’s')

    const { address, ...offer } = invitation
    await mail('invitation', address, { ...offer, token, link: link('invitation', token) })
  }
