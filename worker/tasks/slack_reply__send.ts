import type { Task } from 'graphile-worker'
import { z } from 'zod'
import { SlackFault } from '../../src/slackClient.ts'
import { putOff } from '../slack.ts'
import type { TaskServices } from './index.ts'

const payloadShape = z.object({ id: z.uuid() })

/**
 * Tells a Slack user what they are waiting for. Where Slack's answer is lost they are told twice, which does no harm.
 * An address that Slack takes nothing for any more is given up.
 */
export const slack_reply__send =
  ({ slack, log }: TaskServices): Task =>
  async (payload, helpers) => {
    const { id } = payloadShape.parse(payload)
    const { rows } = await helpers.withPgClient((client) =>
      client.query<{ responseUrl: string; text: string }>(
        'select response_url as "responseUrl", text from app_private.slack_reply($1)',
        [id],
      ),
    )
    const [reply] = rows
    if (!reply) return log.info({ id }, 'nothing is said in Slack: it has been said, or it is too late')

    try {
      await slack.respond(reply.responseUrl, reply.text)
    } catch (error) {
      if (!(error instanceof SlackFault)) throw error
      if (error.code === null) return putOff(error, helpers)
      log.warn({ id, fault: error.code }, 'Slack does not take a reply')
    }
    await helpers.withPgClient((client) =>
      client.query('delete from app_private.slack_replies where id = $1', [id]),
    )
  }
