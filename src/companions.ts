import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Companion, demoCompanions } from './database/demo.ts'

/** Programs that run beside the server. */
export type Companions = {
  /** Ends them all; resolves when they are gone, which takes half a second at most. */
  close(): Promise<void>
}

const root = join(import.meta.dirname, '..')
const patienceMs = 500
const mostRestarts = 3

/** Starts the programs of the demo beside a server at `url`; their files are kept under `dataDir`. */
export async function startDemoCompanions(
  { ownerUrl, dataDir, url }: { ownerUrl: string; dataDir: string; url: string },
  say: (line: string) => void,
): Promise<Companions> {
  const folder = join(dataDir, 'companions')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  return startCompanions(await demoCompanions(ownerUrl, { url, folder, files: readdirSync(folder) }), say)
}

/**
 * Starts programs, each a process of Node's with a channel to this one, by whose end it notices ours. What they say
 * is said under their names. One that fails, which is to end with 1 or by a signal, is started again, three times at
 * most; by any other exit code it says itself that this is of no use.
 */
export function startCompanions(
  companions: readonly Companion[],
  say: (line: string) => void,
  restartAfterMs = 1000,
): Companions {
  const closing = new AbortController()
  const width = Math.max(...companions.map(({ name }) => name.length))
  const running = companions.map(({ name, command }) =>
    keep(command, {
      say: (line) => {
        if (!closing.signal.aborted) say(`  ${name.padEnd(width)}  ${line}`)
      },
      signal: closing.signal,
      restartAfterMs,
    }),
  )
  return {
    async close() {
      closing.abort()
      await Promise.all(running)
    },
  }
}

type Keeping = { say: (line: string) => void; signal: AbortSignal; restartAfterMs: number }

async function keep(command: readonly string[], { say, signal, restartAfterMs }: Keeping): Promise<void> {
  for (let restarts = 0; !signal.aborted; restarts++) {
    const code = await run(command, signal, say)
    if (code !== null && code !== 1) return
    if (restarts === mostRestarts) return say('It keeps failing, and is not started again.')
    await sleep(restartAfterMs, undefined, { signal }).catch(() => {})
  }
}

/** Resolves with the exit code, or null when a signal has ended it. */
async function run(
  [program = '', ...args]: readonly string[],
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<number | null> {
  // Nothing of our environment, with its passwords, is theirs.
  const child = fork(resolve(root, program), args, { cwd: root, env: {}, execArgv: [], silent: true })
  for (const output of [child.stdout, child.stderr]) {
    if (output) createInterface(output).on('line', say)
  }
  let timer: NodeJS.Timeout | undefined
  const stop = () => {
    child.kill('SIGTERM')
    timer = setTimeout(() => child.kill('SIGKILL'), patienceMs)
  }
  signal.addEventListener('abort', stop)
  try {
    const [code] = (await once(child, 'close')) as [number | null]
    return code
  } catch (error) {
    say(String(error))
    return null
  } finally {
    signal.removeEventListener('abort', stop)
    clearTimeout(timer)
  }
}
