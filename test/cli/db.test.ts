import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { makeDatabase, type TestDatabase } from '../support/database.ts'
import { eventually } from '../support/eventually.ts'
import { postgresOn, usePlinth } from '../support/process.ts'

const plinth = usePlinth(afterEach)

let migrated: TestDatabase
let empty: TestDatabase
beforeAll(async () => {
  migrated = await makeDatabase()
  empty = await makeDatabase('template0')
})
afterAll(async () => {
  await migrated.drop()
  await empty.drop()
})

const settingsOf = ({ ownerUrl, authenticatorUrl }: TestDatabase) => ({
  DATABASE_URL: ownerUrl,
  AUTHENTICATOR_DATABASE_URL: authenticatorUrl,
})

describe('db status', () => {
  // What somebody is working on shows in the exit code: 2 more.
  const currentCode = (stdout: string) => (stdout.includes('migrations/current is not empty') ? 2 : 0)

  test('a DBA whose database is up to date learns so, with exit code 0', async () => {
    const { code, stdout } = await plinth.run(['db', 'status'], { env: settingsOf(migrated) })

    expect(stdout).toMatch(/^up to date\n$|^pending: migrations\/current is not empty\n$/)
    expect(code).toBe(currentCode(stdout))
  })

  test('a DBA whose database is behind learns by what, with exit code 1', async () => {
    const { code, stdout } = await plinth.run(['db', 'status'], { env: settingsOf(empty) })

    expect(stdout).toMatch(/^pending: 000001\S*\.sql\npending: 000002\S*\.sql\n/)
    expect(code).toBe(1 + currentCode(stdout))
  })
})

describe('db run', () => {
  const run = (input: string) => plinth.run(['db', 'run', '-'], { env: settingsOf(migrated), input })

  test('a DBA gets the rows of all statements as JSON, one a line, and nothing else', async () => {
    const { code, stdout } = await run(
      `create temporary table shelf as select number, 'ä' as text from generate_series(1, 2) as number;
       select * from shelf;
       select null as nothing, 12345678901234567890 as long, array[1, 2] as list, '{"a": 1}'::jsonb as object`,
    )

    expect(stdout.trimEnd().split('\n')).toEqual([
      '{"number":1,"text":"ä"}',
      '{"number":2,"text":"ä"}',
      '{"nothing":null,"long":"12345678901234567890","list":[1,2],"object":{"a":1}}',
    ])
    expect(code).toBe(0)
  })

  test('a DBA runs a file', async () => {
    const cwd = plinth.folder()
    writeFileSync(join(cwd, 'query.sql'), 'select current_user as name')

    const { code, stdout } = await plinth.run(['db', 'run', 'query.sql'], { env: settingsOf(migrated), cwd })

    expect({ code, stdout }).toEqual({ code: 0, stdout: '{"name":"plinth_owner"}\n' })
  })

  test('a mistake is told with its code and its place, and undoes what went before', async () => {
    const wrong = await run('create table app_public.shelves ();\n\n  selct 1;\n')
    const after = await run(`select to_regclass('app_public.shelves') as shelves`)

    expect(wrong.stderr.split('\n').slice(-4)).toEqual([
      '',
      '42601: syntax error at or near "selct"',
      '  at line 3, column 3',
      '',
    ])
    expect({ code: wrong.code, stdout: wrong.stdout }).toEqual({ code: 1, stdout: '' })
    expect(after.stdout).toBe('{"shelves":null}\n')
  })

  test('an error that has no place is told without one', async () => {
    const { code, stderr } = await run(`do $$ begin raise exception 'no' using errcode = 'P0001'; end $$`)

    expect(stderr).toMatch(/\nP0001: no\n$/)
    expect(code).toBe(1)
  })

  test.each([
    [['db', 'run'], 'Which file?'],
    [['db', 'run', 'nowhere.sql'], 'Cannot read nowhere.sql: ENOENT'],
  ])('%j is told what it lacks', async (args, message) => {
    const { code, stderr } = await plinth.run(args, { env: settingsOf(migrated) })

    expect(stderr).toContain(message)
    expect(stderr).not.toMatch(/^\s+at /m)
    expect(code).toBe(1)
  })
})

describe('db url', () => {
  test('a program that reads standard output gets the address and nothing else', async () => {
    const { code, stdout } = await plinth.run(['db', 'url'], { env: settingsOf(migrated) })

    expect({ code, stdout }).toEqual({ code: 0, stdout: `${migrated.ownerUrl}\n` })
  })
})

describe('without a server', () => {
  test('a DBA works on the embedded Postgres, which runs as long as the command', async () => {
    const dataDir = plinth.dataDir()
    const args = ['--data-dir', dataDir]

    const written = await plinth.run(['db', 'run', '-', ...args], {
      input: 'create table kept as select 1 as a',
    })
    await eventually(() => expect(postgresOn(dataDir)).toEqual([]))
    const read = await plinth.run(['db', 'run', '-', ...args], { input: 'select * from kept' })

    expect(written.code).toBe(0)
    expect(read).toMatchObject({ code: 0, stdout: '{"a":1}\n' })
    await eventually(() => expect(postgresOn(dataDir)).toEqual([]))
    expect(() => readFileSync(join(dataDir, 'lock.json'))).toThrow('ENOENT')
  })
})
