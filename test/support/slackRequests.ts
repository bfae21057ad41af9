import { createHmac } from 'node:crypto'

/** The app that tests are, as the settings say it. */
export const slackApp = {
  SLACK_CLIENT_ID: '123.456',
  SLACK_CLIENT_SECRET: 'c1'.repeat(16),
  SLACK_SIGNING_SECRET: '51'.repeat(16),
}

/** A request as Slack sends it. */
export type SlackRequest = { path: string; headers: Record<string, string>; body: string }

const form = 'application/x-www-form-urlencoded'

/** Signs a body as Slack does, as of some seconds from now. */
export function sign(
  path: string,
  type: string,
  body: string,
  { secondsFromNow = 0, secret = slackApp.SLACK_SIGNING_SECRET } = {},
): SlackRequest {
  const timestamp = String(Math.floor(Date.now() / 1000) + secondsFromNow)
  const signature = createHmac('sha256', secret).update(`v0:${timestamp}:${body}`).digest('hex')
  return {
    path,
    body,
    headers: {
      'Content-Type': type,
      'X-Slack-Request-Timestamp': timestamp,
      'X-Slack-Signature': `v0=${signature}`,
    },
  }
}

let count = 0

/** `/door <text>`, typed by a user of a workspace. Each call is a command of its own. */
export const command = (
  given: { text?: string; team?: string; user?: string; trigger?: string; responseUrl?: string },
  options?: Parameters<typeof sign>[3],
): SlackRequest =>
  sign(
    '/slack/commands',
    form,
    new URLSearchParams({
      command: '/door',
      text: given.text ?? '',
      team_id: given.team ?? 'T1',
      user_id: given.user ?? 'U1',
      user_name: 'mia',
      trigger_id: given.trigger ?? `trigger ${++count}`,
      response_url: given.responseUrl ?? 'https://hooks.slack.com/commands/1',
    }).toString(),
    options,
  )

/** A button of a message, pressed by a user of a workspace. */
export const press = (
  given: {
    action: string
    value: string
    team?: string
    user?: string
    at?: string
    responseUrl?: string
  },
  options?: Parameters<typeof sign>[3],
): SlackRequest =>
  sign(
    '/slack/actions',
    form,
    new URLSearchParams({
      payload: JSON.stringify({
        type: 'block_actions',
        team: { id: given.team ?? 'T1' },
        user: { id: given.user ?? 'U1', team_id: given.team ?? 'T1' },
        container: { type: 'message', message_ts: '1.1' },
        response_url: given.responseUrl ?? 'https://hooks.slack.com/actions/1',
        actions: [{ action_id: given.action, value: given.value, action_ts: given.at ?? `${++count}.0` }],
      }),
    }).toString(),
    options,
  )

/** Something that Slack tells, some seconds ago. */
export const tell = (
  event: Record<string, unknown>,
  { team = 'T1', id = `Ev${++count}`, at = Math.floor(Date.now() / 1000) } = {},
): SlackRequest =>
  sign(
    '/slack/events',
    'application/json',
    JSON.stringify({ type: 'event_callback', team_id: team, event_id: id, event_time: at, event }),
  )

/** Sends a request to a server, and reads its answer. */
export async function send(
  url: string,
  { path, headers, body }: SlackRequest,
): Promise<{ status: number; text: string; body: any }> {
  const response = await fetch(`${url}${path}`, { method: 'POST', headers, body })
  const text = await response.text()
  return { status: response.status, text, body: text.startsWith('{') ? JSON.parse(text) : null }
}
