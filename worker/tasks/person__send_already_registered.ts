import type { Task } from 'graphile-worker'
import { z } from 'zod'
import { type Recipient, recipientOf } from '../recipient.ts'
import type { TaskServices } from './index.ts'

const payloadShape = z.object({ personId: z.uuid() })

/**
 * Tells the owner of an account that somebody tried to sign up with its address: the screen says the
 * same as for a new address, so this mail is where its owner learns.
 */
export const person__send_already_registered =
  ({ mailer, log }: TaskServices): Task =>
  async (payload, { withPgClient }) => {
    const { personId } = payloadShape.parse(payload)
    const recipient = await withPgClient((client) => recipientOf(client, personId))
    if (!recipient) return log.info({ personId }, 'no notice: the person is gone')

    await mailer.send(notice(recipient))
  }

const notice = ({ name, address }: Recipient) => ({
  to: address,
  subject: 'You have an account already',
  text: `Hello ${name},

somebody has just tried to sign up with your address. You have an account: sign in instead.

If it was not you, you need not do anything: your account and its password are as before.
`,
})
