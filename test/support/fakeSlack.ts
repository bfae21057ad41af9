import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text as readText } from 'node:stream/consumers'

/** What Slack is made to do with one call, in place of what it would. */
export type Trouble =
  | { error: string }
  | { status: number; retryAfter?: number }
  /** Takes the call and never answers. */
  | 'hangs'
  /** Cuts the connection before it has done anything. */
  | 'cuts'
  /** Does as it is told, and then cuts the connection. */
  | 'does and cuts'

/** A message as the channel shows it. */
export type FakeMessage = {
  channel: string
  text: string
  blocks: { type: string; elements?: Record<string, any>[] }[]
}

/** A Slack on this machine that speaks as much of its API as we use. */
export type FakeSlack = {
  /** The setting SLACK_API_URL. */
  apiUrl: string
  /** Every call that came in: the method, or `response` for what was sent to a reply address. */
  calls: { method: string; token: string | null; given: Record<string, string> }[]
  /** The messages of all channels, by their `ts`. */
  messages: Map<string, FakeMessage>
  /** What was said to single users, by the last part of the reply address. */
  replies: { to: string; text: string }[]
  /** Tokens that have been revoked. */
  revoked: string[]
  /** What people have agreed to: a code is good once. */
  grants: Map<string, Record<string, unknown>>
  /** Whether a second message with the `client_msg_id` of another is taken for that one. */
  knowsRepeats: boolean
  /** What the next calls of a method meet, one each. */
  trouble(method: string, ...troubles: Trouble[]): void
  /** An address that takes a reply for somebody. */
  responseUrl(to: string): string
  stop(): Promise<void>
}

/** Starts one. */
export async function startFakeSlack(): Promise<FakeSlack> {
  const troubles = new Map<string, Trouble[]>()
  const posted = new Map<string, string>()
  let moment = 1_700_000_000
  const server = createServer((request, response) => {
    void receive(request, response).catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  const methods: Record<string, (given: Record<string, string>, token: string | null) => object> = {
    'oauth.v2.access'({ code = '' }) {
      const grant = slack.grants.get(code)
      slack.grants.delete(code)
      return grant ?? { ok: false, error: 'invalid_code' }
    },
    'auth.revoke'(_given, token) {
      if (token === null || slack.revoked.includes(token)) return { ok: false, error: 'token_revoked' }
      slack.revoked.push(token)
      return { ok: true, revoked: true }
    },
    'chat.postMessage'({ channel = '', text = '', blocks = '[]', client_msg_id: id }) {
      const known = slack.knowsRepeats && id !== undefined ? posted.get(id) : undefined
      const ts = known ?? `${++moment}.000100`
      if (known === undefined) slack.messages.set(ts, { channel, text, blocks: JSON.parse(blocks) })
      if (id !== undefined) posted.set(id, ts)
      return { ok: true, channel, ts }
    },
    'chat.update'({ channel = '', ts = '', text = '', blocks = '[]' }) {
      if (!slack.messages.has(ts)) return { ok: false, error: 'message_not_found' }
      slack.messages.set(ts, { channel, text, blocks: JSON.parse(blocks) })
      return { ok: true, channel, ts }
    },
  }

  async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readText(request)
    const [, kind = '', name = ''] = /^\/(\w+)\/(.+)$/.exec(request.url ?? '') ?? []
    const method = kind === 'api' ? name : 'response'
    const token = request.headers.authorization?.replace('Bearer ', '') ?? null
    const given = (
      kind === 'api' ? Object.fromEntries(new URLSearchParams(body)) : JSON.parse(body)
    ) as Record<string, string>
    slack.calls.push({ method, token, given })

    const trouble = troubles.get(method)?.shift()
    if (trouble === 'hangs') return
    if (trouble === 'cuts') return void response.destroy()
    if (typeof trouble === 'object' && 'status' in trouble) {
      const { status, retryAfter } = trouble
      response.writeHead(status, retryAfter === undefined ? {} : { 'Retry-After': retryAfter })
      return void response.end()
    }
    const answer =
      typeof trouble === 'object'
        ? { ok: false, error: trouble.error }
        : (methods[method]?.(given, token) ?? { ok: false, error: 'unknown_method' })
    if (method === 'response') slack.replies.push({ to: name, text: given.text! })
    if (trouble === 'does and cuts') return void response.destroy()
    response.writeHead(200, { 'Content-Type': 'application/json' })
    response.end(JSON.stringify(answer))
  }

  const slack: FakeSlack = {
    apiUrl: `${origin}/api/`,
    calls: [],
    messages: new Map(),
    replies: [],
    revoked: [],
    grants: new Map(),
    knowsRepeats: true,
    trouble: (method, ...met) => void troubles.set(method, met),
    responseUrl: (to) => `${origin}/replies/${to}`,
    async stop() {
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
  return slack
}
