import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import pg from 'pg'
import { Fault, messageOf } from '../fault.ts'
import { findPlace, type Place } from './binaries.ts'
import { statedServer } from './postmaster.ts'

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

  await ensureRunning(place, data, password, isThrowaway)

  // Flushing the new files takes seconds on some disks, and needs not be waited for by a newcomer.
  const flushed =
    isNew && !isThrowaway ? run(place, 'initdb', ['--sync-only', `--pgdata=${data}`]).catch(() => {}) : null

  const { port } = statedServer(data) ?? {}
  if (!port) throw new Fault('The embedded Postgres stopped as soon as it had started.')
  return {
    superuserUrl: superuserUrl(password, port),
    port,
    async stop() {
      await Promise.all([stopServer(place, data), flushed])
    },
  }
}

/**
 * Starts the server of a data folder. One that a killed process left is used when it answers; when it is
 * on its way up or down, it is stopped first.
 */
async function ensureRunning(place: Place, data: string, password: string, isThrowaway: boolean) {
  const log = join(place.home, 'log')
  for (let attempt = 1; ; attempt++) {
    const left = statedServer(data)
    if (left?.isRunning) {
      if (await isAnswering(superuserUrl(password, left.port))) return
      await stopServer(place, data).catch(() => {})
    } else if (left) {
      // Postgres would take whoever has the number now for itself, and refuse to start.
      rmSync(join(data, 'postmaster.pid'), { force: true })
    }

    const options = { ...usual, ...(isThrowaway ? throwaway : {}), port: String(await freePort()) }
    const flags = Object.entries(options).map(([name, value]) => `-c ${name}='${value}'`)
    try {
      await run(place, 'pg_ctl', [
        'start',
        '--wait',
        '--silent',
        `--pgdata=${data}`,
        `--log=${join(log, 'start.log')}`,
        `--options=${flags.join(' ')}`,
      ])
      return
    } catch (cause) {
      // Right after a server was killed, its last processes may still hold the memory they shared.
      if (attempt < 3) await sleep(1000)
      else throw new Fault('The embedded Postgres did not start.', [`Its log is in ${log}.`], { cause })
    }
  }
}

const stopServer = (place: Place, data: string) =>
  run(place, 'pg_ctl', ['stop', '--wait', '--silent', '--mode=fast', '--timeout=8', `--pgdata=${data}`])

const superuserUrl = (password: string, port: number) =>
  `postgres://postgres:${password}@127.0.0.1:${port}/postgres`

async function isAnswering(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2000 })
  client.on('error', () => {}) // it may go away while the client says goodbye
  try {
    await client.connect()
    await client.end()
    return true
  } catch {
    return false
  }
}

/** The address of the server that is running on a data folder, as superuser, or null when none is. */
export async function runningEmbedded(
  dataDir: string,
): Promise<{ superuserUrl: string; port: number } | null> {
  if (!statSync(dataDir, { throwIfNoEntry: false })?.isDirectory()) return null
  const { home } = findPlace(dataDir)
  const server = statedServer(join(home, 'postgres'))
  if (!server?.isRunning) return null
  const url = superuserUrl(keepPassword(home), server.port)
  return (await isAnswering(url)) ? { superuserUrl: url, port: server.port } : null
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
  if (!existsSync(file)) {
    writeFileSync(`${file}.new`, randomBytes(24).toString('hex'), { mode: 0o600 })
    renameSync(`${file}.new`, file) // whole or not at all
  }
  return readFileSync(file, 'utf8')
}

// Made aside and renamed into place: a first start that is killed half-way leaves nothing that a
// second one could mistake for a database. Each has a folder of its own, because the programs that a
// killed one began go on for a while, and clear up behind themselves.
async function initialise(place: Place, data: string): Promise<void> {
  const prefix = `${data}.new-`
  for (const name of readdirSync(place.home).filter((entry) => join(place.home, entry).startsWith(prefix))) {
    rmSync(join(place.home, name), { recursive: true, force: true, maxRetries: 10 })
  }
  const draft = mkdtempSync(prefix)
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
