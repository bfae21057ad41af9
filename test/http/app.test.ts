import { describe, expect, test } from '@jest/globals'
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

  test('what is nowhere is a 404 in JSON', async () => {
    const response = await fetch(`${api().url}/nowhere`)

    expect(response.status).toBe(404)
    expect(await response.json()).toEqual({
      errors: [{ message: 'Nothing is at GET /nowhere.', extensions: { code: 'NOT_FOUND' } }],
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
