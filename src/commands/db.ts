import { chmodSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import * as graphileMigrate from 'graphile-migrate'
import type { Command, CommandContext } from '../command.ts'
import type { Config } from '../config.ts'
import { type Database, openDatabase } from '../database/database.ts'
import {
  connectionsLetGo,
  migrate as migrateDatabase,
  migrateSettings,
  migrationsFolder,
} from '../database/migrations.ts'
import { Fault, messageOf } from '../fault.ts'
import { untilToldToStop } from '../lifecycle.ts'
import { type Log, makeLog } from '../log.ts'

type Opened = { config: Config; database: Database; settings: graphileMigrate.Settings; log: Log }

/** Opens the database for one command, joining a server that runs on it, and closes it afterwards. */
async function withDatabase(
  name: string,
  context: CommandContext,
  run: (opened: Opened) => Promise<number>,
): Promise<number> {
  const config = context.config()
  if (!config.isProject) {
    throw new Fault(
      `plinth ${name} works on this project's migrations; SCHEMAS serves a database without them.`,
    )
  }
  const log = makeLog(config, context.isTerminal)
  const database = await openDatabase(config, name, context.progress, { mayShare: true })
  try {
    return await run({ config, database, settings: migrateSettings(config, database, log), log })
  } catch (error) {
    throw error instanceof Fault ? error : migrationFault(error)
  } finally {
    await connectionsLetGo()
    await database.close()
  }
}

// graphile-migrate keeps the place in the file, drawn with a caret, in a field of its own.
function migrationFault(error: unknown): Fault {
  const drawn =
    typeof error === 'object' && error !== null && '_gmMessageOverride' in error
      ? String(error._gmMessageOverride)
      : null
  return new Fault(drawn ?? messageOf(error), [], { cause: error })
}

export const migrate: Command = {
  name: 'db migrate',
  summary: 'Applies the committed migrations that the database does not have yet.',
  run: (context) =>
    withDatabase('db migrate', context, async ({ config, database, log }) => {
      await context.progress.step('Migrations', () => migrateDatabase(config, database, log))
      return 0
    }),
}

export const watch: Command = {
  name: 'db watch',
  summary: 'Runs the current migration now and on each save; a running API follows.',
  options: { once: { type: 'boolean', about: 'Run it once and end.' } },
  run: (context) =>
    withDatabase('db watch', context, async ({ config, database, settings, log }) => {
      await migrateDatabase(config, database, log)
      const isOnce = context.options.once === true
      const toldToStop = isOnce ? null : untilToldToStop(5000)
      await graphileMigrate.watch(settings, isOnce)
      if (toldToStop) {
        context.progress.line('Watching migrations/current and migrations/fixtures. Ctrl-C ends.')
        await toldToStop
        // Its file watcher cannot be closed and would keep the process from ending.
        setTimeout(() => process.exit(0), 1000)
      }
      return 0
    }),
}

export const commit: Command = {
  name: 'db commit',
  summary: 'Turns the current migration into a committed one, after a rehearsal on a shadow database.',
  options: {
    message: { type: 'string', short: 'm', about: 'What it does, in a few words; part of the file name.' },
  },
  run: (context) =>
    withDatabase('db commit', context, async ({ config, database, settings, log }) => {
      const { message } = context.options
      if (typeof message !== 'string' || message.trim() === '') {
        throw new Fault('A migration needs a message.', ['npx plinth db commit -m "add guest passes"'])
      }
      await migrateDatabase(config, database, log)
      await graphileMigrate.commit(settings, message)
      // Read-only files cannot be replaced by git on some systems; what guards them is their hash.
      const folder = join(migrationsFolder, 'committed')
      for (const file of readdirSync(folder)) chmodSync(join(folder, file), 0o644)
      context.progress.line('Now bring the derived files up to date: npm run generate')
      return 0
    }),
}

export const uncommit: Command = {
  name: 'db uncommit',
  summary: 'Makes the last committed migration the current one again; for one that has not been shared.',
  run: (context) =>
    withDatabase('db uncommit', context, async ({ settings }) => {
      await graphileMigrate.uncommit(settings)
      return 0
    }),
}

export const reset: Command = {
  name: 'db reset',
  summary: 'Drops the database and makes it anew from the committed migrations. All data is lost.',
  options: { erase: { type: 'boolean', about: 'Yes, delete everything.' } },
  run: (context) =>
    withDatabase('db reset', context, async ({ settings }) => {
      if (context.options.erase !== true) {
        throw new Fault('This deletes all data.', ['If that is what you want: npx plinth db reset --erase'])
      }
      await graphileMigrate.reset(settings).catch((error: unknown) => {
        if (!messageOf(error).includes('being accessed by other users')) throw error
        throw new Fault('The database is in use.', ['Stop the server first (Ctrl-C in its terminal).'])
      })
      return 0
    }),
}

export const status: Command = {
  name: 'db status',
  summary: 'Says what is pending. Exit code: 0 nothing, 1 committed migrations, 2 the current one, 3 both.',
  run: (context) =>
    withDatabase('db status', context, async ({ settings }) => {
      const { remainingMigrations = [], hasCurrentMigration } = await graphileMigrate.status(settings)
      for (const name of remainingMigrations) context.print(`pending: ${name}`)
      if (hasCurrentMigration) context.print('pending: migrations/current is not empty')
      if (remainingMigrations.length === 0 && !hasCurrentMigration) context.print('up to date')
      return (remainingMigrations.length > 0 ? 1 : 0) + (hasCurrentMigration ? 2 : 0)
    }),
}
