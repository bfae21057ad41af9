import { cpSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from '@jest/globals'
import { faultOf } from '../support/faultOf.ts'
import { usePlinth } from '../support/process.ts'

const root = join(import.meta.dirname, '../..')
const plinth = usePlinth(afterEach)

describe('a demo that does not fit the database', () => {
  test('a DBA who has changed both learns what is wrong with it, and where it stands', async () => {
    const folder = plinth.folder()
    for (const part of [
      'bin',
      'src',
      'plugins',
      'worker',
      'migrations',
      'package.json',
      'package-lock.json',
    ]) {
      cpSync(join(root, part), join(folder, part), { recursive: true })
    }
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
    const seed = join(folder, 'migrations/demo/seed.sql')
    writeFileSync(seed, 'insert into app_public.people (no_such_column) values (1);')

    const program = join(folder, 'bin/plinth.js')
    const env = { PORT: '0', DATA_DIR: plinth.dataDir() }
    const fault = faultOf(await plinth.run(['start'], { program, env }))

    expect(fault).toEqual([
      `${seed} does not fit the database: column "no_such_column" of relation "people" does not exist`,
      expect.stringContaining('npx plinth db watch'),
    ])
  })
})
