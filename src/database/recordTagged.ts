import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import JSON5 from 'json5'
import type { ClientBase } from 'pg'
import { z } from 'zod'
import { installTable, recordedTables, uninstallTable } from './realtimeInstall.ts'

const tagsPath = join(import.meta.dirname, '../../migrations/tags.json5')

const tagsFile = z.object({
  config: z.object({
    class: z.record(z.string(), z.object({ tags: z.record(z.string(), z.unknown()).optional() })).optional(),
  }),
})

/**
 * Has the tables recorded that the project tags `realtime`, in migrations/tags.json5 or in their comment,
 * and no others; a table that is not there yet is passed over.
 */
export async function recordTagged(client: ClientBase): Promise<void> {
  const { config } = tagsFile.parse(JSON5.parse(readFileSync(tagsPath, 'utf8')))
  const inFile = Object.entries(config.class ?? {})
    .filter(([, { tags }]) => tags?.realtime !== undefined && tags.realtime !== false)
    .map(([name]) => name)
  const { rows } = await client.query<{ name: string }>(
    `select format('%I.%I', relnamespace::regnamespace, relname) as name
     from pg_class
     where relkind in ('r', 'p') and not relispartition
       and (
         oid = any (array(select to_regclass(tagged) from unnest($1::text[]) as tagged))
         or obj_description(oid, 'pg_class') ~ '(^|\\n)@realtime\\s*(\\n|$)'
       )`,
    [inFile],
  )
  const tagged = rows.map(({ name }) => name)
  for (const table of tagged) await installTable(client, table)
  for (const table of await recordedTables(client)) {
    if (!tagged.includes(table)) await uninstallTable(client, table)
  }
}
