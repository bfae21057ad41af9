import { execFileSync } from 'node:child_process'
import { readFileSync, readlinkSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { codeOf } from '../fault.ts'

/**
 * The server that a data folder is said to be in use by; its file says process, folder, start time, port,
 * one a line. After a kill nobody removes the file, and the number may be another process's by now.
 */
export function statedServer(data: string): { port: number; isRunning: boolean } | null {
  try {
    const [pid, , , port] = readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')
    return { port: Number(port), isRunning: workingFolder(Number(pid)) === realpathSync(data) }
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null
    throw error
  }
}

/** Where a process is at home, or null when none with this number runs; Postgres lives in its data folder. */
function workingFolder(pid: number): string | null {
  try {
    if (process.platform === 'linux') return readlinkSync(`/proc/${pid}/cwd`)
    const said = execFileSync('lsof', ['-a', '-d', 'cwd', '-Fn', '-p', String(pid)], { encoding: 'utf8' })
    return /^n(.*)$/m.exec(said)?.[1] ?? null
  } catch {
    return null
  }
}
