import type { IncomingMessage } from 'node:http'
import type { Pool } from 'pg'
import { postgraphile, type PostGraphileInstance } from 'postgraphile'
import type { Config } from '../config.ts'
import { makeChangeFeed } from '../database/changeFeed.ts'
import { endPool, makePool } from '../database/connection.ts'
import { makeCipher } from '../encryption.ts'
import type { Log } from '../log.ts'
import { makePasswordJudge } from '../passwords/judge.ts'
import { makePreset } from '../preset.ts'
import { answerError, makeApp } from './app.ts'
import { makeCallers } from './callers.ts'
import { makeExplain } from './explainRefusal.ts'
import { makeGraphqlEndpoint } from './graphqlEndpoint.ts'
import { makeIdentify } from './identity.ts'
import type { Listener } from './listen.ts'
import { makeOrigins } from './origins.ts'
import { makePages } from './pages.ts'
import { loadPages } from './pageTemplates.ts'
import { makeTokenUses } from './tokenUses.ts'
import { makeAddressOf } from './requestFacts.ts'

/** A running API. */
export type Api = {
  /** Says in /readyz that it is leaving, serves what is under way, and lets go of everything it holds. */
  close(): Promise<void>
}

/**
 * Builds the API of a database and serves it on a listener. GraphiQL, where it is served, opens with
 * `demoToken` in its headers; in development, refusals are explained as the owner sees them. Throws when the schema cannot be built.
 */
export async function startApi(
  config: Config,
  authenticatorUrl: string,
  listener: Listener,
  log: Log,
  demoToken: string | null,
  ownerUrl = config.databaseUrl,
): Promise<Api> {
  const pages = config.isProject ? loadPages() : null
  const pool = makePool(authenticatorUrl, config.poolSize, log, config.limits.connectionMs)
  const identify = makeIdentify(config)
  const explain = config.mode === 'development' ? makeExplain(ownerUrl ?? authenticatorUrl) : null
  const feed = makeChangeFeed({
    url: authenticatorUrl,
    pool,
    retentionHours: config.limits.retentionHours,
    log,
  })
  const passwords = makePasswordJudge(config.breachedPasswordsUrl, log)
  const uses = config.isProject ? makeTokenUses(pool, log) : null
  const parts = { identify, demoToken, explain, feed, judgePassword: passwords.judge, noteUse: uses?.note }
  let begun: PostGraphileInstance | undefined
  const release = async () => {
    await feed.close()
    await begun?.release()
    if (begun) await releaseServices(begun)
  }
  const end = async () => {
    await passwords.close()
    await uses?.close()
    await endPool(pool)
  }
  try {
    begun = postgraphile(makePreset(config, pool, log, parts))
    await begun.getSchema()
  } catch (error) {
    await release()
    await end()
    throw error
  }
  const instance = begun

  let isLeaving = false
  const { app, finish } = makeApp(log, async () => (isLeaving ? 'shutting down' : databaseFault(pool)))
  const origins = makeOrigins(config.allowedOrigins)
  const addressOf = makeAddressOf(config.trustedProxies)
  const isBusy = () => pool.waitingCount >= config.limits.waiting
  const callers = makeCallers({ pool, isProject: config.isProject, log })
  const endpoint = await makeGraphqlEndpoint(
    instance,
    { identify, addressOf, callers, origins, isBusy, limits: config.limits },
    log,
  )
  if (pages) {
    app.use(
      makePages({
        templates: pages,
        pool,
        addressOf,
        origins,
        serverUrl: config.serverUrl,
        statementMs: config.limits.statementMs,
        isBusy,
        log,
      }),
    )
  }
  const { slack } = config
  if (slack) {
    const { makeSlackRoutes } = await import('./slack/routes.ts')
    const { encrypt } = makeCipher(config.encryptionKeys)
    app.use('/slack', (request, response, next) => {
      if (isBusy()) answerError(request, response, { code: 'UNAVAILABLE' })
      else next()
    })
    app.use(makeSlackRoutes({ config: { ...config, slack }, encrypt, pool, log }))
  }
  app.use(endpoint.pages)
  finish()
  listener.server.on('request', (request, response) => {
    if (isOperation(request)) void endpoint.answer(request, response)
    else app(request, response)
  })
  listener.server.on('upgrade', endpoint.upgrade)

  return {
    async close() {
      isLeaving = true
      // In this order nothing is taken from under a request: the door first, then what it leads to.
      const closed = listener.close(graceMs)
      await endpoint.close()
      callers.close()
      await release()
      await closed
      await end()
    },
  }
}

/** Whether a request is one for GraphQL, or a browser's question whether it may send one. */
const isOperation = ({ method, url = '' }: IncomingMessage): boolean =>
  (method === 'POST' || method === 'OPTIONS') && (url === '/graphql' || url.startsWith('/graphql?'))

/** How long running requests may take to end once the process is told to stop. */
const graceMs = 5000

/** Why the database cannot be used, or null when it answers within a second. */
async function databaseFault(pool: Pool): Promise<string | null> {
  const timeout = new Promise<string>((resolve) =>
    setTimeout(resolve, 1000, 'database does not answer').unref(),
  )
  const answer = pool.query('select').then(
    () => null,
    () => 'database cannot be reached',
  )
  return Promise.race([answer, timeout])
}

// Ends the subscriptions; the instance itself leaves its services alone.
async function releaseServices(instance: PostGraphileInstance): Promise<void> {
  for (const service of instance.getResolvedPreset().pgServices ?? []) await service.release?.()
}
