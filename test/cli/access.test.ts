import { cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from '@jest/globals'
import { usePlinth } from '../support/process.ts'

const plinth = usePlinth(afterEach)
const root = join(import.meta.dirname, '../..')

/** A copy of the project whose oracle has one text replaced, and its program. */
function projectWith(text: string, instead: string): string {
  const folder = plinth.folder()
  for (const part of ['bin', 'src', 'migrations', 'package.json', 'package-lock.json']) {
    cpSync(join(root, part), join(folder, part), { recursive: true })
  }
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  const oracle = join(folder, 'migrations/access/oracle.json5')
  writeFileSync(oracle, readFileSync(oracle, 'utf8').replace(text, instead))
  return join(folder, 'bin/plinth.js')
}

describe('plinth access', () => {
  test('prints who may do what, and ends with 0 as long as that is what is meant', async () => {
    const { code, stdout, stderr } = await plinth.run(['access'])

    expect(stdout).toMatch(/^relation +command +anonymous +person +member /m)
    expect(stdout).toMatch(/^app_public\.doors +select +– +none +organization /m)
    expect({ code, lines: stderr.trim().split('\n') }).toEqual({
      code: 0,
      lines: [expect.stringMatching(/^✓ Access/)],
    })
  })

  test('--check says each difference alone, and ends with 1', async () => {
    const program = projectWith(
      `'app_private.salt_keys': {},`,
      `'app_private.salt_keys': { select: { all: 'device' } },`,
    )

    const { code, stdout, stderr } = await plinth.run(['access', '--check'], { program })

    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr.trim().split('\n').slice(1)).toEqual([
      'app_private.salt_keys, plinth_device, select (is_only): expected the right, got none',
      'app_private.salt_keys, plinth_device, select (key): expected the right, got none',
      'app_private.salt_keys, device, select: expected all, got –',
    ])
  })

  test('an oracle that makes no sense is a fault that names the place, and ends with 1', async () => {
    const program = projectWith(`select: { own: 'people' }`, `select: { own: 'peple' }`)

    const { code, stdout, stderr } = await plinth.run(['access'], { program })

    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/^ {2}app_public\.\w+ › select: there is no actor or group "peple"$/m)
  })
})
