import { makeLog } from '../../src/log.ts'
import type { MailName } from '../../worker/mails/index.ts'
import { makeTasks } from '../../worker/tasks/index.ts'
import type { TestDatabase } from './database.ts'
import { runJobs } from './jobs.ts'

/** A mail as a task has given it up. */
export type Posted = { name: MailName; to: string; values: Record<string, any> }

/** Carries out the jobs that are queued and returns the mails that they send, in order. */
export async function deliver(database: TestDatabase): Promise<Posted[]> {
  const posted: Posted[] = []
  const log = makeLog({ logLevel: 'silent' }, false)
  const taskList = makeTasks({
    mail: async (name, to, values) => void posted.push({ name, to, values }),
    link: (path, fragment) => `https://app.example.com/${path}#${fragment ?? ''}`,
    log,
    securityLogDays: 365,
  })
  await runJobs(database.ownerUrl, taskList)
  return posted
}
