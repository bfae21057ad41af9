import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, test } from '@jest/globals'
import { makeApp } from '../../src/http/app.ts'
import type { Log } from '../../src/log.ts'
import { makeApi, useApi } from '../support/api.ts'
import { makeDatabase } from '../support/database.ts'

const { api, database } = useApi()

describe('probes', () => {
  test('an orchestrator learns that the process lives and can serve', async () => {
    const [live, ready] = await Promise.all([fetch(`${api().url}/livez`), fetch(`${api().url}/readyz`)])

    expect([live.status, await live.text()]).toEqual([200, 'ok\n'])
    expect([ready.status, await ready.text()]).toEqual([200, 'ok\n'])
  })

  test('a process whose database is gone lives but cannot serve', async () => {
    const lost = await makeDatabase()
    const served = await makeApi(lost)
    await lost.drop().catch(() => {}) // it says that connections were open, which is the point here

    const [live, ready] = await Promise.all([fetch(`${served.url}/livez`), fetch(`${served.url}/readyz`)])
    const asked = await served.ask('{ currentPerson { name } }')
    await served.close()

    expect(live.status).toBe(200)
    expect(ready.status).toBe(503)
    expect(asked.errors?.[0]?.extensions?.code).toBe('UNAVAILABLE')
    expect(JSON.stringify(asked)).not.toContain(lost.name)
  })
})

describe('requests', () => {
  test('every answer names its request; an id that came along is kept', async () => {
    const own = await fetch(`${api().url}/livez`)
    const given = await fetch(`${api().url}/livez`, { headers: { 'X-Request-Id': 'order-66' } })
    const unsafe = await fetch(`${api().url}/livez`, { headers: { 'X-Request-Id': 'a b<script>' } })

    expect(own.headers.get('x-request-id')).toMatch(/^[\da-f-]{36}$/)
    expect(given.headers.get('x-request-id')).toBe('order-66')
    expect(unsafe.headers.get('x-request-id')).toMatch(/^[\da-f-]{36}$/)
  })

  test('the log names the path, but nothing in it that is as long as a secret, however it is written', async () => {
    const lines: object[] = []
    const log = { isLevelEnabled: () => true, info: (line: object) => lines.push(line) } as unknown as Log
    const { app, finish } = makeApp(log, async () => null)
    finish()
    const server = createServer(app).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const secret = 'n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg'
    const escaped = secret.replace(/./g, (sign) => `%${sign.charCodeAt(0).toString(16)}`)

    for (const path of [
      `/pass/${secret}`,
      `/pass/${secret}.`,
      `/PASS/${escaped}/more`,
      `/pass%2F${secret}?${secret}`,
    ]) {
      await fetch(`http://127.0.0.1:${port}${path}`)
    }
    server.close()

    expect(lines.map((line) => (line as { path: string }).path)).toEqual([
      '/pass/…',
      '/pass/…',
      '/PASS/…/more',
      '/…',
    ])
    expect(JSON.stringify(lines)).not.toContain(secret.slice(0, 20))
  })

  test('what is nowhere is a 404 in JSON', async () => {
    const response = await fetch(`${api().url}/nowhere`)

    expect(response.status).toBe(404)
    expect(await response.json()).toEqual({
      errors: [
        {
          message: 'Nothing is at GET /nowhere.',
          extensions: { code: 'NOT_FOUND', requestId: response.headers.get('x-request-id') },
        },
      ],
    })
  })

  test('a browser finds GraphiQL in development and nothing in production', async () => {
    const development = await makeApi(database(), { MODE: 'development' })

    const shown = await fetch(development.url, { headers: { Accept: 'text/html' } })
    const hidden = await fetch(api().url, { headers: { Accept: 'text/html' } })
    await development.close()

    expect(shown.status).toBe(200)
    expect(await shown.text()).toContain('currentPerson')
    expect(hidden.status).toBe(404)
  })
})
