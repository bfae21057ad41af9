import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { NextFunction, RequestHandler } from 'express'
import type { PostGraphileInstance } from 'postgraphile'
import { grafserv } from 'postgraphile/grafserv/node'
import type { Log } from '../log.ts'
import type { Limits } from '../limits.ts'
import { answerError, answerFailure, firstSteps, nameRequest } from './app.ts'
import type { Callers } from './callers.ts'
import { type Identify, identifyRequest } from './identity.ts'
import { type Origins, refuseUpgrade } from './origins.ts'
import type { AddressOf } from './requestFacts.ts'
import { makeWebSockets } from './websocket.ts'

/** The ways into GraphQL. */
export type GraphqlEndpoint = {
  /**
   * Answers a POST, and a browser that asks whether it may send one. Not by way of Express, whose share of
   * a small request was a third.
   */
  answer(request: IncomingMessage, response: ServerResponse): Promise<void>
  /** GraphiQL and what belongs to it, as the last of Express's handlers. */
  pages: RequestHandler
  /** Takes WebSockets on the endpoint's path from pages that may open one, and closes others. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
  /** Ends the WebSockets. */
  close(): Promise<void>
}

type Handle = (request: IncomingMessage, response: ServerResponse, next?: NextFunction) => Promise<void>

/** What the endpoint asks before it lets anything in. */
type Door = {
  identify: Identify
  addressOf: AddressOf
  callers: Callers
  limits: Limits
  origins: Origins
  /** Whether so much waits for the database that more would only wait longer. */
  isBusy(): boolean
}

/** Makes the endpoint of an instance whose schema has been built. */
export async function makeGraphqlEndpoint(
  instance: PostGraphileInstance,
  { identify, addressOf, callers, origins, isBusy, limits }: Door,
  log: Log,
): Promise<GraphqlEndpoint> {
  const server = instance.createServ(grafserv)
  await server.ready()
  // Its own way of mounting would put itself before everything else. The handler's type hides that it
  // is asynchronous.
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- WebSockets are seen to below
  const handle = server.createHandler() as unknown as Handle
  const sockets = makeWebSockets({ server, identify, callers, limits, isBusy, log })
  const steps = firstSteps(log)

  return {
    async answer(request, response) {
      try {
        for (const step of steps) step(request, response)
        request.clientAddress = addressOf(request)
        if (origins.answerCors(request, response)) return
        if (isBusy()) answerError(request, response, { code: 'UNAVAILABLE' })
        else if (await identifyRequest(identify, request, response)) await handle(request, response)
      } catch (error) {
        answerFailure(log, error, request, response)
      }
    },
    pages: (request, response, next) => void handle(request, response, next).catch(next),
    upgrade(request, socket, head) {
      nameRequest(request)
      request.clientAddress = addressOf(request)
      if (!server.shouldHandleUpgrade(request, socket, head)) socket.destroy()
      else if (origins.mayConnect(request)) sockets.upgrade(request, socket, head)
      else refuseUpgrade(request, socket)
    },
    close: sockets.close,
  }
}
