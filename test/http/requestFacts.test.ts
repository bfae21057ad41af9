import type { IncomingMessage } from 'node:http'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { makeAddressOf, requestFacts } from '../../src/http/requestFacts.ts'
import { makeApi, type TestApi, useApi } from '../support/api.ts'
import { openSocket, type RawSocket } from '../support/rawSocket.ts'
import { json, send } from '../support/send.ts'

const query = '{ requestFacts }'
let behindProxy: TestApi
afterAll(() => behindProxy.close()) // before its database is dropped
const { api, database } = useApi(
  { LIMIT_CONNECTIONS_PER_CALLER: '3' }, // one that was closed a moment ago may still count
  `create function app_public.request_facts() returns text language sql stable
     as $$ select current_setting('plinth.request', true) $$;
   create function app_public.keep_facts() returns text language sql volatile
     as $$ select current_setting('plinth.request', true) $$;
   grant execute on function app_public.request_facts(), app_public.keep_facts() to plinth_anonymous;`,
)
beforeAll(async () => {
  behindProxy = await makeApi(database(), { TRUSTED_PROXIES: 'loopback', LIMIT_CONNECTIONS_PER_CALLER: '1' })
})

const sockets: RawSocket[] = []
afterEach(() => {
  for (const { socket } of sockets.splice(0)) socket.terminate()
})

/** What SQL learns of a POST with these headers. */
async function learnt(of: TestApi, headers: Record<string, string>, operation = query): Promise<any> {
  const { body } = await send(
    `${of.url}/graphql`,
    'POST',
    { ...json, ...headers },
    Buffer.from(JSON.stringify({ query: operation })), // as a text it would have Node send headers as UTF-8
  )
  const [value] = Object.values(body.data as Record<string, any>)
  return JSON.parse((typeof value === 'string' ? value : value.result) as string)
}

/** Opens a WebSocket with these headers, and says who it is: nobody. */
async function connect(of: TestApi, headers: Record<string, string> = {}): Promise<RawSocket> {
  const socket = await openSocket(of.url, undefined, headers)
  sockets.push(socket)
  socket.send({ type: 'connection_init' })
  return socket
}

/** What SQL learns of a query over a WebSocket that was opened with these headers. */
async function learntBySocket(of: TestApi, headers: Record<string, string>): Promise<unknown> {
  const socket = await connect(of, headers)
  await socket.message('connection_ack')
  socket.send({ id: 'a', type: 'subscribe', payload: { query } })
  const { payload } = await socket.message('next')
  return JSON.parse(payload.data.requestFacts as string)
}

describe('what SQL learns of a request', () => {
  test('is its id, its address and its client', async () => {
    const headers = { 'X-Request-Id': 'call-1', 'User-Agent': 'Door/1.0 (Linux)' }
    const facts = { id: 'call-1', address: '127.0.0.1', userAgent: 'Door/1.0 (Linux)' }

    expect(await learnt(api(), headers)).toEqual(facts)
    expect(await learnt(api(), headers, 'mutation { keepFacts(input: {}) { result } }')).toEqual(facts)
    const twice = 'mutation { keepFacts(input: {}) { result } again: keepFacts(input: {}) { result } }'
    expect(await learnt(api(), headers, twice)).toEqual(facts)
  })

  test('is the id that the answer names, where the client gave none', async () => {
    const { headers, body } = await send(`${api().url}/graphql`, 'POST', json, JSON.stringify({ query }))

    expect(JSON.parse(body.data.requestFacts as string)).toEqual({
      id: headers['x-request-id'],
      address: '127.0.0.1',
    })
  })

  test('is at most 300 characters of its User-Agent, and nothing that steers a terminal', async () => {
    const { userAgent } = await learnt(api(), { 'User-Agent': `a\tb\u009bc${'x'.repeat(5000)}` })

    expect(userAgent).toBe(`abc${'x'.repeat(297)}`)
  })

  test('is over a WebSocket that of the request which opened it', async () => {
    const facts = await learntBySocket(api(), { 'X-Request-Id': 'socket-1', 'User-Agent': 'Bell/2' })

    expect(facts).toEqual({ id: 'socket-1', address: '127.0.0.1', userAgent: 'Bell/2' })
  })
})

