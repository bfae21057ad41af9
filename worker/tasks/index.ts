import type { TaskList } from 'graphile-worker'
import type { Log } from '../../src/log.ts'
import type { MailServices } from '../mail.ts'
import { account_export__make } from './account_export__make.ts'
import { device__check } from './device__check.ts'
import { device__send_alert } from './device__send_alert.ts'
import { invitation__send } from './invitation__send.ts'
import { mail_code__send } from './mail_code__send.ts'
import { organization__delete_due } from './organization__delete_due.ts'
import { organization__send_deletion_notice } from './organization__send_deletion_notice.ts'
import { person__delete } from './person__delete.ts'
import { person__send_welcome } from './person__send_welcome.ts'
import { presence__end } from './presence__end.ts'
import { retention__purge } from './retention__purge.ts'
import { ring__expire } from './ring__expire.ts'
import { security_event__send_notice } from './security_event__send_notice.ts'
import { unlock_command__settle } from './unlock_command__settle.ts'

/** What tasks work with besides the database. */
export type TaskServices = MailServices & {
  log: Log
  /** How many days a line of the security log is kept. */
  securityLogDays: number
}

/** Every task by the name under which SQL queues it, which is also the name of its file. */
export const makeTasks = (services: TaskServices): TaskList => ({
  account_export__make: account_export__make(services),
  device__check: device__check(services),
  device__send_alert: device__send_alert(services),
  invitation__send: invitation__send(services),
  mail_code__send: mail_code__send(services),
  organization__delete_due: organization__delete_due(services),
  organization__send_deletion_notice: organization__send_deletion_notice(services),
  person__delete: person__delete(services),
  person__send_welcome: person__send_welcome(services),
  presence__end: presence__end(),
  retention__purge: retention__purge(services),
  ring__expire: ring__expire(),
  security_event__send_notice: security_event__send_notice(services),
  unlock_command__settle: unlock_command__settle(),
})
