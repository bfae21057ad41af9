import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { findPlace } from '../../src/database/binaries.ts'
import { eventually } from '../support/eventually.ts'
import { killAll, postgresOn, type Running, type Server, until, usePlinth } from '../support/process.ts'

const shared = usePlinth(afterAll)
const plinth = usePlinth(afterEach)

/** Signs Ada of the demo in, which writes a session, and returns its token. */
async function signIn(server: Server): Promise<string> {
  const { data } = await server.ask(
    `mutation {
      signIn(input: { email: "ada@example.com", password: "open sesame" }) { result { token } }
    }`,
  )
  return data!.signIn.result.token as string
}

/** Whether a session is still there. */
async function knows(server: Server, token: string): Promise<boolean> {
  const { data } = await server.ask('{ currentPerson { name } }', { token })
  return data?.currentPerson?.name === 'Ada Winter'
}

/** Kills the process of Node alone; what it has started goes on. */
async function killAlone(server: Running): Promise<void> {
  server.signal('SIGKILL')
  await server.ended
}

const homeOf = (dataDir: string) => findPlace(dataDir).home

/** What a running Postgres says of itself: its process in the first line, its state in the last. */
function postmasterFile(dataDir: string): string {
  const file = join(homeOf(dataDir), 'postgres/postmaster.pid')
  return existsSync(file) ? readFileSync(file, 'utf8') : ''
}

describe('a server with data that is killed', () => {
  let dataDir: string
  let first: Server
  let token: string
  beforeAll(async () => {
    dataDir = shared.dataDir()
    first = await shared.start(dataDir)
    token = await signIn(first)
  })

  test('leaves a Postgres behind, which the next start takes over and stops in the end', async () => {
    await killAlone(first)
    const orphan = postmasterFile(dataDir)

    const server = await plinth.start(dataDir)
    const isSame = postmasterFile(dataDir) === orphan
    const isThere = await knows(server, token)
    server.signal('SIGTERM')
    const { code } = await server.ended

    expect(orphan).not.toBe('')
    expect({ isSame, isThere, code }).toEqual({ isSame: true, isThere: true, code: 0 })
    await eventually(() => expect(postgresOn(dataDir)).toEqual([]))
  })

  test('with its Postgres, as by a power cut, has kept everything at the next start', async () => {
    const killed = await plinth.start(dataDir)
    await killAll(killed, dataDir)
    const leftFile = postmasterFile(dataDir)

    const server = await plinth.start(dataDir)

    expect(leftFile).not.toBe('')
    expect(await knows(server, token)).toBe(true)
  })

  test('while it is stopping, starts again', async () => {
    const killed = await plinth.start(dataDir)
    killed.signal('SIGTERM')
    await until(() => postmasterFile(dataDir).includes('stopping') || killed.hasEnded())
    await killAlone(killed)

    const server = await plinth.start(dataDir)

    expect(await knows(server, token)).toBe(true)
  })

  test('starts again when its numbers belong to other processes by now, and harms none of them', async () => {
    const killed = await plinth.start(dataDir)
    const file = postmasterFile(dataDir)
    await killAll(killed, dataDir)
    const stranger = spawn('sleep', ['600'], findPlace(dataDir).user ?? {}) // as whom Postgres runs
    const lock = join(dataDir, 'lock.json')
    const pid = String(stranger.pid)
    writeFileSync(join(homeOf(dataDir), 'postgres/postmaster.pid'), file.replace(/^\d+/, pid))
    writeFileSync(lock, readFileSync(lock, 'utf8').replace(/"pid":\d+/, `"pid":${pid}`))

    const server = await plinth.start(dataDir)
    const isThere = await knows(server, token)
    const isAlive = stranger.exitCode === null && stranger.signalCode === null
    stranger.kill('SIGKILL')

    expect({ isThere, isAlive }).toEqual({ isThere: true, isAlive: true })
  })
})

// One folder for all: each attempt finds what the one before has left, and gets further.
describe('a first start that is cut short', () => {
  let dataDir: string
  beforeAll(() => {
    dataDir = shared.dataDir()
  })

  const drafts = () => {
    const names = existsSync(homeOf(dataDir)) ? readdirSync(homeOf(dataDir)) : []
    return names.filter((name) => /^postgres\.new/.test(name))
  }
  const hasDraft = (name: string) => existsSync(join(homeOf(dataDir), name, 'global'))

  /** Begins a start and waits until it gets somewhere, which is told by what was there before it. */
  async function startUntil(
    isReached: (before: { drafts: string[]; file: string }, running: Running) => boolean,
  ): Promise<Running> {
    const before = { drafts: drafts(), file: postmasterFile(dataDir) }
    const running = plinth.spawn(['start', '--data-dir', dataDir, '--port=0'])
    // On a machine that is too busy to look in time, it may have come up meanwhile.
    await until(() => isReached(before, running) || running.hasEnded() || /Ctrl-C/.test(running.output()))
    expect(running.hasEnded() ? running.output() : 'under way').toBe('under way')
    return running
  }

  const isInitialising = (before: { drafts: string[] }) =>
    drafts().some((name) => !before.drafts.includes(name) && hasDraft(name))

  test('by Ctrl-C while the database is being made, it ends with exit code 0, and nothing runs on', async () => {
    const running = await startUntil(isInitialising)

    running.interrupt()
    const { code, stderr } = await running.ended

    expect(stderr).not.toMatch(/^\s+at /m)
    expect(code).toBe(0)
    await eventually(() => expect(postgresOn(dataDir)).toEqual([]))
  })

  test('by kill -9 as soon as it has the folder', async () => {
    await killAlone(await startUntil(() => existsSync(join(dataDir, 'lock.json'))))
  })

  test('by kill -9 while the database is being made, which goes on', async () => {
    await killAlone(await startUntil(isInitialising))
  })

  test('by a power cut while the database is being made', async () => {
    await killAll(await startUntil(isInitialising), dataDir)
  })

  test('by kill -9 when the database is made, while Postgres is on its way', async () => {
    await killAlone(await startUntil(() => existsSync(join(homeOf(dataDir), 'postgres'))))
  })

  test('by a power cut when Postgres has started', async () => {
    const running = await startUntil((_before, { output }) => output().includes('Embedded Postgres:'))

    await killAll(running, dataDir)
  })

  test('by kill -9 while Postgres recovers from the power cut', async () => {
    await killAlone(await startUntil(({ file }) => !['', file].includes(postmasterFile(dataDir))))
  })

  test('by kill -9 when the migrations begin', async () => {
    await killAlone(await startUntil((_before, { output }) => output().includes('Embedded Postgres:')))
  })

  test('by kill -9 when the migrations are through', async () => {
    await killAlone(await startUntil((_before, { output }) => output().includes('Migrations:')))
  })

  test('the start behind all of these serves the demo, and has cleared up', async () => {
    const server = await plinth.start(dataDir)

    const { data } = await server.ask('{ currentPerson { name } }', { token: server.token })

    expect(data).toEqual({ currentPerson: { name: 'Ada Winter' } })
    expect(drafts()).toEqual([])
    expect(existsSync(join(homeOf(dataDir), 'log/initial-password'))).toBe(false)
  })
})
