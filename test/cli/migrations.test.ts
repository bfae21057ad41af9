import { cpSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { eventually } from '../support/eventually.ts'
import { type Server, usePlinth } from '../support/process.ts'

// A copy of the project, so that what these commands write stays out of the real one.
const root = join(import.meta.dirname, '../..')
const plinth = usePlinth(afterAll)
let copy: string
let dataDir: string
let server: Server
beforeAll(async () => {
  copy = plinth.folder()
  for (const part of [
    'bin',
    'src',
    'plugins',
    'worker',
    'pages',
    'migrations',
    'package.json',
    'package-lock.json',
  ]) {
    cpSync(join(root, part), join(copy, part), { recursive: true })
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
  dataDir = plinth.dataDir()
  server = await plinth.start(dataDir, { program: join(copy, 'bin/plinth.js') })
})

const db = (...args: string[]) =>
  plinth.run(['db', ...args, '--data-dir', dataDir], { program: join(copy, 'bin/plinth.js') })
const current = () => join(copy, 'migrations/current/1-current.sql')
const fixture = (name: string) => join(copy, 'migrations/fixtures/functions/app_public', name)
const committed = () => readdirSync(join(copy, 'migrations/committed')).sort()

const greeting = (word: string) => `
create or replace function app_public.greeting() returns text language sql stable as $$ select '${word}' $$;
grant execute on function app_public.greeting() to :ROLE_ANONYMOUS;
comment on function app_public.greeting() is 'A greeting.';
`

describe('a DBA who watches', () => {
  test('sees the running API follow each save, also of an included function', async () => {
    const watching = plinth.spawn(['db', 'watch', '--data-dir', dataDir], {
      program: join(copy, 'bin/plinth.js'),
    })
    await watching.says(/Watching/)

    writeFileSync(fixture('greeting.sql'), greeting('hello'))
    writeFileSync(current(), '--!include functions/app_public/greeting.sql\n')
    await eventually(async () => {
      expect((await server.ask('{ greeting }')).data).toEqual({ greeting: 'hello' })
    })
    writeFileSync(fixture('greeting.sql'), greeting('good day'))
    await eventually(async () => {
      expect((await server.ask('{ greeting }')).data).toEqual({ greeting: 'good day' })
    })

    watching.interrupt()
    expect((await watching.ended).code).toBe(0)
  })

  test('learns by exit code and in words that something is not committed', async () => {
    const { code, stdout } = await db('status')

    expect(code).toBe(2)
    expect(stdout).toContain('migrations/current is not empty')
  })

  test('is shown the place of a mistake', async () => {
    const before = readFileSync(current(), 'utf8')
    // The line that names the file counts as the first.
    writeFileSync(current(), 'select 1;\nselect nonsense;\n')

    const { code, stderr, stdout } = await db('watch', '--once')

    writeFileSync(current(), before)
    expect(code).toBe(1)
    expect(stdout + stderr).toMatch(/line 3, column 8/)
    expect(stdout + stderr).toContain('column "nonsense" does not exist')
  })
})

describe('a DBA who commits', () => {
  test('must say what it is', async () => {
    const { code, stderr } = await db('commit')

    expect(code).toBe(1)
    expect(stderr).toContain('A migration needs a message.')
  })

  test('gets a file that holds the included function, and nothing left to commit', async () => {
    const before = committed()

    const { code } = await db('commit', '-m', 'greet people')
    const status = await db('status')

    const [added] = committed().filter((name) => !before.includes(name))
    expect(code).toBe(0)
    expect(added).toMatch(/^\d{6}-greet-people\.sql$/)
    expect(readFileSync(join(copy, 'migrations/committed', added!), 'utf8')).toContain(`select 'good day'`)
    expect([status.code, status.stdout]).toEqual([0, 'up to date\n'])
  })

  test('takes it back again', async () => {
    const before = committed()

    const { code } = await db('uncommit')
    const status = await db('status')

    expect(code).toBe(0)
    expect(committed()).toHaveLength(before.length - 1)
    expect(readFileSync(current(), 'utf8')).toContain('greeting.sql')
    expect(status.code).toBe(2)
  })
})

describe('a DBA who resets', () => {
  test('has to mean it, and must not take the database from under a server', async () => {
    const asked = await db('reset')
    const inUse = await db('reset', '--erase')

    expect([asked.code, inUse.code]).toEqual([1, 1])
    expect(asked.stderr).toContain('--erase')
    expect(inUse.stderr).toContain('Stop the server first')
  })

  test('has an empty, migrated database afterwards', async () => {
    server.interrupt()
    await server.ended

    const { code } = await db('reset', '--erase')
    const { stdout } = await plinth.run(['db', 'run', '-', '--data-dir', dataDir], {
      input: 'select count(*)::int as people from app_public.people',
    })

    expect(code).toBe(0)
    expect(stdout).toBe('{"people":0}\n')
  })
})
