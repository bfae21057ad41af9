import express, {
  type ErrorRequestHandler,
  type Request,
  type RequestHandler,
  type Response,
  type Router,
} from 'express'
import type { Pool } from 'pg'
import { identifyByToken } from '../database/callerClient.ts'
import { runBatch } from '../database/statementBatch.ts'
import { errorRegistry } from '../errorRegistry.ts'
import { toPublicError } from '../errors.ts'
import type { Log } from '../log.ts'
import type { Origins } from './origins.ts'
import type { PageData, PageTemplates } from './pageTemplates.ts'
import { type AddressOf, requestFacts } from './requestFacts.ts'

/** What pages are served with. */
export type PageParts = {
  pool: Pool
  addressOf: AddressOf
  origins: Origins
  /** Our own address as browsers know it, whose pages may post to us. */
  serverUrl: string
  /** When Postgres ends a statement. */
  statementMs: number
  /** Whether so many wait for a connection that whoever comes is turned away. */
  isBusy(): boolean
  log: Log
  templates: PageTemplates
}

/**
 * Small pages for people without an account, who have a link with a secret in it. For each template
 * `pages/<name>.html`:
 *
 * - `GET /<name>/<token>` shows what the SQL function `app_hidden.page_<name>(token)` answers, a jsonb object;
 * - `POST /<name>/<token>`, from a form in it, calls `app_hidden.page_<name>__submit(token, form)` and leads back to
 *   the page, so that to reload it does nothing again.
 *
 * Both run as the anonymous role, each in a transaction of its own. Null means that there is no such link. See
 * docs/pages.md.
 */
export function makePages({
  pool,
  addressOf,
  origins,
  serverUrl,
  statementMs,
  isBusy,
  log,
  templates: { names, render, policy },
}: PageParts): Router {
  const ownOrigin = new URL(serverUrl).origin
  const router = express.Router({ caseSensitive: true, strict: true })

  const answer = (response: Response, status: number, name: string, data: PageData) => {
    const html = Buffer.from(render(name, data))
    response.writeHead(status, { 'Content-Type': 'text/html; charset=utf-8', 'Content-Length': html.length })
    response.end(html)
  }
  const answerMessage = (response: Response, status: number, title: string, message: string) =>
    answer(response, status, 'message', { title, ...{ message } })

  /** What the function of a page answers, or null. */
  const ask = async (request: Request, call: string, values: readonly unknown[]): Promise<unknown> => {
    const client = await pool.connect()
    try {
      const facts = () => requestFacts(request)
      const { rows } = await runBatch(client, [
        { text: identifyByToken.text, values: identifyByToken.values({ tokenHash: '' }, facts), plan: null },
        {
          text: `select set_config('statement_timeout', $1, true)`,
          values: [String(statementMs)],
          plan: null,
        },
        { text: `select ${call} as data`, values, plan: null },
      ])
      return (rows as { data: unknown }[])[0]?.data ?? null
    } finally {
      client.release()
    }
  }

  const begin: RequestHandler = (request, response, next) => {
    request.clientAddress ??= addressOf(request)
    response.setHeader('Content-Security-Policy', policy)
    response.setHeader('Cache-Control', 'no-store')
    response.setHeader('X-Robots-Tag', 'noindex, nofollow')
    if (!isBusy()) return next()
    response.setHeader('Retry-After', '1')
    answerMessage(response, 503, 'Not now', 'Too many are asking at once. Try again in a minute.')
  }
  const noSuchLink: RequestHandler = (_request, response) =>
    answerMessage(
      response,
      404,
      'This link does not work',
      'Part of it may be missing, it may be too old, or a newer one may have been sent to you. Open it from the latest mail that you have.',
    )
  const noSuchMethod: RequestHandler = (_request, response) => {
    response.setHeader('Allow', 'GET, HEAD, POST')
    answerMessage(response, 405, 'That does not work here', 'Open the link in a browser.')
  }
  // Whoever posts has the secret, so there is nothing to forge; but no page of others has a reason to.
  const ownFormsOnly: RequestHandler = (request, response, next) => {
    const { origin, 'sec-fetch-site': site = 'same-origin' } = request.headers
    // "null" is what browsers say from a page that tells nobody where it is, as ours do.
    const isOwn = origin === 'null' || origin === ownOrigin || origins.mayConnect(request)
    if (isOwn && (site === 'same-origin' || site === 'none')) return next()
    answerMessage(
      response,
      403,
      'That does not work here',
      'Open the link itself, not through another website.',
    )
  }
  const form = express.urlencoded({ extended: false, limit: '10kb', parameterLimit: 20, inflate: false })

  for (const name of names) {
    const functionName = `app_hidden."page_${name.replaceAll('-', '_')}`
    const show: RequestHandler<{ token: string }> = async (request, response, next) => {
      if (!isToken(request.params.token)) return next()
      const data = await ask(request, `${functionName}"($1)`, [request.params.token])
      if (data === null) return next()
      answer(response, 200, name, data as PageData)
    }
    const submit: RequestHandler<{ token: string }> = async (request, response, next) => {
      if (!isToken(request.params.token)) return next()
      if (!request.is('urlencoded')) {
        return answerMessage(response, 415, 'That does not work here', 'Press a button of the page.')
      }
      const { token } = request.params
      const values = [token, JSON.stringify(request.body)]
      if ((await ask(request, `${functionName}__submit"($1, $2)`, values)) === null) return next()
      response.writeHead(303, { Location: `/${name}/${token}` }).end()
    }
    router.use(`/${name}`, begin)
    router
      .route(`/${name}/:token`)
      .get(show, noSuchLink)
      .post(ownFormsOnly, form, submit, noSuchLink)
      .all(noSuchMethod)
    router.use(`/${name}`, noSuchLink)
  }

  const failed: ErrorRequestHandler = (error: unknown, request, response, next) => {
    if (response.headersSent) return next(error)
    const { status } = error as { status?: unknown }
    if (typeof status === 'number' && status < 500) {
      return answerMessage(response, status, 'That does not work here', 'Press a button of the page.')
    }
    const { code, message, hint } = toPublicError(error)
    if (code === 'INTERNAL') log.error({ requestId: request.requestId, err: error }, 'page failed')
    const words = code === 'INTERNAL' ? 'Something went wrong on our side. Try again in a minute.' : message
    answerMessage(response, errorRegistry[code].status, 'Not now', [words, hint ?? []].flat().join(' '))
  }
  router.use(failed)
  return router
}

/** Of the signs that tokens are made of, and no longer than any of them. */
const isToken = (text: string): boolean => /^[\w-]{1,200}$/.test(text)
