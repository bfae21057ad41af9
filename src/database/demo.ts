import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault, messageOf } from '../fault.ts'
import { withConnection } from './connection.ts'
import { migrationsFolder } from './migrations.ts'

/** What a newcomer needs to try the demo: who to be, a token to be it with, and an operation to begin with. */
export type Demo = { signIn: string; token: string; example: string }

/** A program that belongs to the demo: what to call it, and its command line for Node. */
export type Companion = { name: string; command: string[] }

const demoFile = (name: string) => join(migrationsFolder, 'demo', name)

/** Runs the project's seed, which fills an empty database only; true when it has done so. */
export async function seedDemo(ownerUrl: string): Promise<boolean> {
  const file = demoFile('seed.sql')
  if (!existsSync(file)) return false
  const seed = await readFile(file, 'utf8')
  return withConnection(ownerUrl, async (client) => {
    await client.query('begin')
    await client.query(seed).catch((cause: unknown) => {
      throw new Fault(
        `${file} does not fit the database: ${messageOf(cause)}`,
        [
          'It has the committed migrations. What stands in migrations/current comes with npx plinth db watch.',
        ],
        { cause },
      )
    })
    // A transaction is given an id when it first writes.
    const { rows } = await client.query<{ wrote: boolean }>(
      'select pg_current_xact_id_if_assigned() is not null as wrote',
    )
    await client.query('commit')
    return rows[0]?.wrote === true
  })
}

/** Signs the demo person in, by the project's visit.sql; null where there is no demo, or nobody in it. */
export async function visitDemo(ownerUrl: string): Promise<Demo | null> {
  const [row] = await ask<{ sign_in: string; token: string; example: string }>(ownerUrl, 'visit.sql')
  return row ? { signIn: row.sign_in, token: row.token, example: row.example } : null
}

/**
 * The programs that the demo wants to run beside a server at `url`, by the project's companions.sql. They may keep
 * files in `folder`, where `files` are so far.
 */
export const demoCompanions = (
  ownerUrl: string,
  { url, folder, files }: { url: string; folder: string; files: string[] },
): Promise<Companion[]> => ask<Companion>(ownerUrl, 'companions.sql', [url, folder, files])

/** The rows of one of the demo's statements; none where there is no such file. */
async function ask<Row extends object>(
  ownerUrl: string,
  name: string,
  values: unknown[] = [],
): Promise<Row[]> {
  const file = demoFile(name)
  if (!existsSync(file)) return []
  const statement = await readFile(file, 'utf8')
  const { rows } = await withConnection(ownerUrl, (client) => client.query<Row>(statement, values))
  return rows
}
