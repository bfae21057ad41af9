import { existsSync, readFileSync } from 'node:fs'
import { parseArgs, parseEnv } from 'node:util'
import type { Command, CommandContext } from './command.ts'
import { loadConfig } from './config.ts'
import { Fault } from './fault.ts'
import { makeProgress, type Progress } from './progress.ts'
import { flagOf, settingNames, settings } from './settings.ts'
import { suggestion } from './unknownSettings.ts'

// Imported only when used, so that `--help` and quick commands do not load the whole server.
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  start: async () => (await import('./commands/start.ts')).start,
  serve: async () => (await import('./commands/serve.ts')).serve,
  work: async () => (await import('./commands/work.ts')).work,
  'db migrate': async () => (await import('./commands/db.ts')).migrate,
  'db watch': async () => (await import('./commands/db.ts')).watch,
  'db commit': async () => (await import('./commands/db.ts')).commit,
  'db uncommit': async () => (await import('./commands/db.ts')).uncommit,
  'db reset': async () => (await import('./commands/db.ts')).reset,
  'db status': async () => (await import('./commands/db.ts')).status,
  'db run': async () => (await import('./commands/dbRun.ts')).run,
  'db url': async () => (await import('./commands/dbRun.ts')).url,
  'realtime install': async () => (await import('./commands/realtime.ts')).install,
  'realtime uninstall': async () => (await import('./commands/realtime.ts')).uninstall,
  'realtime status': async () => (await import('./commands/realtime.ts')).status,
  schema: async () => (await import('./commands/schema.ts')).schema,
  access: async () => (await import('./commands/access.ts')).access,
  documents: async () => (await import('./commands/documents.ts')).documents,
  mail: async () => (await import('./commands/mail.ts')).mail,
  doctor: async () => (await import('./commands/doctor.ts')).doctor,
}

/** Exit code of a command line that makes no sense. */
const usageError = 2

/** Runs the command that was typed and sets the exit code: 0 done, 1 failed, 2 not understood. */
export async function main(args: readonly string[]): Promise<void> {
  const progress = makeProgress(process.stderr)
  const graphileEnv = process.env.GRAPHILE_ENV
  process.env.GRAPHILE_ENV ??= 'production' // read by libraries as they load
  try {
    process.exitCode = await runCommand(args, progress, graphileEnv)
  } catch (error) {
    process.exitCode = 1
    if (!(error instanceof Fault)) throw error
    progress.line(`\n${error.message}`)
    for (const line of error.advice) progress.line(`  ${line}`)
  }
}

async function runCommand(
  args: readonly string[],
  progress: Progress,
  graphileEnv: string | undefined,
): Promise<number> {
  const words = args.filter((arg) => !arg.startsWith('-'))
  const name = [words.slice(0, 2).join(' '), words[0] ?? ''].find((candidate) =>
    Object.hasOwn(commands, candidate),
  )
  if (name === undefined) {
    const isGroup = words[0] === 'db' || words[0] === 'realtime'
    if (words[0] === undefined || words[0] === 'help' || isGroup) {
      process.stdout.write(await overview(isGroup ? `${words[0]} ` : ''))
      return args.length === 0 || args.includes('--help') || args.includes('-h') || words[0] === 'help'
        ? 0
        : usageError
    }
    const near = suggestion(words.join(' '), Object.keys(commands))
    progress.line(`There is no command "${words[0]}".${near ? ` Did you mean "${near}"?` : ''}`)
    progress.line('See npx plinth --help')
    return usageError
  }

  const command = await commands[name]!()
  const { values, positionals } = parse(args, command)
  if (values.help === true) {
    process.stdout.write(help(command))
    return 0
  }
  const rest = positionals.slice(name.split(' ').length)
  const known = new Set([...settingNames.map(flagOf), ...Object.keys(command.options ?? {}), 'help'])
  const hasUnknownFlag = Object.keys(values).some((key) => !known.has(key))
  // What stands behind an unknown flag is taken for its value; the flag itself is reported below.
  if (rest.length > 0 && !command.positionals && !hasUnknownFlag) {
    progress.line(`plinth ${name} takes nothing behind it, got "${rest[0]}". See npx plinth ${name} --help`)
    return usageError
  }
  const own = new Set([...Object.keys(command.options ?? {}), 'help'])
  const entries = Object.entries(values)
  const flags = Object.fromEntries(
    entries.filter(([key]) => !own.has(key)).map(([key, value]) => [key, String(value)]),
  )

  const context: CommandContext = {
    config() {
      const config = loadConfig({ file: readEnvFile(), env: process.env, flags })
      process.env.GRAPHILE_ENV = graphileEnv ?? config.mode
      return config
    },
    options: Object.fromEntries(entries.filter(([key]) => own.has(key))),
    positionals: rest,
    progress,
    print: (line) => void process.stdout.write(`${line}\n`),
    isTerminal: process.stdout.isTTY === true,
  }
  return command.run(context)
}

// Not strict: what is unknown is reported by loadConfig, together with everything else that is wrong.
function parse(args: readonly string[], command: Command) {
  const flags = settingNames.map((name) => [flagOf(name), { type: 'string' }] as const)
  const own = Object.entries(command.options ?? {}).map(
    ([name, { type, short }]) => [name, { type, ...(short && { short }) }] as const,
  )
  return parseArgs({
    args: [...args],
    options: {
      ...Object.fromEntries(flags),
      ...Object.fromEntries(own),
      help: { type: 'boolean', short: 'h' },
    },
    strict: false,
    allowPositionals: true,
  })
}

function readEnvFile(): Record<string, string | undefined> {
  return existsSync('.env') ? parseEnv(readFileSync('.env', 'utf8')) : {}
}

async function overview(prefix: string): Promise<string> {
  const all = await Promise.all(Object.values(commands).map((load) => load()))
  const shown = all.filter(({ name }) => name.startsWith(prefix))
  return `Usage: npx plinth <command> [options]\n\n${table(
    shown.map(({ name, positionals, summary }) => [
      `${name}${positionals ? ` ${positionals}` : ''}`,
      summary,
    ]),
  )}\nEach command says more with --help.\n`
}

function help(command: Command): string {
  const own = Object.entries(command.options ?? {}).map(([name, { type, short, about }]) => [
    `${short ? `-${short}, ` : ''}--${name}${type === 'string' ? ' <text>' : ''}`,
    about,
  ])
  const shared = settingNames.map((name) => [`--${flagOf(name)}`, settings[name].about])
  return [
    `Usage: npx plinth ${command.name}${command.positionals ? ` ${command.positionals}` : ''} [options]\n`,
    `${command.summary}\n${command.details ? `\n${command.details}\n` : ''}`,
    ...(own.length > 0 ? [`Options\n${table(own)}`] : []),
    `Settings, here or in the environment or in .env (--port is PORT)\n${table(shared)}`,
  ].join('\n')
}

function table(rows: readonly (readonly string[])[]): string {
  const width = Math.max(...rows.map(([left = '']) => left.length))
  return rows.map(([left = '', right = '']) => `  ${left.padEnd(width)}  ${right}\n`).join('')
}
