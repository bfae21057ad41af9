import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { createServer, type Server as TcpServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { eventually } from '../support/eventually.ts'
import { startOldPostgres } from '../support/oldPostgres.ts'
import { faultOf } from '../support/faultOf.ts'
import { postgresOn, type Server, usePlinth } from '../support/process.ts'

const shared = usePlinth(afterAll)
const plinth = usePlinth(afterEach)

/** Starts a server that cannot start, and returns what it says. */
const failToStart = async (env: Record<string, string>): Promise<string[]> =>
  faultOf(await plinth.run(['start'], { env: { PORT: '0', ...env } }))

/** Runs the quickest command that opens the database, as all do; it cannot. */
const failToOpen = async (env: Record<string, string>): Promise<string[]> =>
  faultOf(await plinth.run(['db', 'url'], { env }))

async function take(port: number): Promise<TcpServer | null> {
  const server = createServer()
  const isFree = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => resolve(true))
  })
  return isFree ? server : null
}

const free = (server: TcpServer | null) =>
  new Promise<void>((resolve) => {
    if (server) server.close(() => resolve())
    else resolve()
  })

/** Two ports in a row, taken; below those that the system itself hands out. */
async function takeTwo(): Promise<{ port: number; servers: (TcpServer | null)[] }> {
  for (let port = 12_000 + Math.floor(Math.random() * 8000); ; port++) {
    const servers = [await take(port), await take(port + 1)]
    if (!servers.includes(null)) return { port, servers }
    await Promise.all(servers.map(free))
  }
}

describe('a port that is taken', () => {
  test('an operator learns by whom, and which one is free', async () => {
    const { port, servers } = await takeTwo()
    const dataDir = plinth.dataDir()

    const fault = await failToStart({ PORT: String(port), DATA_DIR: dataDir })
    const suggested = Number(/--port (\d+)/.exec(fault[1] ?? '')?.[1])
    const atSuggested = await take(suggested)
    await Promise.all([...servers, atSuggested].map(free))

    expect(fault).toEqual([
      `Port ${port} is taken by node (process ${process.pid}).`,
      `  Stop that one, or use another port: --port ${suggested}`,
    ])
    expect(suggested).toBeGreaterThan(port + 1)
    expect(atSuggested).not.toBeNull()
    await eventually(() => expect(postgresOn(dataDir)).toEqual([]))
  })

  test('an address of another machine is called that', async () => {
    const fault = await failToStart({ HOST: '192.0.2.1', MODE: 'production', DATA_DIR: plinth.dataDir() })

    expect(fault).toEqual(['192.0.2.1 is not an address of this machine.', expect.stringContaining('HOST')])
  })
})

describe('a data folder that cannot be used', () => {
  // Permissions do not stop root.
  const unwritable = () => {
    const folder = plinth.folder()
    if (process.getuid?.() === 0) return '/dev/null/data'
    chmodSync(folder, 0o500)
    return folder
  }
  const isFile = () => {
    const file = join(plinth.folder(), 'file')
    writeFileSync(file, '')
    return file
  }

  test.each<[string, () => string]>([
    ['a folder that is not ours', unwritable],
    ['a file', isFile],
    ['a folder below a file', () => join(isFile(), 'data')],
  ])('%s is told by its name', async (_about, make) => {
    const dataDir = make()

    const fault = await failToOpen({ DATA_DIR: dataDir })

    expect(fault).toEqual([
      `The data folder ${dataDir} cannot be written.`,
      '  Set DATA_DIR to a folder that you may write to.',
    ])
  })

  test('a folder with a database in it that is none is told with the place of the log', async () => {
    const dataDir = plinth.dataDir()
    mkdirSync(join(dataDir, 'postgres'), { recursive: true })
    writeFileSync(join(dataDir, 'postgres', 'PG_VERSION'), '18\n')

    const fault = await failToOpen({ DATA_DIR: dataDir })

    expect(fault).toEqual(['The embedded Postgres did not start.', expect.stringContaining(dataDir)])
  })
})

