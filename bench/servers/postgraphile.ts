import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import { join } from 'node:path'
import express from 'express'
import pg from 'pg'
import { postgraphile } from 'postgraphile'
import { makePgService } from 'postgraphile/adaptors/pg'
import { grafserv } from 'postgraphile/grafserv/express/v4'
import { pgSmartTagsFromFile } from 'postgraphile/utils'
import { schemaPreset } from '../../plugins/index.ts'
import { migrationsFolder } from '../../src/database/migrations.ts'
import { poolOf, serveOn } from './child.ts'

// Stock PostGraphile on Express: its own service, adaptor and defaults. The schema preset is Plinth's,
// so that the same operations are valid; it decides on names and has no part in answering.
const pool = new pg.Pool(poolOf('AUTHENTICATOR_URL'))

/** The caller's settings, looked up once per request by a query of its own. */
async function settingsOf(authorization: string | undefined): Promise<Record<string, string>> {
  const token = authorization?.replace(/^Bearer /, '')
  const { rows } = await pool.query<{ setting: string; value: string }>({
    name: 'identify',
    text: 'select setting, value from app_private.identify($1)',
    values: [token ? createHash('sha256').update(token).digest() : null],
  })
  return Object.fromEntries(rows.map(({ setting, value }) => [setting, value]))
}

const instance = postgraphile({
  extends: [schemaPreset],
  plugins: [pgSmartTagsFromFile(join(migrationsFolder, 'tags.json5'))],
  pgServices: [makePgService({ pool, schemas: ['app_public'] })],
  gather: { installWatchFixtures: false, pgStrictFunctions: true },
  grafast: {
    context: async ({ expressv4 }) => ({
      pgSettings: await settingsOf(expressv4?.req.headers.authorization),
    }),
  },
  grafserv: { graphiql: false, watch: false },
})
await instance.getSchema()

const app = express()
app.disable('x-powered-by')
const server = createServer(app)
await instance.createServ(grafserv).addTo(app, server)
serveOn(server)
