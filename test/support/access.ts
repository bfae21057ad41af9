import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll } from '@jest/globals'
import pg from 'pg'
import { loadConfig } from '../../src/config.ts'
import { accessFolder, readOracle } from '../../src/database/access/oracle.ts'
import { setStage, type Stage } from '../../src/database/access/stage.ts'
import { placeholdersOf } from '../../src/database/migrations.ts'
import { makeDatabase, type TestDatabase } from './database.ts'

/** A stage for all tests of a file, on which each change is undone again. */
export type ChangingStage = {
  stage(): Stage
  /** Runs something with the database changed by some SQL, and then changed back. */
  after<T>(sql: string, run: () => Promise<T>): Promise<T>
}

/** Sets a stage in a database of the file's own. */
export function useStage(): ChangingStage {
  let database: TestDatabase
  let client: pg.Client
  let stage: Stage
  beforeAll(async () => {
    database = await makeDatabase()
    client = new pg.Client({ connectionString: database.superuserUrl })
    await client.connect()
    const env = { DATABASE_URL: database.ownerUrl, AUTHENTICATOR_DATABASE_URL: database.authenticatorUrl }
    stage = await setStage(client, readOracle(), placeholdersOf(loadConfig({ env }), database))
  })
  afterAll(async () => {
    await client.end()
    await database.drop()
  })
  return {
    stage: () => stage,
    async after(sql, run) {
      await client.query('savepoint change')
      try {
        await client.query(sql)
        return await run()
      } finally {
        await client.query('rollback to savepoint change; release savepoint change')
      }
    },
  }
}

/** The oracle as it would be with a text of its files replaced by another. */
export const oracleWith = (text: string, instead: string) =>
  readOracle((file) => {
    const content = readFileSync(join(accessFolder, file), 'utf8')
    return content.replaceAll(text, () => instead)
  })
