import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import express, { type ErrorRequestHandler, type Express } from 'express'
import { type ErrorCode, errorRegistry } from '../errorRegistry.ts'
import type { Log } from '../log.ts'

declare module 'http' {
  interface IncomingMessage {
    /** Names the request in the answer's X-Request-Id, in the log and in reports. */
    requestId?: string
  }
}

/** Answers whether the process can serve right now; null when it can, else why not. */
export type Readiness = () => Promise<string | null>

/** A handler in Node's own terms: Express takes it as it is, and the GraphQL endpoint without Express. */
export type Step = (request: IncomingMessage, response: ServerResponse) => void

/** What every request meets first, in this order. */
export const firstSteps = (log: Log): Step[] => [requestId, requestLog(log), plainHeaders]

/**
 * Everything but the GraphQL endpoint, in the order in which a request meets it; the pages of GraphiQL
 * are added behind by `finish`, and what nobody answers ends in a 404.
 */
export function makeApp(log: Log, isReady: Readiness): { app: Express; finish(): void } {
  const app = express()
  app.disable('x-powered-by')
  const steps = firstSteps(log)
  app.use((request, response, next) => {
    for (const step of steps) step(request, response)
    next()
  })

  app.get('/livez', (_request, response) => {
    response.type('text').send('ok\n')
  })
  app.get('/readyz', async (_request, response) => {
    const reason = await isReady()
    if (reason !== null) response.setHeader('Retry-After', '1')
    response
      .status(reason === null ? 200 : 503)
      .type('text')
      .send(`${reason ?? 'ok'}\n`)
  })

  return {
    app,
    finish() {
      app.use((request, response) => {
        answerError(request, response, {
          code: 'NOT_FOUND',
          message: `Nothing is at ${request.method} ${request.path}.`,
        })
      })
      const failed: ErrorRequestHandler = (error, request, response, _next) => {
        answerFailure(log, error, request, response)
      }
      app.use(failed)
    },
  }
}

/**
 * Gives a request its id, or keeps the one that it came with, so that one id follows it through several
 * services. Only what is safe to log and to send back counts as one.
 */
export function nameRequest(request: IncomingMessage): string {
  const given = request.headers['x-request-id']
  return (request.requestId = typeof given === 'string' && /^[\w-]{1,64}$/.test(given) ? given : randomUUID())
}

const requestId: Step = (request, response) => {
  response.setHeader('X-Request-Id', nameRequest(request))
}

const requestLog =
  (log: Log): Step =>
  (request, response) => {
    const { method = '', url = '' } = request
    const path = withoutSecrets(url.split('?', 1)[0] ?? '')
    const level = path === '/livez' || path === '/readyz' ? 'debug' : 'info'
    if (!log.isLevelEnabled(level)) return
    const began = performance.now()
    response.on('close', () => {
      const isAnswered = response.writableEnded
      log[level](
        {
          requestId: request.requestId,
          method,
          path,
          status: isAnswered ? response.statusCode : null,
          ms: Math.round((performance.now() - began) * 10) / 10,
        },
        isAnswered ? 'request' : 'request aborted by the client',
      )
    })
  }

/** Links to pages have a secret in their path: whatever is as long as one, escapes counted in, stays out of the log. */
const withoutSecrets = (path: string): string => path.replace(/[\w%.~-]{24,}/g, '…')

const plainHeaders: Step = (_request, response) => {
  response.setHeader('X-Content-Type-Options', 'nosniff')
  response.setHeader('Referrer-Policy', 'no-referrer')
  response.setHeader('X-Frame-Options', 'DENY')
}

/** Ends a response with a JSON body. */
export function answerJson(response: ServerResponse, status: number, body: object): void {
  response.statusCode = status
  response.setHeader('Content-Type', 'application/json; charset=utf-8')
  response.end(JSON.stringify(body))
}

/** Ends a response with a registered error, its HTTP status and the id of the request. */
export function answerError(
  { requestId }: IncomingMessage,
  response: ServerResponse,
  { code, message = errorRegistry[code].message }: { code: ErrorCode; message?: string },
): void {
  const { status } = errorRegistry[code]
  if (status === 401) response.setHeader('WWW-Authenticate', 'Bearer')
  if (status === 503) response.setHeader('Retry-After', '1')
  answerJson(response, status, { errors: [{ message, extensions: { code, requestId } }] })
}

/** Logs what nobody expected, and answers with the id under which the log has it. */
export function answerFailure(
  log: Log,
  error: unknown,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const errorId = request.requestId
  log.error({ requestId: errorId, err: error }, 'request failed')
  if (response.headersSent) response.destroy()
  else {
    const { message } = errorRegistry.INTERNAL
    answerJson(response, 500, {
      errors: [{ message, extensions: { code: 'INTERNAL', errorId, requestId: errorId } }],
    })
  }
}
