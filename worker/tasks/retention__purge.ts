import type { Task } from 'graphile-worker'
import type { Retention } from '../../src/config.ts'
import type { TaskServices } from './index.ts'

/**
 * What is kept for a time only, and the SQL that removes a batch of what is over and says how many that were. Each
 * batch is a transaction of its own, so that nobody waits for a large one.
 */
const purges = ({ securityLogDays, doorLogMonths, guestDays }: Retention) =>
  ({
    'sessions and API keys': ['select app_private.purge_expired_sessions() as count'],
    'mailed codes': ['select app_private.purge_mail_codes() as count'],
    'sign-ins with others': ['select app_private.purge_open_id_attempts() as count'],
    attempts: ['select app_private.purge_attempts() as count'],
    'security events': [
      'select app_private.purge_security_events(make_interval(days => $1)) as count',
      [securityLogDays],
    ],
    invitations: ['select app_private.purge_invitations() as count'],
    'account exports': ['select app_private.purge_account_exports() as count'],
    'guest passes': [
      'select app_private.purge_guest_passes(make_interval(days => $1)) as count',
      [guestDays],
    ],
    rings: ['select app_private.purge_rings() as count'],
    presences: ['select app_private.purge_presences() as count'],
    'what came from Slack': ['select app_private.purge_slack() as count'],
    departures: ['select app_private.purge_departures() as count'],
    'exports of the log': ['select app_private.purge_log_exports() as count'],
    'commands to doors': ['select app_private.purge_unlock_commands() as count'],
    // The last, since it gives up where the log is in use.
    'months of the decision log': [
      'select app_private.drop_log_partitions(make_interval(months => $1)) as count',
      [doorLogMonths],
    ],
  }) satisfies Record<string, [sql: string, values?: unknown[]]>

/** Removes, each night, whatever was to be kept until now. */
export const retention__purge =
  ({ retention, log }: TaskServices): Task =>
  async (_payload, { withPgClient }) => {
    const removed: Record<string, number> = {}
    for (const [what, [sql, values]] of Object.entries(purges(retention))) {
      const purgeBatch = async () => {
        const { rows } = await withPgClient((client) => client.query<{ count: string }>(sql, values))
        return Number(rows[0]?.count)
      }
      removed[what] = 0
      for (let count = await purgeBatch(); count > 0; count = await purgeBatch()) removed[what] += count
    }
    log.info({ removed }, 'what was kept for a time only is removed')
  }
