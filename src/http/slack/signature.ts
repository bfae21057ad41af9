import { createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'

/** A signature of Slack's that is older, or from later on, is refused. */
const mostSeconds = 300

/**
 * The signature of a request from Slack, or null when it does not come from there, or not just now: HMAC-SHA256 over
 * the time and the body as it was sent, in headers of its own. Whether it has been used before is for SQL to say.
 */
export function signatureOf(
  secret: string,
  headers: IncomingHttpHeaders,
  body: Buffer,
  nowMs = Date.now(),
): string | null {
  const { 'x-slack-signature': signature, 'x-slack-request-timestamp': timestamp } = headers
  if (typeof timestamp !== 'string' || !/^[1-9]\d{0,11}$/.test(timestamp)) return null
  if (typeof signature !== 'string' || !/^v0=[0-9a-f]{64}$/.test(signature)) return null
  if (Math.abs(nowMs / 1000 - Number(timestamp)) > mostSeconds) return null

  const expected = createHmac('sha256', secret).update(`v0:${timestamp}:`).update(body).digest()
  return timingSafeEqual(expected, Buffer.from(signature.slice(3), 'hex')) ? signature : null
}
