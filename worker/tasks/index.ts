import type { TaskList } from 'graphile-worker'
import type { Log } from '../../src/log.ts'
import type { MailServices } from '../mail.ts'
import { person__send_already_registered } from './person__send_already_registered.ts'
import { person__send_welcome } from './person__send_welcome.ts'
import { session__purge_expired } from './session__purge_expired.ts'

/** What tasks work with besides the database. */
export type TaskServices = MailServices & { log: Log }

/** Every task by the name under which SQL queues it, which is also the name of its file. */
export const makeTasks = (services: TaskServices): TaskList => ({
  person__send_already_registered: person__send_already_registered(services),
  person__send_welcome: person__send_welcome(services),
  session__purge_expired: session__purge_expired(services),
})
