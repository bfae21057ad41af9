import { readdirSync, readFileSync } from 'node:fs'
import { Fault } from '../src/fault.ts'

// Linux counts CPU time in hundredths of a second.
const microsecondsPerTick = 10_000

/** CPU time in µs that a process has used, with all threads it has or had. */
export function cpuOfProcess(pid: number): number {
  const { user, system } = statOf(pid)
  return (user + system) * microsecondsPerTick
}

/**
 * CPU time in µs that a Postgres has used: the postmaster, its children that live, and those that have
 * ended, whose time the kernel has added to the postmaster's.
 */
export function cpuOfCluster(postmasterPid: number): number {
  const { user, system, endedUser, endedSystem } = statOf(postmasterPid)
  const living = childrenOf(postmasterPid).reduce((sum, pid) => {
    try {
      return sum + cpuOfProcess(pid)
    } catch {
      return sum // ended between the two looks
    }
  }, 0)
  return (user + system + endedUser + endedSystem) * microsecondsPerTick + living
}

/** What a process holds in memory, in bytes: now, and at most so far. */
export function memoryOf(pid: number): { now: number; peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const kilobytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1])
  return { now: kilobytes('VmRSS') * 1024, peak: kilobytes('VmHWM') * 1024 }
}

/** Throws a Fault where processes cannot be looked into. */
export function assertCanMeasure(): void {
  if (process.platform !== 'linux')
    throw new Fault('The comparison reads CPU times from /proc: run it on Linux.')
}

function statOf(pid: number) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The second field is the program's name in parentheses and may hold anything; the others are numbers.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [user = 0, system = 0, endedUser = 0, endedSystem = 0] = fields.slice(11, 15).map(Number)
  return { parent: Number(fields[1]), user, system, endedUser, endedSystem }
}

function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((candidate) => {
      try {
        return statOf(candidate).parent === pid
      } catch {
        return false
      }
    })
}
