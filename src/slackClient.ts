import {
  LogLevel,
  WebAPIHTTPError,
  WebAPIPlatformError,
  WebAPIRateLimitedError,
  WebClient,
} from '@slack/web-api'
import { messageOf } from './fault.ts'

/** How long Slack may take for an answer. Less than a worker has to end its jobs when it is told to stop. */
export const slackTimeoutMs = 3000

/**
 * Slack's own client, with which nothing is waited for: what fails is thrown at once, and whoever called decides when
 * to try again. `token` is the bot's; without, it can only ask what needs none.
 */
export const makeSlackClient = (apiUrl: string, token?: string): WebClient =>
  new WebClient(token, {
    slackApiUrl: apiUrl,
    allowAbsoluteUrls: false,
    retryConfig: { retries: 0 },
    rejectRateLimitedCalls: true,
    timeout: slackTimeoutMs,
    logLevel: LogLevel.ERROR,
  })

/** What went wrong in speaking to Slack, and nothing of what was said: that has secrets in it. */
export class SlackFault extends Error {
  /** Slack's own word for a refusal that is final, such as `channel_not_found`; null for whatever may pass. */
  readonly code: string | null
  /** After how many seconds Slack wants to be asked again; null when it did not say. */
  readonly retryAfterSeconds: number | null

  constructor(message: string, code: string | null = null, retryAfterSeconds: number | null = null) {
    super(message)
    this.code = code
    this.retryAfterSeconds = retryAfterSeconds
  }
}

/** Slack's words for what passes. */
const transient = new Set([
  'fatal_error',
  'internal_error',
  'ratelimited',
  'request_timeout',
  'service_unavailable',
  'team_added_to_org',
])

/** Whatever was thrown in speaking to Slack, as a SlackFault. */
export function toSlackFault(error: unknown): SlackFault {
  if (error instanceof SlackFault) return error
  if (error instanceof WebAPIRateLimitedError) {
    return new SlackFault('Slack wants to be asked later.', null, error.retryAfter)
  }
  if (error instanceof WebAPIPlatformError) {
    // Whatever is no JSON, such as the page of a proxy, stands where Slack's word for an error would.
    const { error: code } = error.data
    const isSlacks = /^[a-z0-9_]{1,100}$/.test(code) && !transient.has(code)
    return isSlacks ? new SlackFault(`Slack answered ${code}.`, code) : new SlackFault('Slack is in trouble.')
  }
  if (error instanceof WebAPIHTTPError) {
    return new SlackFault(`Slack answered with status ${error.statusCode}.`)
  }
  return new SlackFault(`Slack does not answer: ${messageOf(error)}`)
}
