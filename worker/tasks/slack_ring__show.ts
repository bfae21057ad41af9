import type { Task } from 'graphile-worker'
import { z } from 'zod'
import { SlackFault } from '../../src/slackClient.ts'
import { putOff } from '../slack.ts'
import type { TaskServices } from './index.ts'

const payloadShape = z.object({ ringId: z.uuid() })

/**
 * Shows a ring in the channel of its organization as it is by now: posts it, or changes what was posted. The jobs of
 * one ring run one after the other, so the last one has the last word.
 *
 * There is one message as long as Slack's answer to the first post arrives. Where it is lost, nobody can know whether
 * the message was posted, and it is posted again, with the same `client_msg_id`: Slack takes a second one with it for
 * the first, but promises that nowhere. Should there be two after all, the later one is kept up to date, and the
 * buttons of both answer the same ring.
 */
export const slack_ring__show =
  ({ slack, log }: TaskServices): Task =>
  async (payload, helpers) => {
    const { ringId } = payloadShape.parse(payload)
    const { withPgClient } = helpers
    const query = (sql: string, values: unknown[]) =>
      withPgClient((client) => client.query<Shown>(sql, values))
    const { rows } = await query(ringQuery, [ringId])
    const [ring] = rows
    if (!ring)
      return log.info({ ringId }, 'nothing is shown in Slack: the ring is over, or no channel hears it')

    const { channelId, ts } = ring
    const message = { channel: channelId, ...toMessage(ringId, ring) }
    try {
      const posted =
        ts === null
          ? await slack.call(ring, 'chat.postMessage', { ...message, client_msg_id: ringId })
          : await slack.call(ring, 'chat.update', { ...message, ts })
      // What a channel is posted under is not always what it was given as.
      if (ts === null) {
        await query(noteMessage, [
          ring.organizationId,
          ringId,
          ring.installationId,
          posted.channel ?? channelId,
          posted.ts,
        ])
      }
      await query(noteFault, [ring.installationId, null])
    } catch (error) {
      if (!(error instanceof SlackFault)) throw error
      if (error.code === null) return putOff(error, helpers)
      log.warn({ ringId, fault: error.code }, 'Slack does not show a ring')
      if (ts === null) await query(noteFault, [ring.installationId, error.code])
    }
  }

type Shown = {
  organizationId: string
  installationId: string
  keyId: string
  sealed: Buffer
  channelId: string
  ts: string | null
  isRinging: boolean
  door: string
  office: string
  count: number
  outcome: string | null
}

const ringQuery = `
  select organization_id as "organizationId", installation_id as "installationId", key_id as "keyId", sealed,
    channel_id as "channelId", ts, is_ringing as "isRinging", door, office, count, outcome
  from app_private.slack_ring($1)`
const noteMessage = `
  insert into app_private.slack_messages (organization_id, ring_id, installation_id, channel_id, ts)
  values ($1, $2, $3, $4, $5)
  on conflict (organization_id, ring_id) do update set channel_id = excluded.channel_id, ts = excluded.ts`
const noteFault = `
  update app_public.slack_installations set fault = $2 where id = $1 and fault is distinct from $2`

/** Names are plain text, in which nothing is a mention or a link; `text` is what notifications show. */
function toMessage(ringId: string, { door, office, count, isRinging, outcome }: Shown) {
  const plain = (text: string) => ({ type: 'plain_text', text, emoji: true })
  const words = `🔔 Somebody is at the door: ${door} (${office})${count > 1 ? `, rang ${count} times` : ''}`
  const button = (action: string, label: string, style?: string) => ({
    type: 'button',
    action_id: action,
    value: ringId,
    text: plain(label),
    ...(style && { style }),
  })
  const shown = isRinging ? words : `${words.replace('Somebody is', 'Somebody was')}\n${outcome}`
  return {
    text: shown.replace(/[&<>]/g, (sign) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[sign]!),
    blocks: [
      { type: 'section', text: plain(shown) },
      ...(isRinging
        ? [
            {
              type: 'actions',
              elements: [button('open_ring', 'Open', 'primary'), button('dismiss_ring', 'Dismiss')],
            },
          ]
        : []),
    ],
  }
}