describe('beside a server that runs', () => {
  let dataDir: string
  let server: Server
  let ownerUrl: string
  beforeAll(async () => {
    dataDir = shared.dataDir()
    server = await shared.start(dataDir)
    ownerUrl = (await shared.run(['db', 'url', '--data-dir', dataDir])).stdout.trim()
  })

  /** The address of the owner with something else in it. */
  const altered = (change: (url: URL) => void): string => {
    const url = new URL(ownerUrl)
    change(url)
    return url.toString()
  }

  test('an operator whose database refuses the password learns it at the start, at once', async () => {
    const { host, username } = new URL(ownerUrl)
    const url = altered((wrong) => (wrong.password = 'hush'))

    const fault = await failToStart({ DATABASE_URL: url, AUTHENTICATOR_DATABASE_URL: url })

    expect(fault[0]).toBe(`Postgres at ${host} refuses the password of ${username}.`)
  })

  test('a second start on the same data learns who has it, and leaves it alone', async () => {
    const fault = await failToStart({ DATA_DIR: dataDir })

    expect(fault).toEqual([
      `${dataDir} is in use by "plinth start" (process ${server.pid}).`,
      expect.stringContaining('--data-dir'),
    ])
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200)
  })

  test.each<[string, () => string, (url: URL) => string]>([
    [
      'a wrong password',
      () => altered((url) => (url.password = 'hush')),
      ({ host, username }) => `Postgres at ${host} refuses the password of ${username}.`,
    ],
    [
      'a database that is not there',
      () => altered((url) => (url.pathname = '/elsewhere')),
      ({ host }) => `There is no database named elsewhere at ${host}.`,
    ],
    [
      'a user who is not there',
      () => altered((url) => (url.username = 'nobody')),
      ({ host }) => `Postgres at ${host} refuses the password of nobody.`,
    ],
    [
      'no server at the port',
      () => altered((url) => (url.port = '1')),
      ({ host }) => `No database answers at ${host}: is Postgres running there?`,
    ],
    [
      'no server at any address of the host',
      () => 'postgres://somebody:hush@localhost:1/office',
      ({ host }) => `No database answers at ${host}: is Postgres running there?`,
    ],
  ])('%s is one message, with the address and without its password', async (_about, wrong, message) => {
    const url = new URL(wrong())
    const { password } = url

    const fault = await failToOpen({ DATABASE_URL: url.toString(), AUTHENTICATOR_DATABASE_URL: ownerUrl })

    url.password = ''
    expect(fault).toEqual([message(url), `  Check DATABASE_URL: ${url.toString()}`])
    expect(fault.join('\n')).not.toContain(password)
  })
})

describe('a database that cannot be used', () => {
  const api = { AUTHENTICATOR_DATABASE_URL: 'postgres://api:hush@127.0.0.1:1/office' }

  test('a host that does not exist is called that', async () => {
    const fault = await failToOpen({ ...api, DATABASE_URL: 'postgres://ann:hush@nowhere.invalid/office' })

    // Without a network, nobody can tell.
    expect(fault).toEqual([
      expect.stringMatching(
        /^There is no host named nowhere\.invalid\.$|^The name nowhere\.invalid cannot be looked up/,
      ),
      '  Check DATABASE_URL: postgres://ann@nowhere.invalid/office',
    ])
  })

  test('an address that is none is a fault of the settings, and not repeated', async () => {
    const fault = await failToOpen({ ...api, DATABASE_URL: 'postgres//ann:hush@localhost/office' })

    expect(fault).toEqual([
      'A setting is wrong.',
      '  DATABASE_URL: expected postgres://user:password@host:5432/database.',
    ])
  })

  test('a Postgres that is too old is told with its version and the least that does', async () => {
    const old = await startOldPostgres('14.9 (Debian 14.9-1.pgdg120+1)', 140_009)

    const fault = await failToOpen({ ...api, DATABASE_URL: old.url })
    await old.close()

    expect(fault).toEqual([
      'Postgres 14.9 (Debian 14.9-1.pgdg120+1) is too old: Plinth needs 15 or newer.',
      `  It runs at ${old.url.replace(':secret', '')} (DATABASE_URL).`,
    ])
  })
})
