import type { ClientBase } from 'pg'
import type { Command, CommandContext } from '../command.ts'
import { withConnection } from '../database/connection.ts'
import {
  hasLog,
  installLog,
  installTable,
  recordedTables,
  uninstallLog,
  uninstallTable,
} from '../database/realtimeInstall.ts'
import { roleOf } from '../database/roles.ts'
import { codeOf, Fault, messageOf } from '../fault.ts'

/** Runs something as the owner of a database that is served as it is. */
async function asOwner(
  context: CommandContext,
  run: (client: ClientBase, reader: string) => Promise<number>,
): Promise<number> {
  const { isProject, databaseUrl, authenticatorDatabaseUrl } = context.config()
  if (isProject) {
    throw new Fault('In this project a tag has the changes of a table recorded.', [
      `Tag it in migrations/tags.json5: 'app_public.doors': { tags: { realtime: true } }`,
      'For a database that is served as it is, say which schemas: --schemas public',
    ])
  }
  if (databaseUrl === null) throw new Fault('Which database? Set DATABASE_URL to its address, as its owner.')
  try {
    return await withConnection(databaseUrl, (client) =>
      run(client, roleOf(authenticatorDatabaseUrl ?? databaseUrl)),
    )
  } catch (error) {
    const isTheirs = ['42P01', '42501', '55000', '3F000', '42809', '42602', '42601'].includes(
      codeOf(error) ?? '',
    )
    if (isTheirs) throw new Fault(messageOf(error), [], { cause: error })
    throw error
  }
}

function tableIn({ positionals }: CommandContext): string {
  const [table] = positionals
  if (table === undefined) throw new Fault('Which table?', ['npx plinth realtime install public.notes'])
  return table
}

export const install: Command = {
  name: 'realtime install',
  positionals: '<schema.table>',
  summary: 'Begins to record the changes of a table of a database that is served as it is.',
  details:
    'Makes the schema plinth_realtime, with the log, and two triggers on the table; nothing else. A running API\n' +
    'offers the subscription from its next start on. Run it again after a change of the table’s policies.',
  run: (context) =>
    asOwner(context, async (client, reader) => {
      const table = tableIn(context)
      await installLog(client, reader)
      context.print(
        `${table}: ${(await installTable(client, table)) ? 'recorded from now on' : 'recorded already'}`,
      )
      return 0
    }),
}

export const uninstall: Command = {
  name: 'realtime uninstall',
  positionals: '<schema.table>',
  summary: 'Ceases to record a table; with the last one, removes all that was installed.',
  run: (context) =>
    asOwner(context, async (client) => {
      const table = tableIn(context)
      const wasRecorded = (await hasLog(client)) && (await uninstallTable(client, table))
      context.print(`${table}: ${wasRecorded ? 'not recorded any more' : 'was not recorded'}`)
      if ((await hasLog(client)) && (await recordedTables(client)).length === 0) {
        await uninstallLog(client)
        context.print('nothing is recorded any more: plinth_realtime is removed')
      }
      return 0
    }),
}

export const status: Command = {
  name: 'realtime status',
  summary: 'Lists the tables whose changes are recorded.',
  run: (context) =>
    asOwner(context, async (client) => {
      for (const table of await recordedTables(client)) context.print(table)
      return 0
    }),
}
