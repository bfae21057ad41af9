import { connect, type Socket } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import pg from 'pg'
import { eventually } from '../support/eventually.ts'
import { postgresOn, type Server, until, usePlinth } from '../support/process.ts'

const shared = usePlinth(afterAll)
const plinth = usePlinth(afterEach)

const signIn = `mutation ($email: String!, $password: String!) {
  signIn(input: { email: $email, password: $password }) { result { token } }
}`

/** Does what the printed curl does, for machines without it. */
async function askAsPrinted(output: string): Promise<unknown> {
  const [, url = ''] = /curl (\S+)/.exec(output) ?? []
  const headers = [...output.matchAll(/-H '([^:']+): ([^']+)'/g)].map(([, name = '', value = '']) => [
    name,
    value,
  ])
  const [, body = ''] = /-d '([^']+)'/.exec(output) ?? []
  const response = await fetch(url, {
    method: 'POST',
    headers: Object.fromEntries(headers) as Record<string, string>,
    body,
  })
  return response.json()
}

/** The steps that a start has shown as done. */
const stepsOf = (server: Server) =>
  [...server.output().matchAll(/^✓ (.*) \(\d+\.\d s\)$/gm)].map(([, step]) => step)

const ada = { email: 'ada@example.com', password: 'open sesame' }

let dataDir: string
let token: string
beforeAll(() => {
  dataDir = shared.dataDir()
})

describe('the first start', () => {
  let server: Server
  beforeAll(async () => {
    server = await shared.start(dataDir, { hasCompanions: true })
  })

  test('a newcomer sees each step and how long it took', () => {
    const steps = stepsOf(server)

    expect(steps).toEqual([
      expect.stringMatching(/^Embedded Postgres: \d+\.\d+ on port \d+$/),
      'Migrations: applied',
      'Demo: seeded',
      'Worker',
      'API',
    ])
  })

  test('a newcomer sees where everything is', async () => {
    const output = server.output()

    const { status } = await fetch(`${server.url}/readyz`)

    expect(output).toContain(`  GraphiQL  ${server.url}/\n  API       ${server.url}/graphql\n`)
    expect(output).toMatch(new RegExp(`^  Mailbox   ${dataDir}/mailbox$`, 'm'))
    expect(output).toMatch(new RegExp(`^  Data      ${dataDir} `, 'm'))
    expect(status).toBe(200)
  })

  test('a newcomer signs in with what is shown', async () => {
    const [, email, shown] = /^ {2}Sign in {3}(\S+) \/ (.+)$/m.exec(server.output()) ?? []

    const { data } = await server.ask(signIn, { variables: { email, password: shown } })

    expect(data?.signIn.result.token).toMatch(/^\w{64}$/)
  })

  test('a newcomer who copies the example opens a door, and sees it open', async () => {
    await server.says(/^ {2}Front door {2}Connected to /m)

    const answer = await askAsPrinted(server.output())
    await server.says(/^ {2}Front door {2}Opened for 5 s /m)

    expect(answer).toMatchObject({ data: { unlockDoor: { result: { isAllowed: true } } } })
  })

  test('on SIGTERM it ends with exit code 0, and its Postgres with it', async () => {
    const { data } = await server.ask(signIn, { variables: ada })
    token = data!.signIn.result.token as string
    const before = postgresOn(dataDir)

    server.signal('SIGTERM')
    const { code, stderr } = await server.ended

    expect(before).not.toEqual([])
    expect(stderr).toMatch(/\nStopping\n$/)
    expect(code).toBe(0)
    await eventually(() => expect(postgresOn(dataDir)).toEqual([]))
  })
})

// Each starts a server of its own on the data that the first start has left.
describe('a later start', () => {
  test('it repeats nothing of the first, and finds what was written', async () => {
    const server = await plinth.start(dataDir)

    const { data } = await server.ask('{ currentPerson { name } }', { token })
    const visitor = await server.ask('{ currentPerson { name } }', { token: server.token })

    expect(stepsOf(server)).toEqual([
      expect.stringMatching(/^Embedded Postgres: /),
      'Migrations: up to date',
      'Worker',
      'API',
    ])
    expect(data).toEqual({ currentPerson: { name: 'Ada Winter' } })
    expect(visitor.data).toEqual(data)
  })

  test('an operator who asks for production gets neither GraphiQL nor a sign-in, and a log of JSON', async () => {
    const args = ['--port=0', '--mode=production', '--log-level=debug']
    const server = plinth.spawn(['start', '--data-dir', dataDir, ...args])
    await server.says(/Ctrl-C/)
    server.signal('SIGTERM')

    const { stdout, stderr } = await server.ended
    const log = stdout.trimEnd().split('\n')

    expect(stderr).not.toMatch(/GraphiQL|Sign in|Bearer/)
    expect(log.map((line) => JSON.parse(line) as unknown)).toContainEqual(
      expect.objectContaining({ level: 'debug', msg: 'database ended' }),
    )
  })
})