describe('a forged X-Forwarded-For', () => {
  test('changes nothing where no proxy is trusted', async () => {
    const forged = {
      'X-Forwarded-For': '203.0.113.9',
      Forwarded: 'for=203.0.113.9',
      'X-Real-IP': '203.0.113.9',
    }

    expect(await learnt(api(), forged)).toMatchObject({ address: '127.0.0.1' })
    expect(await learntBySocket(api(), forged)).toMatchObject({ address: '127.0.0.1' })
  })

  test('gives a nobody no more WebSockets', async () => {
    const opened = await Promise.all(
      [1, 2, 3, 4].map((part) => connect(api(), { 'X-Forwarded-For': `203.0.113.${part}` })),
    )

    expect((await Promise.race(opened.map(({ closed }) => closed))).code).toBe(4403)
  })

  test('by the client of a trusted proxy stands before what the proxy added, and does not count', async () => {
    const { address } = await learnt(behindProxy, { 'X-Forwarded-For': '198.51.100.1, 203.0.113.9' })

    expect(address).toBe('203.0.113.9')
  })
})

describe('behind a proxy that is trusted', () => {
  test('the address is the one that the proxy names, and WebSockets are counted by it', async () => {
    expect(await learnt(behindProxy, { 'X-Forwarded-For': '203.0.113.9' })).toMatchObject({
      address: '203.0.113.9',
    })
    const [first, other] = [
      await connect(behindProxy, { 'X-Forwarded-For': '203.0.113.1' }),
      await connect(behindProxy, { 'X-Forwarded-For': '203.0.113.2' }),
    ]
    await Promise.all([first.message('connection_ack'), other.message('connection_ack')])
    const again = await connect(behindProxy, { 'X-Forwarded-For': '::ffff:203.0.113.1' })

    expect((await again.closed).code).toBe(4403)
  })

  const from = (peer: string | undefined, forwarded: string, trusted = ['10.0.0.0/8', 'loopback']) =>
    makeAddressOf(trusted)({
      socket: { remoteAddress: peer },
      headers: { 'x-forwarded-for': forwarded },
    } as unknown as IncomingMessage)

  test.each([
    ['10.0.0.1', '203.0.113.9', '203.0.113.9'],
    ['::ffff:10.0.0.1', '::ffff:203.0.113.9', '203.0.113.9'],
    ['10.0.0.1', '::FFFF:cb00:7109', '203.0.113.9'],
    ['10.0.0.1', '2001:DB8:0:0::1', '2001:db8::1'],
    ['::1', '203.0.113.9, 10.0.0.2, 10.0.0.3', '203.0.113.9'],
    ['10.0.0.1', '10.0.0.2', '10.0.0.2'],
    ['10.0.0.1', 'unknown', '10.0.0.1'],
    ['10.0.0.1', '203.0.113.9, not an address', '10.0.0.1'],
    ['203.0.113.7', '198.51.100.1', '203.0.113.7'],
    ['fe80::1%eth0', '', 'fe80::1'],
  ])('from %s, forwarded for %j, the client is %s', (peer, forwarded, client) => {
    expect(from(peer, forwarded)).toBe(client)
  })

  test('nothing is known of a socket that has gone before it was looked at', () => {
    const nowhere = { clientAddress: '', headers: {} } as unknown as IncomingMessage

    expect(from(undefined, '203.0.113.9')).toBe('')
    expect(from(undefined, '203.0.113.9', [])).toBe('')
    expect(JSON.parse(requestFacts(nowhere))).toEqual({})
  })
})
