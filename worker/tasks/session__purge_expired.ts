import type { Task } from 'graphile-worker'
import type { TaskServices } from './index.ts'

/** Removes sessions that have ended; they are of no use to anybody from then on. Runs each night. */
export const session__purge_expired =
  ({ log }: TaskServices): Task =>
  async (_payload, { withPgClient }) => {
    const { rows } = await withPgClient((client) =>
      client.query<{ count: string }>('select app_private.purge_expired_sessions() as count'),
    )
    log.info({ count: Number(rows[0]?.count) }, 'expired sessions removed')
  }
