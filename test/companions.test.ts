import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { type Companions, startCompanions } from '../src/companions.ts'
import { eventually } from './support/eventually.ts'

let folder: string
let companions: Companions | undefined
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plinth-companions-'))
})
afterEach(async () => {
  await companions?.close()
  companions = undefined
  rmSync(folder, { recursive: true })
})

/** Starts programs that say "begun" and go on as told, under the names A, B …; returns what is said. */
function start(...programs: string[]): string[] {
  const said: string[] = []
  const commands = programs.map((program, index) => {
    const name = String.fromCharCode(65 + index)
    const file = join(folder, `${name}.mjs`)
    writeFileSync(file, `console.log('begun')\n${program}`)
    return { name, command: [file, 'one', 'two'] }
  })
  companions = startCompanions(commands, (line) => said.push(line), 1)
  return said
}

describe('a program beside the server', () => {
  test('is given its arguments, and none of our environment', async () => {
    const said = start(
      'console.log(process.argv.slice(2).join(), Object.keys(process.env).filter((name) => name !== "NODE_CHANNEL_FD" && name !== "NODE_CHANNEL_SERIALIZATION_MODE").length)',
    )

    await eventually(() => expect(said).toEqual(['  A  begun', '  A  one,two 0']))
  })

  test('that fails is started again, three times at most', async () => {
    const said = start('process.exitCode = 1')
    const begun = Array.from({ length: 4 }, () => '  A  begun')

    await eventually(() =>
      expect(said).toEqual([...begun, '  A  It keeps failing, and is not started again.']),
    )
  })

  test('that is killed is started again', async () => {
    const said = start('process.kill(process.pid, "SIGKILL")')

    await eventually(() => expect(said.filter((line) => line === '  A  begun').length).toBeGreaterThan(1))
  })

  test.each([0, 2, 3])(
    'that ends with %i is not, while another would have been three times',
    async (code) => {
      const said = start(`process.exitCode = ${code}`, 'process.exitCode = 1')

      await eventually(() => expect(said).toContainEqual(expect.stringMatching(/B {2}It keeps failing/)))

      expect(said.filter((line) => line.startsWith('  A'))).toEqual(['  A  begun'])
    },
  )

  test('that does not want to end is ended within a second', async () => {
    const said = start(`process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); console.log('deaf')`)
    await eventually(() => expect(said).toContain('  A  deaf'))

    const began = performance.now()
    await companions?.close()

    expect(performance.now() - began).toBeLessThan(1000)
  })
})
