import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

/** A program of this folder in a process of its own. */
export type Child = {
  pid: number
  /** Sends a message and resolves with the next one that comes back. */
  ask(message: object): Promise<unknown>
  /** Sends a message that wants no answer. */
  tell(message: object | string): void
  /** Resolves with the next message. */
  heard(): Promise<unknown>
  close(): Promise<void>
}

/** Starts a program. It lives no longer than this process, however this one ends. */
export function startChild(file: string, env: Record<string, string> = {}): Child {
  const child: ChildProcess = spawn(process.execPath, [join(import.meta.dirname, file)], {
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      NODE_ENV: 'production',
      GRAPHILE_ENV: 'production',
      ...env,
    },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  let said = ''
  child.stderr?.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4000)))
  const ended = once(child, 'exit')

  const heard = async (): Promise<unknown> => {
    const [first] = (await Promise.race([
      once(child, 'message'),
      ended.then(() => {
        throw new Error(`${file} has ended.\n${said}`)
      }),
    ])) as unknown[]
    return first
  }
  return {
    pid: child.pid ?? 0,
    heard,
    tell: (message) => void child.send(message),
    ask(message) {
      const answer = heard()
      child.send(message)
      return answer
    },
    async close() {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGKILL') // it holds nothing that is worth keeping
      await ended
    },
  }
}
