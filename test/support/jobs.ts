import { Logger, runOnce, type TaskList } from 'graphile-worker'
import { withConnection } from '../../src/database/connection.ts'
import { eventually } from './eventually.ts'

/** Carries out the jobs that are queued; resolves when it is written down what became of each. */
export async function runJobs(ownerUrl: string, taskList: TaskList): Promise<void> {
  await runOnce({ connectionString: ownerUrl, taskList, logger: new Logger(() => () => {}) })
  // graphile-worker does not wait for that.
  await withConnection(ownerUrl, (client) =>
    eventually(async () => {
      const { rows } = await client.query('select from graphile_worker.jobs where locked_at is not null')
      if (rows.length > 0) throw new Error('A job is still locked.')
    }),
  )
}
