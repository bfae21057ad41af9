import type { Task } from 'graphile-worker'
import { z } from 'zod'
import { type Recipient, recipientOf } from '../recipient.ts'
import type { TaskServices } from './index.ts'

const payloadShape = z.object({ id: z.uuid() })

/** Makes the copy that a person asked for, once, and tells them. A repeated run sends a second mail, which does no harm. */
export const account_export__make =
  ({ mailer, log }: TaskServices): Task =>
  async (payload, { query, withPgClient }) => {
    const { id } = payloadShape.parse(payload)
    await query(
      `update app_public.account_exports
       set document = app_private.person_document(person_id), finished_at = now()
       where id = $1 and finished_at is null`,
      [id],
    )
    const { rows } = await query<{ person_id: string }>(
      'select person_id from app_public.account_exports where id = $1',
      [id],
    )
    const recipient = rows[0] && (await withPgClient((client) => recipientOf(client, rows[0]!.person_id)))
    if (!recipient) return log.info({ id }, 'no notice: the export or the person is gone')

    await mailer.send(notice(recipient))
  }

const notice = ({ name, address }: Recipient) => ({
  to: address,
  subject: 'Your data is ready',
  text: `Hello ${name},

the copy of your data, which you asked for, is ready. It is kept for seven days; sign in to read it.

If you did not ask for it, choose a new password and sign out everywhere: somebody else is signed in as you.
`,
})
