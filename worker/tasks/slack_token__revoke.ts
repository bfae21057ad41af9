import type { Task } from 'graphile-worker'
import { z } from 'zod'
import { SlackFault } from '../../src/slackClient.ts'
import { putOff } from '../slack.ts'
import type { TaskServices } from './index.ts'

const payloadShape = z.object({ id: z.uuid() })

/** Gives a token back to Slack that is of no use any more, and forgets it. */
export const slack_token__revoke =
  ({ slack, log }: TaskServices): Task =>
  async (payload, helpers) => {
    const { id } = payloadShape.parse(payload)
    const { rows } = await helpers.withPgClient((client) =>
      client.query<{ organizationId: string; keyId: string; sealed: Buffer }>(
        `select organization_id as "organizationId", key_id as "keyId", sealed
         from app_private.slack_tokens where id = $1 and installation_id is null`,
        [id],
      ),
    )
    const [token] = rows
    if (!token) return log.info({ id }, 'no token is revoked: it is gone, or in use')

    try {
      await slack.call(token, 'auth.revoke', {})
    } catch (error) {
      if (!(error instanceof SlackFault)) throw error
      if (error.code === null || !ended.has(error.code)) return putOff(error, helpers)
    }
    await helpers.withPgClient((client) =>
      client.query('delete from app_private.slack_tokens where id = $1', [id]),
    )
  }

/** What Slack says of a token that has ended already. */
const ended = new Set(['account_inactive', 'invalid_auth', 'not_authed', 'token_expired', 'token_revoked'])
