import { Logger, runOnce, type TaskList } from 'graphile-worker'
import { withConnection } from '../../src/database/connection.ts'

/** Carries out the jobs that are due; resolves when it is written down what became of each. */
export async function runJobs(ownerUrl: string, taskList: TaskList): Promise<void> {
  const areDue = () =>
    withConnection(ownerUrl, async (client) => {
      const { rows } = await client.query(
        'select from graphile_worker.jobs where run_at <= now() and attempts < max_attempts limit 1',
      )
      return rows.length > 0
    })
  do {
    await runOnce({
      connectionString: ownerUrl,
      taskList,
      logger: new Logger(() => () => {}),
      // In batches, however small, since it waits for those alone.
      preset: { worker: { completeJobBatchDelay: 0, failJobBatchDelay: 0 } },
    })
  } while (await areDue()) // those of a queue are not free to be taken until the one before is done
}
