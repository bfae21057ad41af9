import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import type { QueryResult } from 'pg'
import type { Command } from '../command.ts'
import { withConnection } from '../database/connection.ts'
import { openDatabase } from '../database/database.ts'
import { codeOf, Fault, messageOf } from '../fault.ts'

export const run: Command = {
  name: 'db run',
  summary: 'Runs a file of SQL, or what comes in by standard input (-), as the owner; prints rows as JSON.',
  details: 'All of it is one transaction unless the file says otherwise. For machines without psql.',
  positionals: '<file|->',
  async run(context) {
    const [file] = context.positionals
    if (file === undefined)
      throw new Fault('Which file?', ['npx plinth db run query.sql, or - for standard input'])
    const sql =
      file === '-'
        ? await text(process.stdin)
        : await readFile(file, 'utf8').catch((cause: unknown) => {
            throw new Fault(`Cannot read ${file}: ${messageOf(cause)}`, [], { cause })
          })
    const database = await openDatabase(context.config(), 'db run', context.progress, { mayShare: true })
    try {
      const result = await withConnection(database.ownerUrl, (client) => client.query(sql))
      // pg answers several statements with several results, which its types do not say.
      const results = (Array.isArray(result) ? result : [result]) as QueryResult[]
      for (const { rows } of results) for (const row of rows) context.print(JSON.stringify(row))
      return 0
    } catch (error) {
      throw new Fault(
        `${codeOf(error) ?? 'Error'}: ${messageOf(error)}`,
        [placeOf(error, sql)].filter(Boolean),
        {
          cause: error,
        },
      )
    } finally {
      await database.close()
    }
  },
}

function placeOf(error: unknown, sql: string): string {
  const position =
    typeof error === 'object' && error !== null && 'position' in error ? Number(error.position) : NaN
  if (Number.isNaN(position)) return ''
  const before = sql.slice(0, position - 1).split('\n')
  return `at line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`
}

export const url: Command = {
  name: 'db url',
  summary: 'Prints the address of the database, password included, for psql and other programs.',
  async run(context) {
    const database = await openDatabase(context.config(), 'db url', context.progress, { mayShare: true })
    context.print(database.ownerUrl)
    await database.close()
    return 0
  },
}
