import type { TaskList } from 'graphile-worker'
import type { Log } from '../../src/log.ts'
import type { Mailer } from '../../src/mailer.ts'
import { invitation__purge } from './invitation__purge.ts'
import { invitation__send } from './invitation__send.ts'
import { organization__delete_due } from './organization__delete_due.ts'
import { organization__send_deletion_notice } from './organization__send_deletion_notice.ts'
import { person__send_already_registered } from './person__send_already_registered.ts'
import { person__send_welcome } from './person__send_welcome.ts'
import { session__purge_expired } from './session__purge_expired.ts'

/** What tasks work with besides the database. */
export type TaskServices = { mailer: Mailer; log: Log }

/** Every task by the name under which SQL queues it, which is also the name of its file. */
export const makeTasks = (services: TaskServices): TaskList => ({
  invitation__purge: invitation__purge(services),
  invitation__send: invitation__send(services),
  organization__delete_due: organization__delete_due(services),
  organization__send_deletion_notice: organization__send_deletion_notice(services),
  person__send_already_registered: person__send_already_registered(services),
  person__send_welcome: person__send_welcome(services),
  session__purge_expired: session__purge_expired(services),
})
