import type { Task } from 'graphile-worker'
import { z } from 'zod'
import { readGuestPass, visitFileOf } from '../guestPass.ts'
import type { TaskServices } from './index.ts'

const payloadShape = z.object({ id: z.uuid() })

/** Tells a guest that a pass is revoked, so that nobody comes in vain; not one who never heard of it, or is too late. */
export const guest_pass__send_cancellation =
  ({ mail, sender, log }: TaskServices): Task =>
  async (payload, { withPgClient }) => {
    const { id } = payloadShape.parse(payload)
    const pass = await withPgClient((client) => readGuestPass(client, id))
    if (!pass?.isRevoked || !pass.isKnown) {
      return log.info({ id }, 'no cancellation is sent: the pass was never sent, is over or gone')
    }

    const { address, guest, organization, office, window, timeZone } = pass
    await mail(
      'guest-pass-revoked',
      address,
      { guest, organization, office, window, timeZone },
      { key: id, attachments: [visitFileOf(pass, sender, true)] },
    )
  }
