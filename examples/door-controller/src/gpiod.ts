import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { basename } from 'node:path'
import type { Readable } from 'node:stream'

/** Whether a text names a GPIO line, like "gpiochip0:17". */
export const isLine = (text: string): boolean => /^\w+:\d+$/.test(text)

/** A program of libgpiod 2 at work on a line. */
export type Gpiod = {
  child: ChildProcessByStdio<null, Readable, Readable>
  /** Resolves when it has ended well; rejects with what it had to say otherwise, or when it cannot be started. */
  ended: Promise<void>
}

export type GpiodOptions = {
  options: readonly string[]
  /** What it is to set the line to. */
  value?: 0 | 1
  /** Aborted to end it. */
  signal?: AbortSignal
}

/** Starts one on a line. */
export function startGpiod(program: string, line: string, { options, value, signal }: GpiodOptions): Gpiod {
  const [chip = '', offset = ''] = line.split(':')
  const lineAndValue = value === undefined ? offset : `${offset}=${value}`
  const child = spawn(program, ['--chip', chip, ...options, lineAndValue], {
    stdio: ['ignore', 'pipe', 'pipe'],
    signal,
  })
  return { child, ended: ending(child) }
}

async function ending(child: Gpiod['child']): Promise<void> {
  let complaint = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text))
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new Error(`${basename(child.spawnfile)} ended with ${code}: ${complaint.trim()}`)
}
