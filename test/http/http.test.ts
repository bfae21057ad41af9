import { once } from 'node:events'
import { createConnection } from 'node:net'
import { request as httpRequest } from 'node:http'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import WebSocket from 'ws'
import { errorRegistry } from '../../src/errorRegistry.ts'
import { makeApi, type TestApi, useApi } from '../support/api.ts'

let friendly: TestApi
afterAll(() => friendly.close()) // before its database is dropped
const { api, database } = useApi()
beforeAll(async () => {
  friendly = await makeApi(database(), { ALLOWED_ORIGINS: 'https://app.example.com,https://two.example.com' })
})

const operation = JSON.stringify({ query: '{ __typename }' })
const json = { 'Content-Type': 'application/json' }

/** Sends a request that `fetch` would not; resolves with the answer. */
function send(
  url: string,
  method: string,
  headers: Record<string, string>,
  body?: string | Buffer,
): Promise<{ status: number; headers: Record<string, any>; body: any }> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest(url, { method, headers }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString()
        const body: unknown = text === '' ? null : JSON.parse(text)
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body })
      })
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

describe('a request that cannot be understood', () => {
  const cases: [string, number, string, Record<string, string>, (string | Buffer)?][] = [
    ['is a GET', 405, 'GET', {}],
    ['is a PUT', 405, 'PUT', json, operation],
    ['has no Content-Type', 400, 'POST', {}, operation],
    [
      'is a form',
      415,
      'POST',
      { 'Content-Type': 'application/x-www-form-urlencoded' },
      'query=%7B__typename%7D',
    ],
    ['is plain text', 415, 'POST', { 'Content-Type': 'text/plain' }, operation],
    ['is a form of parts', 415, 'POST', { 'Content-Type': 'multipart/form-data; boundary=x' }, operation],
    ['is GraphQL itself', 415, 'POST', { 'Content-Type': 'application/graphql' }, '{ __typename }'],
    ['is in Latin-1', 415, 'POST', { 'Content-Type': 'application/json; charset=iso-8859-1' }, operation],
    ['is compressed', 415, 'POST', { ...json, 'Content-Encoding': 'gzip' }, gzipSync(operation)],
    ['wants XML', 406, 'POST', { ...json, Accept: 'application/xml' }, operation],
    ['is empty', 400, 'POST', json, ''],
    ['is not JSON', 400, 'POST', json, '{"query": "{ __typename }"'],
    ['is not UTF-8', 400, 'POST', json, Buffer.from('{"query": "{ a\xff }"}', 'latin1')],
    ['is a list', 400, 'POST', json, `[${operation},${operation}]`],
    ['is a text', 400, 'POST', json, '"{ __typename }"'],
    ['is null', 400, 'POST', json, 'null'],
    ['is lists in lists', 400, 'POST', json, '['.repeat(50_000) + ']'.repeat(50_000)],
    ['has no operation', 400, 'POST', json, '{"query": 1}'],
    ['has variables that are none', 400, 'POST', json, '{"query": "{ __typename }", "variables": [1]}'],
  ]

  test.each(cases)(
    'because it %s is told so with a code, and nothing is run',
    async (_, status, method, headers, ...rest) => {
      const answer = await send(`${api().url}/graphql`, method, headers, ...(rest as [string?]))

      expect(answer.status).toBe(status)
      expect(answer.headers['content-type']).toMatch(/^application\/json/)
      expect(answer.body).toEqual({
        errors: [
          {
            message: expect.any(String),
            extensions: { code: 'BAD_REQUEST', requestId: answer.headers['x-request-id'] },
          },
        ],
      })
      if (status === 405) expect(answer.headers.allow).toBe('POST')
    },
  )

  test('has no effect by any way that a page has without asking', async () => {
    const mutation = 'mutation { createOrganization(input: { name: "Forged" }) { result { id } } }'
    const query = encodeURIComponent(mutation)
    const form = { 'Content-Type': 'application/x-www-form-urlencoded' }

    const answers = await Promise.all([
      send(`${api().url}/graphql?query=${query}`, 'GET', {}),
      send(`${api().url}/graphql?query=${query}`, 'POST', form),
      send(`${api().url}/graphql`, 'POST', form, `query=${query}`),
      send(
        `${api().url}/graphql`,
        'POST',
        { 'Content-Type': 'text/plain' },
        JSON.stringify({ query: mutation }),
      ),
      send(`${api().url}/graphql`, 'POST', {}, JSON.stringify({ query: mutation })),
    ])

    expect(answers.map(({ status }) => status)).toEqual([405, 415, 415, 415, 400])
  })

  test('reaches nobody else: the next one on the connection is answered', async () => {
    for (const [, , method, headers, ...rest] of cases) {
      await send(
        `${api().url}/graphql`,
        method,
        { ...headers, Connection: 'keep-alive' },
        ...(rest as [string?]),
      )
    }

    expect(await api().ask('{ __typename }')).toEqual({ status: 200, data: { __typename: 'Query' } })
  })
})

