import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Pool } from 'pg'
import 'postgraphile'
import 'postgraphile/grafserv/node'
import { getOperationAST } from 'postgraphile/graphql'
import { pgSmartTagsFromFile } from 'postgraphile/utils'
import { schemaPreset } from '../plugins/index.ts'
import type { Config } from './config.ts'
import { applySettings, identifyByToken, makeCallerService } from './database/callerClient.ts'
import type { ChangeFeed } from './database/changeFeed.ts'
import { migrationsFolder } from './database/migrations.ts'
import { makeSharedReads } from './database/sharedReads.ts'
import type { Identify } from './http/identity.ts'
import { makeMaskError } from './http/maskError.ts'
import { NoHttpSubscriptionsPlugin } from './http/NoHttpSubscriptionsPlugin.ts'
import type { Log } from './log.ts'

/** What the API is made of, given its settings and its connections; see startApi for the last two. */
export function makePreset(
  config: Config,
  pool: Pool,
  log: Log,
  identify: Identify,
  demoToken: string | null = null,
  changeFeed: ChangeFeed | null = null,
): GraphileConfig.Preset {
  const isDevelopment = config.mode === 'development'

  const service = makeCallerService(pool, config.schemas, {
    caller: config.isProject ? identifyByToken : applySettings,
    keepsPrepared: config.preparedStatements,
  })
  const sharedReads = makeSharedReads(service.adaptor.createWithPgClient(), Math.ceil(config.poolSize / 2))

  return {
    extends: [schemaPreset],
    plugins: [
      ...(config.isProject ? [pgSmartTagsFromFile(join(migrationsFolder, 'tags.json5'))] : []),
      NoHttpSubscriptionsPlugin,
    ],
    pgServices: [service],
    gather: {
      // Writes nothing into the database: `plinth db watch` announces its changes instead.
      installWatchFixtures: false,
      // The project's functions take no nulls unless an argument has a default. Others' may.
      pgStrictFunctions: config.isProject,
    },
    grafast: {
      async context({ node, ws }, { document, operationName }) {
        // A POST has been identified by now, and so has a WebSocket.
        const settings = (node?.req ?? ws?.request)?.callerSettings
        const pgSettings = settings ?? (await identify(undefined))
        const isSubscription =
          ws && String(getOperationAST(document, operationName)?.operation) === 'subscription'
        return isSubscription ? { pgSettings, changeFeed, withPgClient: sharedReads } : { pgSettings }
      },
    },
    grafserv: {
      graphiql: isDevelopment,
      watch: isDevelopment,
      websockets: true,
      maskError: makeMaskError(log),
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

/** What GraphiQL opens with. */
function exampleOperation(config: Config): string {
  if (config.isProject) return readFileSync(join(migrationsFolder, 'demo/example.graphql'), 'utf8')
  return '# Press ▶ to ask. Ctrl-Space shows what can stand at the cursor.\nquery Example {\n  __typename\n}\n'
}
