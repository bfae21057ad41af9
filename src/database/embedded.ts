import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chownSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import pg from 'pg'
import { codeOf, Fault, messageOf } from '../fault.ts'
import { findPlace, type Place } from './binaries.ts'

/** A Postgres of our own. The addresses hold its password. */
export type EmbeddedPostgres = {
  /** As the one superuser, database postgres. */
  superuserUrl: string
  port: number
  /** Ends connections and stops the server; resolves when it has written everything down. */
  stop(): Promise<void>
}

export type EmbeddedOptions = {
  /** Kept between runs: the data, the password, the log. */
  dataDir: string
  /** Gives up durability for speed; for tests. */
  isThrowaway?: boolean
}

// In the form of the command line. The log collector keeps a week and overwrites it, so that a server
// left alone for years does not fill the disk.
const usual = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  logging_collector: 'on',
  log_directory: '../log',
  log_filename: 'postgres-%a.log',
  log_truncate_on_rotation: 'on',
  log_rotation_age: '1d',
}
const throwaway = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', max_connections: '300' }

/**
 * Starts the Postgres that came with the packages, or joins the one that a killed process left running
 * in the same folder. On its first run it makes the data folder.
 */
export async function startEmbedded({
  dataDir,
  isThrowaway = false,
}: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const place = prepare(dataDir)
  const data = join(place.home, 'postgres')
  const password = keepPassword(place.home)
  const isNew = !existsSync(join(data, 'PG_VERSION'))
  if (isNew) await initialise(place, data)

  if (!(await isRunning(place, data))) {
    const options = { ...usual, ...(isThrowaway ? throwaway : {}), port: String(await freePort()) }
    const flags = Object.entries(options).map(([name, value]) => `-c ${name}='${value}'`)
    const log = join(place.home, 'log')
    const start = () =>
      run(place, 'pg_ctl', [
        'start',
        '--wait',
        '--silent',
        `--pgdata=${data}`,
        `--log=${join(log, 'start.log')}`,
        `--options=${flags.join(' ')}`,
      ])
    // Right after a server was killed, its last processes may still hold the memory they shared.
    await start()
      .catch(() => sleep(1000).then(start))
      .catch((cause: unknown) => {
        throw new Fault('The embedded Postgres did not start.', [`Its log is in ${log}.`], { cause })
      })
  }

  // Flushing the new files takes seconds on some disks, and needs not be waited for by a newcomer.
  const flushed =
    isNew && !isThrowaway ? run(place, 'initdb', ['--sync-only', `--pgdata=${data}`]).catch(() => {}) : null

  const { port } = runningServer(data) ?? {}
  if (!port) throw new Fault('The embedded Postgres stopped as soon as it had started.')
  return {
    superuserUrl: `postgres://postgres:${password}@127.0.0.1:${port}/postgres`,
    port,
    async stop() {
      await flushed
      await run(place, 'pg_ctl', [
        'stop',
        '--wait',
        '--silent',
        '--mode=fast',
        '--timeout=8',
        `--pgdata=${data}`,
      ])
    },
  }
}

/** The address of the server that is running on a data folder, as superuser, or null when none is. */
export async function runningEmbedded(
  dataDir: string,
): Promise<{ superuserUrl: string; port: number } | null> {
  if (!existsSync(dataDir)) return null
  const { home } = findPlace(dataDir)
  const server = runningServer(join(home, 'postgres'))
  if (!server) return null
  const superuserUrl = `postgres://postgres:${keepPassword(home)}@127.0.0.1:${server.port}/postgres`
  const client = new pg.Client({ connectionString: superuserUrl, connectionTimeoutMillis: 2000 })
  try {
    await client.connect()
    await client.end()
    return { superuserUrl, port: server.port }
  } catch {
    return null
  }
}

function prepare(dataDir: string): Place {
  try {
    const place = findPlace(dataDir)
    mkdirSync(dataDir, { recursive: true })
    mkdirSync(join(place.home, 'log'), { recursive: true })
    if (place.user) chownSync(join(place.home, 'log'), place.user.uid, place.user.gid)
    return place
  } catch (error) {
    if (error instanceof Fault) throw error
    throw new Fault(`The data folder ${dataDir} cannot be written: ${messageOf(error)}.`, [
      'Set DATA_DIR to a folder that you may write to.',
    ])
  }
}

function keepPassword(home: string): string {
  const file = join(home, 'postgres-password')
  if (!existsSync(file)) writeFileSync(file, randomBytes(24).toString('hex'), { mode: 0o600 })
  return readFileSync(file, 'utf8')
}

// Made aside and renamed into place: a first start that is killed half-way leaves nothing that a
// second one could mistake for a database.
async function initialise(place: Place, data: string): Promise<void> {
  const draft = `${data}.new`
  rmSync(draft, { recursive: true, force: true })
  mkdirSync(draft, { mode: 0o700 })
  const passwordFile = join(place.home, 'log', 'initial-password')
  writeFileSync(passwordFile, keepPassword(place.home), { mode: 0o600 })
  try {
    if (place.user) {
      chownSync(draft, place.user.uid, place.user.gid)
      chownSync(passwordFile, place.user.uid, place.user.gid)
    }
    await run(place, 'initdb', [
      `--pgdata=${draft}`,
      '--username=postgres',
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale-provider=builtin',
      '--locale=C.UTF-8',
      '--no-instructions',
      '--no-sync',
    ])
  } catch (cause) {
    throw new Fault(`The embedded Postgres could not be set up: ${messageOf(cause)}`, [], { cause })
  } finally {
    rmSync(passwordFile, { force: true })
  }
  renameSync(draft, data)
}

async function isRunning(place: Place, data: string): Promise<boolean> {
  try {
    await run(place, 'pg_ctl', ['status', `--pgdata=${data}`])
    return true
  } catch (error) {
    // pg_ctl exits with 3 when there is no server on this folder.
    if (typeof error === 'object' && error !== null && 'code' in error && error.code === 3) return false
    throw error
  }
}

/** The first lines of postmaster.pid: process, folder, start time, port. */
function runningServer(data: string): { pid: number; port: number } | null {
  try {
    const [pid, , , port] = readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')
    return { pid: Number(pid), port: Number(port) }
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null
    throw error
  }
}

function run(place: Place, program: string, args: string[]): Promise<{ stdout: string }> {
  return promisify(execFile)(join(place.bin, program), args, {
    cwd: place.home,
    // Nothing of the caller's environment can change what these programs do.
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' },
    ...(place.user ?? {}),
  })
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.on('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}
