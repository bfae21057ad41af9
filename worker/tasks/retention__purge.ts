import type { Task } from 'graphile-worker'
import type { TaskServices } from './index.ts'

/**
 * What is kept for a time only, and the SQL that removes a batch of what is over and says how many that were. Each
 * batch is a transaction of its own, so that nobody waits for a large one.
 */
const purges = (securityLogDays: number) =>
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
    rings: ['select app_private.purge_rings() as count'],
    presences: ['select app_private.purge_presences() as count'],
    departures: ['select app_private.purge_departures() as count'],
  }) satisfies Record<string, [sql: string, values?: unknown[]]>

/** Removes, each night, whatever was to be kept until now. */
export const retention__purge =
  ({ log, securityLogDays }: TaskServices): Task =>
  async (_payload, { withPgClient }) => {
    const removed: Record<string, number> = {}
    for (const [what, [sql, values]] of Object.entries(purges(securityLogDays))) {
      const purgeBatch = async () => {
        const { rows } = await withPgClient((client) => client.query<{ count: string }>(sql, values))
        return Number(rows[0]?.count)
      }
      removed[what] = 0
      for (let count = await purgeBatch(); count > 0; count = await purgeBatch()) removed[what] += count
    }
    log.info({ removed }, 'what was kept for a time only is removed')
  }
