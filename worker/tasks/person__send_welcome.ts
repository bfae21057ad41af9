import type { Task } from 'graphile-worker'
import { z } from 'zod'
import { type Recipient, recipientOf } from '../recipient.ts'
import type { TaskServices } from './index.ts'

const payloadShape = z.object({ personId: z.uuid() })

/** Greets somebody who has just signed up. A repeated run sends a second mail, which does no harm. */
export const person__send_welcome =
  ({ mailer, log }: TaskServices): Task =>
  async (payload, { withPgClient }) => {
    const { personId } = payloadShape.parse(payload)
    const recipient = await withPgClient((client) => recipientOf(client, personId))
    if (!recipient) return log.info({ personId }, 'no welcome: the person is gone')

    await mailer.send(welcome(recipient))
  }

const welcome = ({ name, address }: Recipient) => ({
  to: address,
  subject: 'Welcome',
  text: `Hello ${name},

your account is ready: sign in with this address and your password.

If you did not sign up, somebody else did with your address; you need not do anything.
`,
})
