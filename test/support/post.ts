import type { Attachment } from '../../src/mailer.ts'
import type { MailName } from '../../worker/mails/index.ts'
import { makeTasks } from '../../worker/tasks/index.ts'
import type { TestDatabase } from './database.ts'
import { runJobs } from './jobs.ts'
import { slackServices } from './slackServices.ts'
import { taskServices } from './taskServices.ts'

/** A mail as a task has given it up. */
export type Posted = {
  name: MailName
  to: string
  values: Record<string, any>
  attachments?: readonly Attachment[]
}

/** Carries out the jobs that are queued and returns the mails that they send, in order; Slack is where one says. */
export async function deliver(database: TestDatabase, slackApiUrl?: string): Promise<Posted[]> {
  const posted: Posted[] = []
  const taskList = makeTasks(
    taskServices({
      mail: async (name, to, values, { attachments } = {}) =>
        void posted.push({ name, to, values, ...(attachments && { attachments }) }),
      link: (path, fragment) => `https://app.example.com/${path}#${fragment ?? ''}`,
      ...slackServices(slackApiUrl),
    }),
  )
  await runJobs(database.ownerUrl, taskList)
  return posted
}
