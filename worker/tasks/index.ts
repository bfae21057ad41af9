import type { TaskList } from 'graphile-worker'
import type { Log } from '../../src/log.ts'
import type { MailServices } from '../mail.ts'
import { mail_code__send } from './mail_code__send.ts'
import { person__send_welcome } from './person__send_welcome.ts'
import { security_event__send_notice } from './security_event__send_notice.ts'
import { session__purge_expired } from './session__purge_expired.ts'

/** What tasks work with besides the database. */
export type TaskServices = MailServices & { log: Log }

/** Every task by the name under which SQL queues it, which is also the name of its file. */
export const makeTasks = (services: TaskServices): TaskList => ({
  mail_code__send: mail_code__send(services),
  person__send_welcome: person__send_welcome(services),
  security_event__send_notice: security_event__send_notice(services),
  session__purge_expired: session__purge_expired(services),
})
