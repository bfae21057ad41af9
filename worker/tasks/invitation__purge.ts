import type { Task } from 'graphile-worker'
import type { TaskServices } from './index.ts'

/** Removes invitations that nobody accepted or sent again, and with them the addresses. Runs each night. */
export const invitation__purge =
  ({ log }: TaskServices): Task =>
  async (_payload, { withPgClient }) => {
    const { rows } = await withPgClient((client) =>
      client.query<{ count: string }>('select app_private.purge_invitations() as count'),
    )
    log.info({ count: Number(rows[0]?.count) }, 'old invitations removed')
  }
