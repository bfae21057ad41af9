import { execFileSync } from 'node:child_process'
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { codeOf } from '../fault.ts'

/** A running process, told apart from a later one that was given the same number. */
type Holder = { pid: number; startedAt: string; command: string }

/**
 * When a process was started, as an opaque text, or null when none with this number runs; one that is
 * dead and waits to be collected by its parent does not. Together with the number it names a process
 * for good.
 */
function processStart(pid: number): string | null {
  const [state, startedAt] = process.platform === 'linux' ? statusFromProc(pid) : statusFromPs(pid)
  return state === 'Z' ? null : startedAt
}

type Status = [state: string, startedAt: string | null]

function statusFromProc(pid: number): Status {
  try {
    // Fields 3 and 22, counted behind the name, which is in parentheses and may hold anything.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return [fields[0] ?? '', fields[19] ?? null]
  } catch {
    return ['', null]
  }
}

function statusFromPs(pid: number): Status {
  try {
    const env = { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' } // whoever asks gets the same text
    const said = execFileSync('ps', ['-o', 'state=,lstart=', '-p', String(pid)], { encoding: 'utf8', env })
    const [state = '', ...startedAt] = said.trim().split(/\s+/)
    return [state.slice(0, 1), startedAt.join(' ') || null]
  } catch {
    return ['', null]
  }
}

/** The process that holds a lock file, or null when nobody does: no file, or its writer is gone. */
export function lockHolder(file: string): Holder | null {
  const holder = readHolder(file)
  return holder === 'dead' ? null : holder
}

function readHolder(file: string): Holder | 'dead' | null {
  try {
    const holder = JSON.parse(readFileSync(file, 'utf8')) as Holder
    return processStart(holder.pid) === holder.startedAt ? holder : 'dead'
  } catch (error) {
    return codeOf(error) === 'ENOENT' ? null : 'dead'
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
      }
      const holder = lockHolder(file)
      if (holder) return { holder }
      // Of several that find it dead, one at a time looks again and removes it. Otherwise the slower
      // one might remove the lock that the quicker one has taken meanwhile.
      const turn = takeLock(`${file}.turn`, command)
      if ('holder' in turn) return turn
      if (readHolder(file) === 'dead') rmSync(file, { force: true })
      turn.release()
    }
  } finally {
    rmSync(draft, { force: true })
  }
}
