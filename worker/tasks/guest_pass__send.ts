import { hash, randomBytes } from 'node:crypto'
import type { Task } from 'graphile-worker'
import { z } from 'zod'
import { readGuestPass, visitFileOf } from '../guestPass.ts'
import type { TaskServices } from './index.ts'

const payloadShape = z.object({ id: z.uuid() })

/**
 * Mails a guest the link of a pass with a new token, of which only the hash is stored. What was mailed before is void
 * from then on, also where this runs twice: the newest mail is the one that works.
 */
export const guest_pass__send =
  ({ mail, page, sender, log }: TaskServices): Task =>
  async (payload, { query, withPgClient }) => {
    const { id } = payloadShape.parse(payload)
    const token = randomBytes(32).toString('base64url')
    const { rowCount } = await query(
      `insert into app_private.guest_pass_tokens (organization_id, pass_id, hash)
       select organization_id, id, $2 from app_public.guest_passes
       where id = $1 and ends_at > now() and revoked_at is null
       on conflict (organization_id, pass_id) do update set hash = excluded.hash`,
      [id, hash('sha256', token, 'buffer')],
    )
    const pass = rowCount ? await withPgClient((client) => readGuestPass(client, id)) : null
    if (!pass || pass.isRevoked || pass.host === null) {
      return log.info({ id }, 'no pass is sent: it is revoked, over or gone')
    }

    const { address, guest, host, organization, office, doors, window, timeZone, uses } = pass
    await mail(
      'guest-pass',
      address,
      { guest, host, organization, office, doors, window, timeZone, uses, page: page('pass', token) },
      { attachments: [visitFileOf(pass, sender)] },
    )
    await query('update app_public.guest_passes set sent_at = now() where id = $1', [id])
  }
