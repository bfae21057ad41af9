import { once } from 'node:events'
import { createConnection } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import WebSocket from 'ws'
import { makeApi, type TestApi, useApi } from '../support/api.ts'
import { json, operation, send } from '../support/send.ts'

let friendly: TestApi
afterAll(() => friendly.close()) // before its database is dropped
const { api, database } = useApi()
beforeAll(async () => {
  friendly = await makeApi(database(), { ALLOWED_ORIGINS: 'https://app.example.com,https://two.example.com' })
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
