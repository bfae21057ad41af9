import { watch } from 'graphile-migrate'
import { loadConfig } from '../../src/config.ts'
import { withConnection } from '../../src/database/connection.ts'
import { connectionsLetGo, migrate, migrateSettings } from '../../src/database/migrations.ts'
import { startThrowaway } from '../../src/database/throwaway.ts'
import { codeOf } from '../../src/fault.ts'
import { makeLog } from '../../src/log.ts'
import { clusterRoles, publishCluster, urlAs } from './cluster.ts'

declare global {
  var stopTestCluster: (() => Promise<void>) | undefined
}

/**
 * Raises a Postgres for this run alone, or uses the one that TEST_DATABASE_URL names (as a superuser),
 * and migrates the template that every test clones.
 */
export default async function setup(): Promise<void> {
  process.env.GRAPHILE_ENV = 'test'
  const given = process.env.TEST_DATABASE_URL
  const server = given ? { superuserUrl: given, stop: async () => {} } : await startThrowaway()
  const { superuserUrl } = server
  const template = `plinth_template_${process.pid}`

  await withConnection(superuserUrl, async (client) => {
    for (const role of Object.values(clusterRoles)) {
      const rights = role === clusterRoles.owner ? 'createdb createrole' : 'noinherit'
      await client.query(`create role ${role} login ${rights} password '${role}'`).catch((error: unknown) => {
        if (codeOf(error) !== '42710') throw error
      })
    }
    await client.query(`create database ${template} owner ${clusterRoles.owner}`)
  })

  const ownerUrl = urlAs(superuserUrl, clusterRoles.owner, template)
  const authenticatorUrl = urlAs(superuserUrl, clusterRoles.authenticator, template)
  const config = loadConfig({
    env: { DATABASE_URL: ownerUrl, AUTHENTICATOR_DATABASE_URL: authenticatorUrl },
  })
  const log = makeLog({ logLevel: 'warn' }, false)
  await migrate(config, { ownerUrl, authenticatorUrl }, log)
  await watch(migrateSettings(config, { ownerUrl, authenticatorUrl }, log), true)
  await connectionsLetGo()

  publishCluster({ superuserUrl, template })
  globalThis.stopTestCluster = async () => {
    await withConnection(superuserUrl, (client) => client.query(`drop database ${template}`))
    await server.stop()
  }
}
