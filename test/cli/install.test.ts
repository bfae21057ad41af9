import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, describe, expect, test } from '@jest/globals'
import { makeDatabase } from '../support/database.ts'
import { usePlinth } from '../support/process.ts'

const plinth = usePlinth(afterEach)

// Plain JavaScript without types, because any Node must be able to run it.
const { canRunPlinth } = (await import(join(import.meta.dirname, '../../bin/install.js'))) as {
  canRunPlinth(version: string): boolean
}

describe('the Node that a newcomer has', () => {
  test.each(['22.18.0', '22.19.1', '23.0.0', '24.0.0', '24.21.0', '100.0.0', process.versions.node])(
    '%s runs Plinth',
    (version) => {
      expect(canRunPlinth(version)).toBe(true)
    },
  )

  test.each(['22.17.9', '22.2.0', '22.9.0', '21.9.0', '20.20.2', '18.0.0', '9.0.0', ''])(
    '%s does not',
    (version) => {
      expect(canRunPlinth(version)).toBe(false)
    },
  )

  // Tried with whichever the system has that are too old; the packages bring one that is not.
  const tooOld = ['/usr/bin/node', '/usr/local/bin/node'].filter(
    (node) =>
      existsSync(node) &&
      !canRunPlinth(execFileSync(node, ['-p', 'process.versions.node'], { encoding: 'utf8' })),
  )
  for (const old of tooOld) {
    test('one that is too old hands over to the one that comes with the packages', async () => {
      const args = ['doctor', '--data-dir', plinth.dataDir()]

      const { code, stdout, stderr } = await plinth.run(args, { node: old })
      const wrong = await plinth.run(['strat'], { node: old })

      expect(canRunPlinth(/^✓ Node +(\S+)$/m.exec(stdout)?.[1] ?? '')).toBe(true)
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      expect(wrong.code).toBe(2)
    })

    test('a signal to it reaches the other, which ends in its own time', async () => {
      const { ownerUrl, authenticatorUrl, drop } = await makeDatabase()
      const server = plinth.spawn(['serve'], {
        node: old,
        env: { DATABASE_URL: ownerUrl, AUTHENTICATOR_DATABASE_URL: authenticatorUrl, PORT: '0' },
      })
      await server.says(/Ctrl-C/)

      server.signal('SIGTERM')
      const { code, stderr } = await server.ended
      await drop()

      expect(stderr).toContain('Stopping')
      expect(code).toBe(0)
    })
  }
})

describe('the packages', () => {
  /** A clone of which nothing is installed, and an `npm` that takes its time and notes that it was run. */
  function makeClone(): { program: string; env: { PATH: string }; log: string } {
    const clone = plinth.folder()
    const tools = plinth.folder()
    const log = join(tools, 'log')
    cpSync(join(import.meta.dirname, '../../bin'), join(clone, 'bin'), { recursive: true })
    writeFileSync(join(clone, 'package.json'), '{ "type": "module" }')
    writeFileSync(
      join(clone, 'package-lock.json'),
      JSON.stringify({ packages: { '': {}, 'node_modules/some': { version: '1.0.0' } } }),
    )
    writeFileSync(
      join(tools, 'npm'),
      `#!/bin/sh
echo "begins $*" >> ${log}
sleep 0.3
mkdir -p node_modules
cp package-lock.json node_modules/.package-lock.json
echo ends >> ${log}
`,
      { mode: 0o755 },
    )
    return { program: join(clone, 'bin/install.js'), env: { PATH: `${tools}:/usr/bin:/bin` }, log }
  }

  test('a newcomer who runs several commands at once has them installed once', async () => {
    const { log, ...options } = makeClone()

    const ended = await Promise.all([1, 2, 3].map(() => plinth.run([], options)))
    const later = await plinth.run([], options)

    expect(ended.map(({ code }) => code)).toEqual([0, 0, 0])
    expect(ended.filter(({ stderr }) => stderr.includes('✓ Packages installed'))).toHaveLength(1)
    expect(readFileSync(log, 'utf8')).toMatch(/^begins ci .*\nends\n$/)
    expect(later).toEqual({ code: 0, signal: null, stdout: '', stderr: '' })
  })

  test('a link to packages of another clone is left alone, with what it leads to', async () => {
    const { log, ...options } = makeClone()
    const others = plinth.folder()
    writeFileSync(join(others, 'package'), 'of another clone')
    symlinkSync(others, join(dirname(options.program), '../node_modules'))

    const { code, stderr } = await plinth.run([], options)

    expect(code).toBe(1)
    expect(stderr).toContain('node_modules is a link to packages other than the locked ones.')
    expect(existsSync(log)).toBe(false)
    expect(existsSync(join(others, 'package'))).toBe(true)
  })

  test('a newcomer whose npm fails learns why', async () => {
    const { log, ...options } = makeClone()
    writeFileSync(join(log, '../npm'), '#!/bin/sh\necho "no network" >&2\nexit 3\n')

    const { code, stderr } = await plinth.run([], options)

    expect(stderr).toContain('no network\n\nnpm could not install the packages (exit 3).')
    expect(code).toBe(1)
  })
})
