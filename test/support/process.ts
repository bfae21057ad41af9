import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { type afterEach, jest } from '@jest/globals'
import { findPlace } from '../../src/database/binaries.ts'
import { type Answer, ask } from './ask.ts'

/** How a process ended, and all that it had said. */
export type Ended = {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

/** A running process, the first of a process group of its own. */
export type Running = {
  pid: number
  /** What it has said so far, on both streams. */
  output(): string
  /** Resolves when it has said something; rejects when it ends without. */
  says(pattern: RegExp): Promise<RegExpExecArray>
  /** Sends a signal to this process alone. */
  signal(name: NodeJS.Signals): void
  /** Ctrl-C, as a terminal sends it: to the process and those of its children that did not leave its group. */
  interrupt(): void
  hasEnded(): boolean
  ended: Promise<Ended>
}

/** A `plinth start` that has come up. */
export type Server = Running & {
  url: string
  /** The token of the demo person. */
  token: string
  ask(query: string, options?: { variables?: Record<string, unknown>; token?: string }): Promise<Answer>
}

export type RunOptions = {
  /** Settings, beside PATH and HOME. */
  env?: Record<string, string>
  /** What comes in by standard input, at once or as it is written. */
  input?: string | Readable
  /** Working folder, where .env is looked for; otherwise an empty one. */
  cwd?: string
  /** Whether `start` runs the programs of the demo too, which takes processor time of its own. */
  hasCompanions?: boolean
  /** The Node to run it with, and the program. */
  node?: string
  program?: string
}

/** What the tests of a file run `plinth` with. */
export type Plinth = {
  /** Begins a command. */
  spawn(args: readonly string[], options?: RunOptions): Running
  /** Runs a command to its end. */
  run(args: readonly string[], options?: RunOptions): Promise<Ended>
  /** Starts a server on a data folder, on any free port, and waits until it serves. */
  start(dataDir: string, options?: RunOptions): Promise<Server>
  /** An empty folder, removed at the end with whatever runs in it. */
  folder(): string
  /** Path of a data folder that is not there yet; one that root's Postgres can enter. */
  dataDir(): string
}

const root = join(import.meta.dirname, '../..')
const path = '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin'

/**
 * Runs `plinth` as processes of their own. What was begun and what was made is gone behind each test, or
 * behind those of the file, as `end` says: `usePlinth(afterEach)`, `usePlinth(afterAll)`.
 */
export function usePlinth(end: typeof afterEach): Plinth {
  jest.setTimeout(60_000) // a start takes a second or three, and more on a machine that is busy
  const begun: Running[] = []
  const folders: string[] = []

  end(async () => {
    const homes = folders.flatMap((folder) => [folder, findPlace(join(folder, 'data')).home])
    const alive = new Set(begun.filter((running) => !running.hasEnded()).map(({ pid }) => pid))
    await killTree(({ pid, command }) => alive.has(pid) || homes.some((home) => command.includes(home)))
    for (const home of homes) rmSync(home, { recursive: true, force: true, maxRetries: 10 })
    begun.length = 0
    folders.length = 0
  })

  const plinth: Plinth = {
    spawn(args, { env = {}, input = '', cwd = plinth.folder(), node, program } = {}) {
      const child = spawn(node ?? process.execPath, [program ?? join(root, 'bin/plinth.js'), ...args], {
        cwd,
        env: { PATH: path, HOME: homedir(), ...env },
        detached: true,
      })
      child.stdin.on('error', () => {}) // it may end without reading
      if (typeof input === 'string') child.stdin.end(input)
      else input.pipe(child.stdin)
      const running = follow(child)
      begun.push(running)
      return running
    },
    run: (args, options) => plinth.spawn(args, options).ended,
    async start(dataDir, options) {
      const alone = options?.hasCompanions ? [] : ['--alone']
      const running = plinth.spawn(['start', '--data-dir', dataDir, '--port', '0', ...alone], options)
      await running.says(/Ctrl-C stops everything/)
      const url = /http:\/\/localhost:\d+(?=\/graphql\n)/.exec(running.output())?.[0] ?? ''
      const token = /Bearer (\w+)/.exec(running.output())?.[1] ?? ''
      return { ...running, url, token, ask: (query, asked) => ask(url, query, asked) }
    },
    folder() {
      const folder = mkdtempSync(join(tmpdir(), 'plinth-cli-'))
      chmodSync(folder, 0o755)
      folders.push(folder)
      return folder
    },
    dataDir: () => join(plinth.folder(), 'data'),
  }
  return plinth
}

function follow(child: ChildProcess): Running {
  const said = { stdout: '', stderr: '', all: '' }
  const listeners = new Set<() => void>()
  const changed = () => {
    for (const listener of listeners) listener()
  }
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream]?.setEncoding('utf8').on('data', (text: string) => {
      said[stream] += text
      said.all += text
      changed()
    })
  }
  let end: Ended | undefined
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => {
      end = { code, signal, stdout: said.stdout, stderr: said.stderr }
      resolve(end)
      changed()
    })
  })

  const pid = child.pid ?? 0
  return {
    pid,
    output: () => said.all,
    says: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const match = pattern.exec(said.all)
          if (match) resolve(match)
          else if (end) reject(new Error(`It ended without saying ${String(pattern)}:\n${said.all}`))
          if (match || end) listeners.delete(look)
        }
        listeners.add(look)
        look()
      }),
    signal: (name) => void child.kill(name),
    interrupt: () => void process.kill(-pid, 'SIGINT'),
    hasEnded: () => child.exitCode !== null || child.signalCode !== null,
    ended,
  }
}

