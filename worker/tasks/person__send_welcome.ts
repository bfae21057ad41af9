import type { Task } from 'graphile-worker'
import { z } from 'zod'
import { recipientOf } from '../recipient.ts'
import type { TaskServices } from './index.ts'

const payloadShape = z.object({ personId: z.uuid() })

/** Greets somebody who has just signed up. A repeated run sends the same mail again, which mail programs show once. */
export const person__send_welcome =
  ({ mail, link, log }: TaskServices): Task =>
  async (payload, { withPgClient }) => {
    const { personId } = payloadShape.parse(payload)
    const recipient = await withPgClient((client) => recipientOf(client, personId))
    if (!recipient) return log.info({ personId }, 'no welcome: the person is gone')

    const values = { name: recipient.name, link: link('') }
    await mail('welcome', recipient.address, values, { key: personId })
  }
