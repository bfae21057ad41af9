import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PersistedPlugin } from '@grafserv/persisted'
import type { Pool } from 'pg'
import 'postgraphile'
import type { ParsedGraphQLBody } from 'postgraphile/grafserv'
import 'postgraphile/grafserv/node'
import { getOperationAST } from 'postgraphile/graphql'
import { pgSmartTagsFromFile } from 'postgraphile/utils'
import { schemaPreset } from '../plugins/index.ts'
import { makeOpenIdPlugin } from '../plugins/OpenIdPlugin.ts'
import { makeSlackInstallPlugin } from '../plugins/SlackInstallPlugin.ts'
import type { Config } from './config.ts'
import {
  applySettings,
  type CallerSettings,
  identifyByToken,
  makeCallerService,
} from './database/callerClient.ts'
import type { ChangeFeed } from './database/changeFeed.ts'
import { migrationsFolder } from './database/migrations.ts'
import { makeSharedReads } from './database/sharedReads.ts'
import { makeErrorsPlugin } from './http/ErrorsPlugin.ts'
import type { Explain } from './http/explainRefusal.ts'
import type { Identify } from './http/identity.ts'
import { NoHttpSubscriptionsPlugin } from './http/NoHttpSubscriptionsPlugin.ts'
import { makeOperationPlugin } from './http/OperationPlugin.ts'
import { requestFacts } from './http/requestFacts.ts'
import { withRequestId } from './http/requestIds.ts'
import { whenTaken } from './http/websocket.ts'
import type { Log } from './log.ts'
import type { JudgePassword } from './passwords/judge.ts'
import { readManifest } from './trustedDocuments.ts'

/** What the API is made with, beside its settings and its connections. */
export type Parts = {
  identify: Identify
  /** GraphiQL, where it is served, opens with it in its headers. */
  demoToken?: string | null
  /** Says in development why somebody was refused. */
  explain?: Explain | null
  /** Says what speaks against a new password; without it, any that is long enough will do. */
  judgePassword?: JudgePassword
  /** Is told of each operation whose it is. */
  noteUse?: (settings: CallerSettings) => void
  /** What subscriptions live on. */
  feed?: ChangeFeed | null
}

/** What the API is made of. */
export function makePreset(
  config: Config,
  pool: Pool,
  log: Log,
  { identify, demoToken = null, explain = null, judgePassword, noteUse, feed = null }: Parts,
): GraphileConfig.Preset {
  const isDevelopment = config.mode === 'development'
  const { limits, introspection } = config
  const trusted = config.trustedDocuments === null ? null : readManifest(config.trustedDocuments)
  const { service, withPgClient, forRequest } = makeCallerService(pool, config.schemas, {
    caller: config.isProject ? identifyByToken : applySettings,
    keepsPrepared: config.preparedStatements,
    statementMs: limits.statementMs,
  })
  const errors = makeErrorsPlugin(log, explain)
  const maskError = withRequestId(errors.maskError, { isTalkative: isDevelopment })

  // What several sockets read together belongs to none of their requests.
  const sharedReads = makeSharedReads(withPgClient, Math.ceil(config.poolSize / 2))

  return {
    // Around all that the plugins of a schema do: they may fail at a commit, and before there is a transaction.
    extends: [{ plugins: [errors.plugin] }, schemaPreset],
    plugins: [
      ...(config.isProject
        ? [
            pgSmartTagsFromFile(join(migrationsFolder, 'tags.json5')),
            makeOpenIdPlugin({ openId: config.openId, timeoutMs: limits.providerMs, pool, log }),
            makeSlackInstallPlugin(
              config.slack && {
                apiUrl: config.slackApiUrl,
                clientId: config.slack.clientId,
                serverUrl: config.serverUrl,
              },
            ),
          ]
        : []),
      makeOperationPlugin({
        limits,
        introspection,
        isTalkative: isDevelopment,
        trusted: trusted && new Set(trusted.values()),
        maskError,
      }),
      ...(trusted ? [PersistedPlugin] : []),
      NoHttpSubscriptionsPlugin,
    ],
    pgServices: [service],
    gather: {
      // Writes nothing into the database: `plinth db watch` announces its changes instead.
      installWatchFixtures: false,
      // The project's functions take no nulls unless an argument has a default. Others' may.
      pgStrictFunctions: config.isProject,
    },
    schema: {
      defaultPageSize: limits.defaultPageSize,
      maxRowsPerMutation: limits.mutationRows,
      judgePassword,
    },
    grafast: {
      timeouts: { planning: limits.planningMs },
      maxPlanningDepth: limits.depth * planningStepsPerLevel,
      async context({ node, ws }, { document, operationName }) {
        // A POST has been identified by now, and so has a WebSocket.
        const request = node?.req ?? ws?.request
        const pgSettings = request?.callerSettings ?? (await identify(undefined))
        noteUse?.(pgSettings)
        const isSubscription =
          ws && String(getOperationAST(document, operationName)?.operation) === 'subscription'
        // Without withPgClient, each statement would take the service's out of a register and put it back.
        return isSubscription
          ? { pgSettings, changeFeed: feed, withPgClient: sharedReads, isReady: () => whenTaken(ws.socket!) }
          : { pgSettings, withPgClient: request ? forRequest(() => requestFacts(request)) : withPgClient }
      },
    },
    grafserv: {
      graphiql: isDevelopment,
      graphiqlOnGraphQLGET: isDevelopment,
      watch: isDevelopment,
      websockets: true,
      maskError,
      ...(trusted && {
        // A text that is in no manifest, where there is no such id: it is refused like any other of that kind.
        persistedOperationsGetter: (id) => trusted.get(id) ?? '',
        hashFromPayload: requestedId,
      }),
    },
    ruru: {
      clientConfig: {
        initialQuery: exampleOperation(config),
        ...(demoToken && {
          initialHeaders: JSON.stringify({ Authorization: `Bearer ${demoToken}` }, null, 2),
        }),
      } as NonNullable<NonNullable<GraphileConfig.Preset['ruru']>['clientConfig']>,
    },
  }
}

/** More than planning takes for a level of fields: what is too deep was refused before, with better words. */
const planningStepsPerLevel = 20

/** The id of the operation that a request names, in any of the spellings that clients know; or none. */
function requestedId({ documentId, id, extensions }: ParsedGraphQLBody): string {
  const { persistedQuery } = (extensions ?? {}) as { persistedQuery?: { sha256Hash?: unknown } | null }
  const given = documentId ?? id ?? persistedQuery?.sha256Hash
  return typeof given === 'string' ? given : ''
}

/** What GraphiQL opens with. */
function exampleOperation(config: Config): string {
  if (config.isProject) return readFileSync(join(migrationsFolder, 'demo/example.graphql'), 'utf8')
  return '# Press ▶ to ask. Ctrl-Space shows what can stand at the cursor.\nquery Example {\n  __typename\n}\n'
}
