import { Logger, runOnce } from 'graphile-worker'
import { withConnection } from '../../src/database/connection.ts'
import { makeLog } from '../../src/log.ts'
import type { MailName } from '../../worker/mails/index.ts'
import { makeTasks } from '../../worker/tasks/index.ts'
import type { TestDatabase } from './database.ts'
import { eventually } from './eventually.ts'
import { slackServices } from './slackServices.ts'

/** A mail as a task has given it up. */
export type Posted = { name: MailName; to: string; values: Record<string, any> }

/** Carries out the jobs that are queued and returns the mails that they send, in order; Slack is where one says. */
export async function deliver(database: TestDatabase, slackApiUrl?: string): Promise<Posted[]> {
  const posted: Posted[] = []
  const log = makeLog({ logLevel: 'silent' }, false)
  const taskList = makeTasks({
    mail: async (name, to, values) => void posted.push({ name, to, values }),
    link: (path, fragment) => `https://app.example.com/${path}#${fragment ?? ''}`,
    log,
    securityLogDays: 365,
    ...slackServices(slackApiUrl),
  })
  const count = async (condition: string) =>
    withConnection(database.ownerUrl, async (client) => {
      const { rows } = await client.query(`select from graphile_worker.jobs where ${condition}`)
      return rows.length
    })
  do {
    await runOnce({
      connectionString: database.ownerUrl,
      taskList,
      logger: new Logger(() => () => {}),
    })
    // It does not wait until it is written down that a job is done; where jobs stand in a queue, the next one of it
    // may not have been free to be taken.
    await eventually(async () => {
      if ((await count('locked_at is not null')) > 0) throw new Error('A job is still locked.')
    })
  } while ((await count('run_at <= now() and attempts < max_attempts')) > 0)
  return posted
}
