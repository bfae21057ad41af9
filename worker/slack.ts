import type { JobHelpers } from 'graphile-worker'
import type { ChatPostMessageResponse, WebClient } from '@slack/web-api'
import type { Cipher } from '../src/encryption.ts'
import { makeSlackClient, SlackFault, slackTimeoutMs, toSlackFault } from '../src/slackClient.ts'

/** A bot token as the database has it, and whose it is. */
export type SealedToken = { organizationId: string; keyId: string; sealed: Buffer }

/** What tasks speak to Slack with. Nothing waits for longer than a few seconds, and all throw a SlackFault. */
export type SlackServices = {
  /** Calls a method of the API as the bot of a workspace. */
  call(token: SealedToken, method: string, given: Record<string, unknown>): Promise<ChatPostMessageResponse>
  /** Says something to the one to whom Slack gave an address for it, and to nobody else. */
  respond(responseUrl: string, text: string): Promise<void>
}

/** Makes them. Tokens are decrypted here and nowhere else, for one call. */
export function makeSlackServices(apiUrl: string, cipher: Cipher): SlackServices {
  const isResponseUrl = responseUrlRule(apiUrl)
  return {
    async call({ organizationId, keyId, sealed }, method, given) {
      const client: WebClient = makeSlackClient(
        apiUrl,
        cipher.decrypt({ keyId, data: sealed }, organizationId),
      )
      try {
        return await client.apiCall(method, given)
      } catch (error) {
        throw toSlackFault(error)
      }
    },
    async respond(responseUrl, text) {
      if (!isResponseUrl(responseUrl)) throw new SlackFault('That is no address of Slack.', 'no_slack_url')
      try {
        const response = await fetch(responseUrl, {
          method: 'POST',
          headers: { 'Content-Type': 'application/json' },
          body: JSON.stringify({ response_type: 'ephemeral', replace_original: false, text }),
          redirect: 'error',
          signal: AbortSignal.timeout(slackTimeoutMs),
        })
        await response.body?.cancel()
        if (!response.ok) throw refusal(response)
      } catch (error) {
        throw toSlackFault(error)
      }
    },
  }
}

function refusal({ status, headers }: Response): SlackFault {
  const seconds = Number(headers.get('retry-after') ?? NaN)
  if (status === 429) return new SlackFault('Slack wants to be asked later.', null, seconds || 1)
  const isFinal = status >= 400 && status < 500
  return new SlackFault(`Slack answered with status ${status}.`, isFinal ? `status_${status}` : null)
}

/**
 * Says whether something is posted to an address that came with a request. Requests are signed, and yet nobody's word
 * makes this server speak to its own network: it is Slack's host, or where a test has Slack, that one.
 */
function responseUrlRule(apiUrl: string): (text: string) => boolean {
  const { origin } = new URL(apiUrl)
  const allowed = origin === 'https://slack.com' ? 'https://hooks.slack.com' : origin
  return (text) => URL.canParse(text) && new URL(text).origin === allowed
}

/** The longest that Slack may put us off for. */
const mostSeconds = 3600

/**
 * Has a job run again when Slack says it may, in place of the attempt that was refused; what Slack did not put off is
 * thrown, and tried again like any other job.
 */
export async function putOff(fault: SlackFault, { job, addJob }: JobHelpers): Promise<void> {
  if (fault.retryAfterSeconds === null) throw fault
  await addJob(job.task_identifier, job.payload, {
    queueName: 'slack',
    jobKey: job.key ?? `${job.task_identifier} ${job.id}`,
    runAt: new Date(Date.now() + Math.min(fault.retryAfterSeconds, mostSeconds) * 1000),
  })
}
