import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { basename } from 'node:path'

/** Who listens on a TCP port, as " by node (process 123)"; empty when it cannot be told. */
export function portOwner(port: number): string {
  try {
    const pid = process.platform === 'linux' ? pidFromProc(port) : pidFromLsof(port)
    if (pid === null) return ''
    const name =
      process.platform === 'linux'
        ? basename(readlinkSync(`/proc/${pid}/exe`)) // not its title, which Node sets to MainThread
        : execFileSync('ps', ['-o', 'comm=', '-p', String(pid)], { encoding: 'utf8' }).trim()
    return ` by ${name || 'process'} (process ${pid})`
  } catch {
    return ''
  }
}

// The kernel lists listening sockets with their inode; the process is the one that has it open. That
// of another user shows only to root.
function pidFromProc(port: number): number | null {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const inodes = ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((file) =>
    readFileSync(file, 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter(([, local, , state]) => local?.endsWith(wanted) && state === '0A')
      .map((fields) => `socket:[${fields[9]}]`),
  )
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const files = readdirSync(`/proc/${pid}/fd`)
      if (files.some((file) => inodes.includes(readLink(`/proc/${pid}/fd/${file}`)))) return Number(pid)
    } catch {
      continue
    }
  }
  return null
}

function readLink(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}

function pidFromLsof(port: number): number | null {
  const found = execFileSync('lsof', ['-nP', '-t', `-iTCP:${port}`, '-sTCP:LISTEN'], { encoding: 'utf8' })
  return Number(found.split('\n')[0]) || null
}
