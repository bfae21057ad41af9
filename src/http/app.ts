import { randomUUID } from 'node:crypto'
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express'
import type { Log } from '../log.ts'

declare module 'http' {
  interface IncomingMessage {
    /** Names the request in the answer's X-Request-Id, in the log and in reports. */
    requestId?: string
  }
}

/** Answers whether the process can serve right now; null when it can, else why not. */
export type Readiness = () => Promise<string | null>

/**
 * The HTTP side, in the order in which a request meets it; the GraphQL handlers are added behind by
 * `finish`, and what nobody answers ends in a 404.
 */
export function makeApp(log: Log, isReady: Readiness): { app: Express; finish(): void } {
  const app = express()
  app.disable('x-powered-by')
  app.use(requestId, requestLog(log), plainHeaders)

  app.get('/livez', (_request, response) => {
    response.type('text').send('ok\n')
  })
  app.get('/readyz', async (_request, response) => {
    const reason = await isReady()
    response
      .status(reason === null ? 200 : 503)
      .type('text')
      .send(`${reason ?? 'ok'}\n`)
  })

  return {
    app,
    finish() {
      app.use((request, response) => {
        response
          .status(404)
          .json({ errors: [{ message: `Nothing is at ${request.method} ${request.path}.` }] })
      })
      app.use(answerFailure(log))
    },
  }
}

// An id that came with the request is kept, so that one id follows it through several services; only
// what is safe to log and to send back counts as one.
const requestId: RequestHandler = (request, response, next) => {
  const given = request.get('x-request-id')
  request.requestId = given !== undefined && /^[\w-]{1,64}$/.test(given) ? given : randomUUID()
  response.set('X-Request-Id', request.requestId)
  next()
}

const requestLog =
  (log: Log): RequestHandler =>
  (request, response, next) => {
    const began = performance.now()
    response.on('close', () => {
      const isProbe = request.path === '/livez' || request.path === '/readyz'
      log[isProbe ? 'debug' : 'info'](
        {
          requestId: request.requestId,
          method: request.method,
          path: request.path,
          status: response.writableEnded ? response.statusCode : null,
          ms: Math.round((performance.now() - began) * 10) / 10,
        },
        response.writableEnded ? 'request' : 'request aborted by the client',
      )
    })
    next()
  }

const plainHeaders: RequestHandler = (_request, response, next) => {
  response.set({
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    'X-Frame-Options': 'DENY',
  })
  next()
}

const answerFailure =
  (log: Log): ErrorRequestHandler =>
  (error: unknown, request, response, next) => {
    log.error({ requestId: request.requestId, err: error }, 'request failed')
    if (response.headersSent) return next(error)
    response.status(500).json({
      errors: [
        {
          message: 'Something went wrong on our side.',
          extensions: { code: 'INTERNAL', errorId: request.requestId },
        },
      ],
    })
  }
