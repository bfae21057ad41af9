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
  await runOnce({
    connectionString: database.ownerUrl,
    taskList,
    logger: new Logger(() => () => {}),
  })
  // It does not wait until it is written down that its last job is done.
  await withConnection(database.ownerUrl, (client) =>
    eventually(async () => {
      const { rows } = await client.query('select from graphile_worker.jobs where locked_at is not null')
      if (rows.length > 0) throw new Error('A job is still locked.')
    }),
  )
  return posted
}
