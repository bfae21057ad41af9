import type { Task } from 'graphile-worker'
import type { TaskServices } from './index.ts'

/** Makes the parts of the decision log for the months ahead. Runs each night; what it misses is made up for later. */
export const door_decisions__partition =
  ({ log }: TaskServices): Task =>
  async (_payload, { query }) => {
    const { rows } = await query<{ count: number }>('select app_private.make_log_partitions() as count')
    log.info({ count: rows[0]?.count }, 'months of the decision log made')
  }
