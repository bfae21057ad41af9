import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Pool } from 'pg'
import 'postgraphile'
import 'postgraphile/grafserv/node'
import { pgSmartTagsFromFile } from 'postgraphile/utils'
import { schemaPreset } from '../plugins/index.ts'
import type { Config } from './config.ts'
import { applySettings, identifyByToken, makeCallerService } from './database/callerClient.ts'
import { migrationsFolder } from './database/migrations.ts'
import { makeErrorsPlugin } from './http/ErrorsPlugin.ts'
import type { Explain } from './http/explainRefusal.ts'
import type { Identify } from './http/identity.ts'
import type { Log } from './log.ts'

/** What the API is made of, given its settings and its connections; see startApi for the last two. */
export function makePreset(
  config: Config,
  pool: Pool,
  log: Log,
  identify: Identify,
  demoToken: string | null = null,
  explain: Explain | null = null,
): GraphileConfig.Preset {
  const isDevelopment = config.mode === 'development'
  const errors = makeErrorsPlugin(log, explain)

  return {
    extends: [schemaPreset],
    plugins: [
      ...(config.isProject ? [pgSmartTagsFromFile(join(migrationsFolder, 'tags.json5'))] : []),
      errors.plugin,
    ],
    pgServices: [
      makeCallerService(pool, config.schemas, {
        caller: config.isProject ? identifyByToken : applySettings,
        keepsPrepared: config.preparedStatements,
      }),
    ],
    gather: {
      // Writes nothing into the database: `plinth db watch` announces its changes instead.
      installWatchFixtures: false,
      // The project's functions take no nulls unless an argument has a default. Others' may.
      pgStrictFunctions: config.isProject,
    },
    grafast: {
      async context({ node, ws }) {
        const authorization = ws?.normalizedConnectionParams?.authorization
        return {
          pgSettings:
            node?.req.callerSettings ??
            (await identify(typeof authorization === 'string' ? authorization : undefined)),
        }
      },
    },
    grafserv: {
      graphiql: isDevelopment,
      watch: isDevelopment,
      websockets: true,
      maskError: errors.maskError,
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