type SystemProcess = { pid: number; parent: number; command: string }

/** The processes of the embedded Postgres on a data folder, those that make it included. */
export function postgresOn(dataDir: string): SystemProcess[] {
  const { home } = findPlace(dataDir)
  return treeOf(({ command }) => command.includes(home) && !command.includes('plinth.js'))
}

/** The processes of the demo's programs on a data folder. */
export const companionsOn = (dataDir: string): SystemProcess[] =>
  treeOf(({ command }) => command.includes(join(dataDir, 'companions')))

/** Kills a server with everything it has started, Postgres included, as a power cut would. */
export async function killAll(server: Running, dataDir: string): Promise<void> {
  const { home } = findPlace(dataDir)
  await killTree(({ pid, command }) => pid === server.pid || command.includes(home))
  await server.ended
}

/** Kills the processes that are meant with all their descendants, and waits until they are gone. */
async function killTree(isMeant: (candidate: SystemProcess) => boolean): Promise<void> {
  await until(() => {
    const tree = treeOf(isMeant)
    for (const { pid } of tree) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        continue // gone by itself
      }
    }
    return tree.length === 0
  })
}

function treeOf(isMeant: (candidate: SystemProcess) => boolean): SystemProcess[] {
  const all = systemProcesses()
  const tree = all.filter((candidate) => candidate.pid !== process.pid && isMeant(candidate))
  for (const { pid } of tree) {
    tree.push(...all.filter((candidate) => candidate.parent === pid && !tree.includes(candidate)))
  }
  return tree
}

/** The processes of this machine, without the dead ones that nobody has buried yet. */
function systemProcesses(): SystemProcess[] {
  if (process.platform !== 'linux') {
    return execFileSync('ps', ['-axo', 'pid=,ppid=,stat=,command='], { encoding: 'utf8' })
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter(([, , state]) => state !== undefined && !state.startsWith('Z'))
      .map(([pid, parent, , ...command]) => ({
        pid: Number(pid),
        parent: Number(parent),
        command: command.join(' '),
      }))
  }
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
        const [state = '', parent = ''] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
        return state === 'Z' ? [] : [{ pid: Number(pid), parent: Number(parent), command }]
      } catch {
        return [] // gone meanwhile
      }
    })
}

/** Waits until something holds; the test's own limit ends the wait. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await sleep(5)
}
