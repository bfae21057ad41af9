import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import * as graphileMigrate from 'graphile-migrate'
import { runMigrations } from 'graphile-worker'
import type { Config } from '../config.ts'
import { messageOf } from '../fault.ts'
import type { Log } from '../log.ts'
import { databaseOf, withConnection, withDatabase } from './connection.ts'
import type { Database } from './database.ts'
import { installLog } from './realtimeInstall.ts'
import { recordTagged } from './recordTagged.ts'
import { ensureRoles, roleOf } from './roles.ts'

/** Where the application's SQL lives, relative to the project. */
export const migrationsFolder = join(import.meta.dirname, '../../migrations')

type Target = Pick<Database, 'ownerUrl' | 'authenticatorUrl'>

/** The roles of this deployment, as migrations name them. */
export function rolesOf(config: Config, target: Target) {
  return {
    anonymous: config.anonymousRole ?? 'plinth_anonymous',
    person: config.personRole,
    device: config.deviceRole,
    authenticator: roleOf(target.authenticatorUrl),
  }
}

/** Address of the database on which a commit is rehearsed: the same name with `_shadow`. */
export const shadowUrl = (ownerUrl: string): string =>
  withDatabase(ownerUrl, `${databaseOf(ownerUrl)}_shadow`)

/** What stands for those roles in the application's SQL. */
export function placeholdersOf(config: Config, target: Target) {
  const roles = rolesOf(config, target)
  return {
    ':ROLE_OWNER': roleOf(target.ownerUrl),
    ':ROLE_AUTHENTICATOR': roles.authenticator,
    ':ROLE_ANONYMOUS': roles.anonymous,
    ':ROLE_PERSON': roles.person,
    ':ROLE_DEVICE': roles.device,
  }
}

/** What graphile-migrate is told. Its settings are made here alone: there is no .gmrc to drift from. */
export function migrateSettings(config: Config, target: Target, log: Log): graphileMigrate.Settings {
  return {
    connectionString: target.ownerUrl,
    shadowConnectionString: shadowUrl(target.ownerUrl),
    rootConnectionString: withDatabase(target.ownerUrl, 'postgres'),
    databaseOwner: roleOf(target.ownerUrl),
    migrationsFolder,
    placeholders: placeholdersOf(config, target),
    // A commit and a reset make a database anew; migrations expect the job queue in it.
    afterReset: [
      program('installQueue.ts'),
      program('installRealtime.ts', 'log', roleOf(target.authenticatorUrl)),
    ],
    afterCurrent: [{ ...program('installRealtime.ts', 'tables'), shadow: false }, 'announce.sql'],
    afterAllMigrations: ['announce.sql'],
    blankMigrationContent: '-- Write the next change here: `npx plinth db watch` runs it on each save.\n',
    logger: migrateLogger(log),
  }
}

/** A program of ours as graphile-migrate runs it: GM_DBURL says for which database. */
const program = (file: string, ...args: string[]) => ({
  _: 'command' as const,
  command: [process.execPath, join(import.meta.dirname, file), ...args].map((word) => `"${word}"`).join(' '),
})

function migrateLogger(log: Log): graphileMigrate.Logger {
  const levels = { error: 'error', warning: 'warn', info: 'info', debug: 'debug' } as const
  return new graphileMigrate.Logger(() => (level, message) => {
    log[levels[level]](message.replace(/^graphile-migrate(\[\w+\])?: /, '$1'))
  })
}

/** Makes what migrations rely on and do not make themselves: roles, the job queue, the log of changes. */
export async function prepareForMigrations(config: Config, target: Target): Promise<void> {
  await ensureRoles(target.ownerUrl, target.authenticatorUrl, rolesOf(config, target))
  await runMigrations({ connectionString: target.ownerUrl })
  await withConnection(target.ownerUrl, (client) => installLog(client, roleOf(target.authenticatorUrl)))
}

/** Names of committed migrations that the database does not have yet. */
export async function pendingMigrations(config: Config, target: Target, log: Log): Promise<string[]> {
  const { remainingMigrations = [] } = await graphileMigrate.status(migrateSettings(config, target, log))
  return remainingMigrations
}

/**
 * Brings the database up to the last committed migration. Several processes may do so at once: one
 * migrates, the others wait for it, up to a minute.
 */
export async function migrate(config: Config, target: Target, log: Log): Promise<void> {
  await prepareForMigrations(config, target)
  for (let attempt = 1; ; attempt++) {
    try {
      await graphileMigrate.migrate(migrateSettings(config, target, log))
      return await withConnection(target.ownerUrl, recordTagged)
    } catch (error) {
      if (!messageOf(error).includes('exclusive lock') || attempt === 120) throw error
      await sleep(500)
    }
  }
}

/**
 * Waits until graphile-migrate has let go of its connections. It keeps them for 200 ms, and ends the
 * process when the server goes away under them.
 */
export const connectionsLetGo = (): Promise<void> => sleep(300)