describe('stopping', () => {
  test('a mutation under way at SIGTERM is answered, while nothing new is let in', async () => {
    const server = await plinth.start(dataDir)
    const { stdout } = await plinth.run(['db', 'url', '--data-dir', dataDir])
    const owner = new pg.Client({ connectionString: stdout.trim() })
    await owner.connect()
    const { token } = server
    const { data } = await server.ask('{ currentPerson { id } }', { token })
    const { id } = data?.currentPerson as { id: string }
    await owner.query('begin')
    await owner.query('select from app_public.people where id = $1 for update', [id])
    const mutation = server.ask(
      `mutation ($id: UUID!) {
        updatePerson(input: { id: $id, patch: { name: "Ada Summer" } }) { person { name } }
      }`,
      { variables: { id }, token },
    )
    await until(async () => {
      const { rows } = await owner.query('select from pg_locks where not granted')
      return rows.length > 0
    })

    server.signal('SIGTERM')
    await until(() => readiness(server.url).then((ready) => ready !== '200'))
    const readyWhileStopping = await readiness(server.url)
    const hasEnded = server.hasEnded()
    await owner.query('rollback')
    await owner.end()

    expect(hasEnded).toBe(false)
    expect(['503', 'refused']).toContain(readyWhileStopping)
    expect(await mutation).toEqual({
      status: 200,
      data: { updatePerson: { person: { name: 'Ada Summer' } } },
    })
    expect((await server.ended).code).toBe(0)
  })

  test('on Ctrl-C it ends at once, also when a browser has GraphiQL open', async () => {
    const server = await plinth.start(dataDir)
    const opened = await connection(server)
    const keptAlive = await connection(server)
    keptAlive.write('GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n')
    await new Promise((resolve) => keptAlive.once('data', resolve))
    const stop = new AbortController()
    const events = await fetch(`${server.url}/graphql/stream`, {
      headers: { Accept: 'text/event-stream' },
      signal: stop.signal,
    })

    const began = performance.now()
    server.interrupt()
    const { code } = await server.ended
    const tookMs = performance.now() - began
    stop.abort()
    for (const socket of [opened, keptAlive]) socket.destroy()

    expect(events.headers.get('content-type')).toMatch(/^text\/event-stream/)
    expect(code).toBe(0)
    expect(tookMs).toBeLessThan(4900) // what is under way may take five seconds
    await eventually(() => expect(postgresOn(dataDir)).toEqual([]))
  })

  test('clients that never end do not keep it from ending in good time', async () => {
    const server = await plinth.start(dataDir)
    const halfAsked = await connection(server)
    halfAsked.write('POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Len')
    const webSocket = new WebSocket(`${server.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws')
    await new Promise((resolve) => (webSocket.onopen = resolve))
    webSocket.send(JSON.stringify({ type: 'connection_init', payload: {} }))
    await new Promise((resolve) => (webSocket.onmessage = resolve))

    const began = performance.now()
    server.signal('SIGTERM')
    const { code } = await server.ended
    const tookMs = performance.now() - began
    halfAsked.destroy()

    expect(code).toBe(0)
    expect(tookMs).toBeLessThan(10_000)
    await eventually(() => expect(postgresOn(dataDir)).toEqual([]))
  })
})

/** A connection on which nothing has been asked yet. */
async function connection(server: Server): Promise<Socket> {
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
  socket.on('error', () => {}) // it is cut in the end
  await new Promise((resolve) => socket.once('connect', resolve))
  return socket
}

/** What /readyz says to somebody who has not been here before: its status, or "refused". */
const readiness = (url: string): Promise<string> =>
  fetch(`${url}/readyz`, { headers: { Connection: 'close' } }).then(
    ({ status }) => String(status),
    () => 'refused',
  )
