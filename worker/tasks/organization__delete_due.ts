import type { Task } from 'graphile-worker'
import type { TaskServices } from './index.ts'

/** Deletes the organizations whose owners decided so two weeks ago. Runs each night. */
export const organization__delete_due =
  ({ log }: TaskServices): Task =>
  async (_payload, { withPgClient }) => {
    const { rows } = await withPgClient((client) =>
      client.query<{ count: string }>('select app_private.delete_due_organizations() as count'),
    )
    log.info({ count: Number(rows[0]?.count) }, 'organizations deleted that were due')
  }
