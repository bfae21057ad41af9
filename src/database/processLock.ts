import { execFileSync } from 'node:child_process'
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { codeOf } from '../fault.ts'

/** A running process, told apart from a later one that was given the same number. */
type Holder = { pid: number; startedAt: string; command: string }

/**
 * When a process was started, as an opaque text, or null when there is none with this number.
 * Together with the number it names a process for good.
 */
function processStart(pid: number): string | null {
  try {
    if (process.platform === 'linux') {
      // Field 22, counted behind the name, which is in parentheses and may hold anything.
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
      return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null
    }
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || null
  } catch {
    return null
  }
}

/** The process that holds a lock file, or null when nobody does: no file, or its writer is gone. */
export function lockHolder(file: string): Holder | null {
  try {
    const holder = JSON.parse(readFileSync(file, 'utf8')) as Holder
    return processStart(holder.pid) === holder.startedAt ? holder : null
  } catch {
    return null
  }
}

/**
 * Takes a lock file for this process until `release`; a killed process loses it by itself.
 * Returns the holder when another process has it.
 */
export function takeLock(file: string, command: string): { release(): void } | { holder: Holder } {
  mkdirSync(dirname(file), { recursive: true })
  const mine: Holder = { pid: process.pid, startedAt: processStart(process.pid) ?? '', command }
  // Written aside and linked into place, so that nobody ever reads half of it.
  const draft = `${file}.${process.pid}`
  writeFileSync(draft, JSON.stringify(mine))
  try {
    for (;;) {
      try {
        linkSync(draft, file)
        return { release: () => rmSync(file, { force: true }) }
      } catch (error) {
        if (codeOf(error) !== 'EEXIST') throw error
        const holder = lockHolder(file)
        if (holder) return { holder }
        rmSync(file, { force: true })
      }
    }
  } finally {
    rmSync(draft, { force: true })
  }
}
