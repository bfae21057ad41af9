import { cpSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from '@jest/globals'
import { faultOf } from '../support/faultOf.ts'
import { usePlinth } from '../support/process.ts'

const root = join(import.meta.dirname, '../..')
const plinth = usePlinth(afterEach)

describe('a demo that does not fit the database', () => {
  /** A copy of this project, with one of the demo's files written anew. */
  function projectWith(name: string, text: string): { program: string; file: string } {
    const folder = plinth.folder()
    const parts = ['bin', 'src', 'plugins', 'worker', 'migrations', 'package.json', 'package-lock.json']
    for (const part of parts) cpSync(join(root, part), join(folder, part), { recursive: true })
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
    const file = join(folder, 'migrations/demo', name)
    writeFileSync(file, text)
    return { program: join(folder, 'bin/plinth.js'), file }
  }

  test('a DBA who has changed both learns what is wrong with it, and where it stands', async () => {
    const wrong = 'insert into app_public.people (no_such_column) values (1);'
    const { program, file } = projectWith('seed.sql', wrong)

    const env = { PORT: '0', DATA_DIR: plinth.dataDir() }
    const fault = faultOf(await plinth.run(['start'], { program, env }))

    expect(fault).toEqual([
      `${file} does not fit the database: column "no_such_column" of relation "people" does not exist`,
      expect.stringContaining('npx plinth db watch'),
    ])
  })

  test('a DBA is served nevertheless when only what runs beside the server does not fit', async () => {
    const { program } = projectWith(
      'companions.sql',
      'select no_such_column from app_public.people where $1 = $2',
    )
    const server = await plinth.start(plinth.dataDir(), { program, hasCompanions: true })

    await server.says(/the programs of the demo were not started/)
    const { data } = await server.ask('{ currentPerson { name } }', { token: server.token })

    expect(data).toEqual({ currentPerson: { name: 'Ada Winter' } })
  })
})
