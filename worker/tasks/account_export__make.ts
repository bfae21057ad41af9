import type { Task } from 'graphile-worker'
import { z } from 'zod'
import { recipientOf } from '../recipient.ts'
import type { TaskServices } from './index.ts'

const payloadShape = z.object({ id: z.uuid() })

/** Makes the copy that a person asked for, once, and tells them. A repeated run sends the same mail again, which mail
 * programs show once. */
export const account_export__make =
  ({ mail, link, log }: TaskServices): Task =>
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

    const { name, address } = recipient
    await mail('export-ready', address, { name, days: 7, link: link('account') }, { key: id })
  }