describe('every error', () => {
  test.each([
    ['of a document that is not GraphQL', '{', {}],
    ['of one that does not fit the schema', '{ nothing }', {}],
    ['of one with several operations and no name', 'query a { __typename } query b { __typename }', {}],
    ['of variables', 'query ($id: UUID!) { office(id: $id) { id } }', { id: 1 }],
    ['of a denied field', '{ offices { nodes { id } } }', {}],
    ['of a cursor that is none', '{ offices(after: "x") { nodes { id } } }', {}],
  ])('%s has a registered code and the id of its request', async (_, query, variables) => {
    const response = await fetch(`${api().url}/graphql`, {
      method: 'POST',
      headers: { ...json, 'X-Request-Id': 'order-66' },
      body: JSON.stringify({ query, variables }),
    })
    const { errors } = (await response.json()) as { errors: { extensions: Record<string, string> }[] }

    expect(errors.length).toBeGreaterThan(0)
    for (const { extensions } of errors) {
      expect(extensions.requestId).toBe('order-66')
      expect(Object.keys(errorRegistry)).toContain(extensions.code)
      expect(extensions.code).not.toBe('INTERNAL')
    }
  })

  test('is its own request’s, though two ask the same at once', async () => {
    const ask = async (id: string) => {
      const headers = { ...json, 'X-Request-Id': id }
      const body = JSON.stringify({ query: '{ offices { nodes { id } } nothing }' })
      const response = await fetch(`${api().url}/graphql`, { method: 'POST', headers, body })
      const { errors } = (await response.json()) as { errors: { extensions: { requestId: string } }[] }
      return errors.map(({ extensions }) => extensions.requestId)
    }
    const ids = Array.from({ length: 20 }, (_, index) => `r${index}`)

    expect(await Promise.all(ids.map(ask))).toEqual(ids.map((id) => [id]))
  })
})

