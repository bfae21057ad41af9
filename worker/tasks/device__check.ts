import type { Task } from 'graphile-worker'
import type { TaskServices } from './index.ts'

/** Notices devices that have fallen silent, and has their managers told. Runs each minute. */
export const device__check =
  ({ log }: TaskServices): Task =>
  async (_payload, { withPgClient }) => {
    const { rows } = await withPgClient((client) =>
      client.query<{ count: string }>('select app_private.check_devices() as count'),
    )
    const count = Number(rows[0]?.count)
    if (count > 0) log.warn({ count }, 'devices have gone offline')
  }
