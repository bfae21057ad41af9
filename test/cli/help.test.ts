import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from '@jest/globals'
import { settingNames } from '../../src/settings.ts'
import { usePlinth } from '../support/process.ts'

const plinth = usePlinth(afterEach)

const commands = [
  'start',
  'serve',
  'work',
  'db migrate',
  'db watch',
  'db commit',
  'db uncommit',
  'db reset',
  'db status',
  'db run',
  'db url',
  'realtime install',
  'realtime uninstall',
  'realtime status',
  'schema',
  'access',
  'documents',
  'mail',
  'doctor',
]

describe('--help', () => {
  test.each([[['--help']], [[]]])('%j lists every command', async (args) => {
    const { code, stdout, stderr } = await plinth.run(args)

    const listed = [...stdout.matchAll(/^ {2}(\w+(?: \w+)?)(?: <[^>]*>)? {2,}\S/gm)].map(([, name]) => name)
    expect(listed).toEqual(commands)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  })

  test('each command says how it is used and what its options are, whatever else is wrong', async () => {
    const env = { PORT: 'wrong' }

    const answers = await Promise.all(
      commands.map((command) => plinth.run([...command.split(' '), '--help'], { env })),
    )

    for (const [index, { code, stdout, stderr }] of answers.entries()) {
      expect(stdout).toMatch(
        new RegExp(`^Usage: npx plinth ${commands[index]}( <[^>]+>)? \\[options\\]\n\n\\w`),
      )
      for (const name of settingNames) {
        expect(stdout).toMatch(new RegExp(`^  --${name.toLowerCase().replaceAll('_', '-')} +\\w`, 'm'))
      }
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    }
    const commit = answers[commands.indexOf('db commit')]
    expect(commit?.stdout).toMatch(/^ {2}-m, --message <text> {2}\w/m)
  })
})

describe('a command line that makes no sense', () => {
  test.each([
    ['strat', 'There is no command "strat". Did you mean "start"?'],
    ['docter', 'There is no command "docter". Did you mean "doctor"?'],
    ['dbmigrate', 'There is no command "dbmigrate". Did you mean "db migrate"?'],
    ['constructor', 'There is no command "constructor".'],
  ])('%s is answered with a suggestion where one is near, and exit code 2', async (command, message) => {
    const { code, stdout, stderr } = await plinth.run([command])

    expect({ code, stdout, stderr }).toEqual({
      code: 2,
      stdout: '',
      stderr: `${message}\nSee npx plinth --help\n`,
    })
  })

  test('an unknown command of db is answered with those that there are, and exit code 2', async () => {
    const { code, stdout } = await plinth.run(['db', 'migrat'])

    expect(stdout).toContain('  db migrate  ')
    expect(stdout).not.toContain('  start  ')
    expect(code).toBe(2)
  })

  test('what a command does not take ends it with exit code 2, before anything is done', async () => {
    const { code, stderr } = await plinth.run(['start', 'now', '--data-dir', plinth.dataDir()])

    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: 'plinth start takes nothing behind it, got "now". See npx plinth start --help\n',
    })
  })

  test('an unknown option is told together with every malformed setting, wherever it was set', async () => {
    const cwd = plinth.folder()
    writeFileSync(join(cwd, '.env'), 'POOL_SIZE=many\nPROT=4000\n')

    const { code, stdout, stderr } = await plinth.run(['start', '--prot', '4000', '--log-level=loud'], {
      cwd,
      env: { DATABSE_URL: 'postgres://ann:hush@localhost/db', SMTP_URL: 'hush' },
    })

    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr.split('\n')).toEqual([
      '',
      '6 settings are wrong.',
      '  --prot: there is no such option. Did you mean --port?',
      '  PROT (in .env): there is no such setting. Did you mean PORT?',
      '  DATABSE_URL: there is no such setting. Did you mean DATABASE_URL?',
      '  SMTP_URL: expected smtp://user:password@host:587.',
      '  --log-level: expected debug, info, warn, error or silent, got "loud".',
      '  POOL_SIZE: expected a number from 2 to 1000, got "many".',
      '',
    ])
  })
})
