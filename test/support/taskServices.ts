import type { WorkerOptions } from '../../worker/runner.ts'
import { makeLog } from '../../src/log.ts'
import type { TaskServices } from '../../worker/tasks/index.ts'
import { slackServices } from './slackServices.ts'

const retention = { securityLogDays: 365, doorLogMonths: 24, guestDays: 30 }

/** What tasks work with in a test: silent, nowhere near Slack, and no mail is sent, unless something else is given. */
export const taskServices = (given: Partial<TaskServices> = {}): TaskServices => ({
  mail: () => Promise.reject(new Error('no mail is sent')),
  link: () => null,
  page: (name, token) => `https://office.example.com/${name}/${token}`,
  sender: { name: 'Plinth', address: 'plinth@example.com' },
  retention,
  log: makeLog({ logLevel: 'silent' }, false),
  ...slackServices(),
  ...given,
})

/** Settings of a worker that reaches nobody. */
export const workerConfig: WorkerOptions['config'] = {
  workerConcurrency: 2,
  publicUrl: null,
  serverUrl: 'https://office.example.com',
  retention,
  slackApiUrl: 'http://127.0.0.1:9/api/',
  encryptionKeys: [],
}