describe('a page of another website', () => {
  const preflight = (url: string, origin: string) =>
    send(`${url}/graphql`, 'OPTIONS', {
      Origin: origin,
      'Access-Control-Request-Method': 'POST',
      'Access-Control-Request-Headers': 'authorization,content-type',
    })

  test('may not use the API where none is listed', async () => {
    const asked = await preflight(api().url, 'https://app.example.com')
    const sent = await send(
      `${api().url}/graphql`,
      'POST',
      { ...json, Origin: 'https://app.example.com' },
      operation,
    )

    expect(asked.status).toBe(405)
    for (const { headers } of [asked, sent]) {
      expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([])
    }
  })

  test('may use it when it is listed, and read errors too', async () => {
    const origin = 'https://two.example.com'

    const asked = await preflight(friendly.url, origin)
    const answers = [
      await send(`${friendly.url}/graphql`, 'POST', { ...json, Origin: origin }, operation),
      await send(
        `${friendly.url}/graphql`,
        'POST',
        { ...json, Origin: origin, Authorization: 'x' },
        operation,
      ),
    ]

    expect(asked.status).toBe(204)
    expect(asked.headers).toMatchObject({
      'access-control-allow-origin': origin,
      'access-control-allow-methods': 'POST',
      'access-control-allow-headers': expect.stringMatching(/authorization, content-type/i),
      vary: 'Origin',
    })
    expect(answers.map(({ status }) => status)).toEqual([200, 401])
    for (const { headers } of answers) {
      expect(headers).toMatchObject({ 'access-control-allow-origin': origin, vary: 'Origin' })
      expect(headers['access-control-allow-credentials']).toBeUndefined()
    }
  })

  test.each([
    'https://evil.example.com',
    'https://app.example.com.evil.com',
    'http://app.example.com',
    'null',
  ])('may not use it from %s, which is not listed', async (origin) => {
    const asked = await preflight(friendly.url, origin)
    const sent = await send(`${friendly.url}/graphql`, 'POST', { ...json, Origin: origin }, operation)

    for (const { headers } of [asked, sent]) {
      expect(headers['access-control-allow-origin']).toBeUndefined()
      expect(headers.vary).toBe('Origin') // or a cache would give one website the answer to another
    }
  })

  /** The status by which a WebSocket is opened or refused. */
  const connect = (url: string, origin: string | undefined) =>
    new Promise<number | undefined>((resolve, reject) => {
      const headers = { ...(origin !== undefined && { Origin: origin }) }
      const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', {
        headers,
      })
      socket.on('upgrade', ({ statusCode }) => resolve(statusCode))
      socket.on('unexpected-response', (_request, { statusCode }) => resolve(statusCode))
      socket.on('error', reject)
      socket.on('open', () => socket.close())
    })

  test('may open a WebSocket only when it is listed or the API’s own', async () => {
    const own = friendly.url

    expect(await connect(friendly.url, undefined)).toBe(101)
    expect(await connect(friendly.url, own)).toBe(101)
    expect(await connect(friendly.url, 'https://app.example.com')).toBe(101)
    expect(await connect(friendly.url, 'https://evil.example.com')).toBe(403)
    expect(await connect(friendly.url, 'null')).toBe(403)
    expect(await connect(api().url, 'https://app.example.com')).toBe(403)
  })

  test('that are refused cannot harm the server by how they go', async () => {
    const { hostname, port } = new URL(api().url)
    for (let count = 0; count < 20; count++) {
      const socket = createConnection(Number(port), hostname)
      await once(socket, 'connect')
      socket.write(
        `GET /graphql HTTP/1.1\r\nHost: ${hostname}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
          `Origin: https://evil.example.com\r\n\r\n`,
      )
      if (count % 2) await once(socket, 'data')
      socket.resetAndDestroy()
      await once(socket, 'close')
    }

    // An error that nobody listened to would have ended the process, and with it this test.
    expect((await fetch(`${api().url}/livez`)).status).toBe(200)
  })

  test('that are refused and stay are let go', async () => {
    const { hostname, port } = new URL(api().url)
    const socket = createConnection({ port: Number(port), host: hostname, allowHalfOpen: true })
    socket.write(
      `GET /graphql HTTP/1.1\r\nHost: ${hostname}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        `Origin: https://evil.example.com\r\n\r\n`,
    )
    socket.resume()
    await once(socket, 'end')
    // The other side is gone altogether: what is still written to it is answered by a reset.
    const gone = once(socket, 'error')
    const writing = setInterval(() => socket.write('x'), 10)
    await gone
    clearInterval(writing)
    socket.destroy()
  })

  test('may be any when the operator says so', async () => {
    const open = await makeApi(database(), { ALLOWED_ORIGINS: '*' })
    const sent = await send(
      `${open.url}/graphql`,
      'POST',
      { ...json, Origin: 'https://any.example.com' },
      operation,
    )
    const opened = await connect(open.url, 'https://any.example.com')
    await open.close()

    expect(sent.headers['access-control-allow-origin']).toBe('https://any.example.com')
    expect(opened).toBe(101)
  })
})
