import express, { type ErrorRequestHandler, type Request, type RequestHandler, Router } from 'express'
import type { Pool } from 'pg'
import type { Config } from '../../config.ts'
import type { Encrypt } from '../../encryption.ts'
import type { Log } from '../../log.ts'
import { slackPaths } from '../../slackApp.ts'
import { makeInstalled } from './installed.ts'
import { signatureOf } from './signature.ts'
import { runStatement } from './statement.ts'

/** What the routes are made with; `encrypt` is for the tokens that Slack gives, which are decrypted elsewhere. */
export type SlackParts = {
  config: Pick<Config, 'slackApiUrl' | 'serverUrl' | 'publicUrl'> & { slack: NonNullable<Config['slack']> }
  encrypt: Encrypt
  pool: Pool
  log: Log
}

/** Of what a person can type or press, a hundredth is enough. */
const mostBytes = 100_000

/**
 * Where Slack comes in. Until its signature is found right, nothing is done with a request but to read it, and the
 * answer to any that is wrong is 401 and no more. What it asks for is carried out by SQL.
 */
export function makeSlackRoutes({ config, encrypt, pool, log }: SlackParts): Router {
  const router = Router()
  const post = (path: string, type: string, parse: (body: string) => unknown, answer: Answer) =>
    router.post(path, readRaw(type), async (request: Request, response) => {
      const body: unknown = request.body
      const signature = Buffer.isBuffer(body)
        ? signatureOf(config.slack.signingSecret, request.headers, body)
        : null
      const asked = signature === null ? undefined : parseOrNot(parse, String(body))
      const answered =
        signature === null || asked === undefined ? null : await answer(request, signature, asked)
      if (answered === null) response.status(401).end()
      else response.json(answered)
    })
  const run = (request: Request, text: string, values: unknown[]) => runStatement(pool, request, text, values)

  post(slackPaths.commands, form, readForm, (request, signature, asked) =>
    run(request, 'select app_private.slack_command($1, $2, $3) as result', [
      signature,
      asked,
      config.publicUrl,
    ]),
  )
  post(slackPaths.actions, form, readPayload, (request, signature, asked) =>
    run(request, 'select app_private.slack_action($1, $2) as result', [signature, asked]),
  )
  post(slackPaths.events, 'application/json', readJson, async (request, signature, asked) =>
    isChallenge(asked)
      ? { challenge: asked.challenge }
      : run(request, 'select app_private.slack_event($1, $2) as result', [signature, asked]),
  )
  router.get(slackPaths.installed, makeInstalled({ config, encrypt, pool, log }))

  // A body that is too long, compressed or cut off never had a signature that could be checked.
  const refused: ErrorRequestHandler = (error: { status?: number }, _request, response, next) => {
    if (error.status === undefined || error.status >= 500) next(error)
    else response.status(401).end()
  }
  router.use(refused)
  return router
}

/** What to answer to a request that is signed: JSON, or null for one that must not count. */
type Answer = (request: Request, signature: string, asked: unknown) => Promise<unknown>

const form = 'application/x-www-form-urlencoded'
const readRaw = (type: string): RequestHandler => express.raw({ type, limit: mostBytes, inflate: false })

const readForm = (body: string): unknown =>
  Object.fromEntries([...new URLSearchParams(body)].map(([name, value]) => [name, plain(value)]))
const readJson = (body: string): unknown =>
  JSON.parse(body, (_name, value: unknown) => (typeof value === 'string' ? plain(value) : value))
const readPayload = (body: string): unknown => readJson(new URLSearchParams(body).get('payload') ?? '')

/** A text that Postgres takes: it knows neither U+0000 nor half of a pair. */
const plain = (text: string): string => text.replaceAll('\0', '').toWellFormed()

function parseOrNot(parse: (body: string) => unknown, body: string): unknown {
  try {
    const parsed = parse(body)
    return typeof parsed === 'object' && parsed !== null ? parsed : undefined
  } catch {
    return undefined
  }
}

/** Slack's question, when an address is entered there, whether it is us. */
const isChallenge = (asked: unknown): asked is { challenge: string } =>
  typeof asked === 'object' &&
  asked !== null &&
  'type' in asked &&
  asked.type === 'url_verification' &&
  'challenge' in asked &&
  typeof asked.challenge === 'string'
