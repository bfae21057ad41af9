import type { Task } from 'graphile-worker'
import { z } from 'zod'
import { recipientOf } from '../recipient.ts'
import type { TaskServices } from './index.ts'

const payloadShape = z.object({ personId: z.uuid() })

/**
 * Tells the owner of an account that somebody tried to sign up with its address: the screen says the
 * same as for a new address, so this mail is where its owner learns.
 */
export const person__send_already_registered =
  ({ mail, link, log }: TaskServices): Task =>
  async (payload, { withPgClient, job }) => {
    const { personId } = payloadShape.parse(payload)
    const recipient = await withPgClient((client) => recipientOf(client, personId))
    if (!recipient) return log.info({ personId }, 'no notice: the person is gone')

    const values = { name: recipient.name, link: link('sign-in') }
    await mail('already-registered', recipient.address, values, { key: `${personId} ${job.id}` })
  }
