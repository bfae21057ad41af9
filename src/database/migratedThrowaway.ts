import { watch } from 'graphile-migrate'
import { type Config, loadConfig } from '../config.ts'
import { makeLog } from '../log.ts'
import { withConnection, withDatabase } from './connection.ts'
import { connectionsLetGo, migrate, migrateSettings } from './migrations.ts'
import { startThrowaway } from './throwaway.ts'

/** A database that the migrations made, the current one included, and the settings by which it is reached. */
export type MigratedThrowaway = {
  config: Config
  ownerUrl: string
  authenticatorUrl: string
  superuserUrl: string
}

/** Makes one of default names in a Postgres of its own, which is gone when `run` is done. */
export async function withMigratedThrowaway<T>(run: (made: MigratedThrowaway) => Promise<T>): Promise<T> {
  const server = await startThrowaway()
  try {
    const made = await makeDatabase(server.superuserUrl)
    const log = makeLog({ logLevel: 'silent' }, false)
    await migrate(made.config, made, log)
    await watch(migrateSettings(made.config, made, log), true)
    return await run(made)
  } finally {
    await connectionsLetGo()
    await server.stop()
  }
}

async function makeDatabase(serverUrl: string): Promise<MigratedThrowaway> {
  await withConnection(serverUrl, async (client) => {
    await client.query(`create role plinth_owner login createdb createrole password 'owner'`)
    await client.query('create database plinth owner plinth_owner')
  })
  const superuserUrl = withDatabase(serverUrl, 'plinth')
  const url = (user: string, password: string) => {
    const made = new URL(superuserUrl)
    made.username = user
    made.password = password
    return made.toString()
  }
  const ownerUrl = url('plinth_owner', 'owner')
  const authenticatorUrl = url('plinth_authenticator', 'authenticator')
  const env = {
    DATABASE_URL: ownerUrl,
    AUTHENTICATOR_DATABASE_URL: authenticatorUrl,
    MODE: 'production',
  }
  return { config: loadConfig({ env }), ownerUrl, authenticatorUrl, superuserUrl }
}
