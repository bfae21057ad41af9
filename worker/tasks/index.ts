import type { TaskList } from 'graphile-worker'
import type { Cipher } from '../../src/encryption.ts'
import type { Retention } from '../../src/config.ts'
import type { Log } from '../../src/log.ts'
import type { MailServices } from '../mail.ts'
import type { SlackServices } from '../slack.ts'
import { account_export__make } from './account_export__make.ts'
import { device__check } from './device__check.ts'
import { device__send_alert } from './device__send_alert.ts'
import { door_decisions__partition } from './door_decisions__partition.ts'
import { guest_pass__send } from './guest_pass__send.ts'
import { guest_pass__send_cancellation } from './guest_pass__send_cancellation.ts'
import { invitation__send } from './invitation__send.ts'
import { log_export__write } from './log_export__write.ts'
import { mail_code__send } from './mail_code__send.ts'
import { organization__delete_due } from './organization__delete_due.ts'
import { organization__send_deletion_notice } from './organization__send_deletion_notice.ts'
import { person__delete } from './person__delete.ts'
import { person__send_welcome } from './person__send_welcome.ts'
import { presence__end } from './presence__end.ts'
import { retention__purge } from './retention__purge.ts'
import { ring__expire } from './ring__expire.ts'
import { security_event__send_notice } from './security_event__send_notice.ts'
import { slack_reply__send } from './slack_reply__send.ts'
import { slack_ring__show } from './slack_ring__show.ts'
import { slack_token__encrypt_anew } from './slack_token__encrypt_anew.ts'
import { slack_token__revoke } from './slack_token__revoke.ts'
import { unlock_command__settle } from './unlock_command__settle.ts'

/** What tasks work with besides the database. */
export type TaskServices = MailServices & {
  log: Log
  slack: SlackServices
  cipher: Cipher
  retention: Retention
}

/** Every task by the name under which SQL queues it, which is also the name of its file. */
export const makeTasks = (services: TaskServices): TaskList => ({
  account_export__make: account_export__make(services),
  device__check: device__check(services),
  device__send_alert: device__send_alert(services),
  door_decisions__partition: door_decisions__partition(services),
  guest_pass__send: guest_pass__send(services),
  guest_pass__send_cancellation: guest_pass__send_cancellation(services),
  invitation__send: invitation__send(services),
  log_export__write: log_export__write(services),
  mail_code__send: mail_code__send(services),
  organization__delete_due: organization__delete_due(services),
  organization__send_deletion_notice: organization__send_deletion_notice(services),
  person__delete: person__delete(services),
  person__send_welcome: person__send_welcome(services),
  presence__end: presence__end(),
  retention__purge: retention__purge(services),
  ring__expire: ring__expire(),
  security_event__send_notice: security_event__send_notice(services),
  slack_reply__send: slack_reply__send(services),
  slack_ring__show: slack_ring__show(services),
  slack_token__encrypt_anew: slack_token__encrypt_anew(services),
  slack_token__revoke: slack_token__revoke(services),
  unlock_command__settle: unlock_command__settle(),
})
