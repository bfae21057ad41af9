import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import pg from 'pg'
import { useApi } from '../support/api.ts'
import type { Run } from '../support/database.ts'
import { makePass, type TestPass } from '../support/guests.ts'
import { makeStudio, type Studio } from '../support/people.ts'
import { Browser, formOf, textOf } from '../support/pageReader.ts'

let client: pg.Client
let studio: Studio
afterAll(() => client.end()) // before its database is dropped
const { api, database } = useApi({ SERVER_URL: 'https://office.example.com' })
beforeAll(async () => {
  client = new pg.Client({ connectionString: database().ownerUrl })
  await client.connect()
})
const owner: Run = async (sql, values) => (await client.query<Record<string, unknown>>(sql, values)).rows

let browser: Browser
let pass: TestPass
beforeEach(async () => {
  await owner('delete from app_private.attempts')
  await owner('delete from app_public.organizations')
  await owner('delete from app_public.people')
  studio = await makeStudio(owner)
  pass = await makePass(owner, studio, { uses: 3 })
  browser = new Browser(`${api().url}/pass/${pass.token}`)
})

const commands = () => owner('select id, state from app_public.unlock_commands where pass_id = $1', [pass.id])
const decisions = () =>
  owner('select is_allowed, reason, person_id from app_public.door_decisions where pass_id = $1', [pass.id])

describe('looking', () => {
  test.each(['GET', 'HEAD'])('with %s changes nothing, however often', async (method) => {
    const before = await owner('select * from app_public.guest_passes where id = $1', [pass.id])

    for (let times = 0; times < 3; times++) await browser.look(method)

    expect(await owner('select * from app_public.guest_passes where id = $1', [pass.id])).toEqual(before)
    expect(await decisions()).toEqual([])
    expect(await owner('select from app_private.attempts')).toEqual([])
  })

  test('a HEAD has the headers of the page, and no body', async () => {
    const { status, headers, html } = await browser.look('HEAD')

    expect(status).toBe(200)
    expect(Number(headers.get('content-length'))).toBeGreaterThan(1000)
    expect(html).toBe('')
  })

  test.each(['PUT', 'DELETE', 'PATCH', 'OPTIONS'])('there is no %s', async (method) => {
    const { status, headers } = await browser.look(method)

    expect([status, headers.get('allow')]).toEqual([405, 'GET, HEAD, POST'])
  })

  test('it is kept by nobody, told to nobody, and runs nothing', async () => {
    const { headers, html } = await browser.look()

    expect(headers.get('cache-control')).toBe('no-store')
    expect(headers.get('referrer-policy')).toBe('no-referrer')
    expect(headers.get('x-robots-tag')).toContain('noindex')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('set-cookie')).toBeNull()
    const policy = headers.get('content-security-policy')!
    expect(policy).toMatch(/^default-src 'none'; style-src 'sha256-[\w+/=]+';/)
    expect(policy).toContain(`frame-ancestors 'none'`)
    expect(policy).not.toMatch(/unsafe|script|http|\*/)
    expect(html).not.toMatch(/<script|\son\w+=|\sstyle=|\ssrc=|url\(|@import|https?:/i)
    expect(html).not.toContain(pass.token)
  })

  test('what people are called is words, whatever it looks like', async () => {
    const hostile = `<img src=x onerror=alert(1)>"'&amp;{{title}}`
    pass = await makePass(owner, studio, { guest_name: hostile })
    await owner('update app_public.doors set name = $1', [hostile])
    await owner('update app_public.people set name = $1', [hostile])
    browser = new Browser(`${api().url}/pass/${pass.token}`)

    const { html } = await browser.look()

    expect(html).not.toMatch(/<img|onerror=alert/)
    expect(textOf(html)).toContain(`Hello ${hostile}`)
    expect(textOf(html)).toContain(`Open ${hostile}`)
    expect(formOf(html).buttons).toEqual([studio.doorId])
  })
})

describe('a link that is none', () => {
  const pageAt = async (path: string, method = 'GET') => new Browser(`${api().url}/pass${path}`).look(method)

  test.each([
    ['that was mistyped', () => `/${'x'.repeat(43)}`],
    ['that is cut short', () => `/${pass.token.slice(0, -1)}`],
    ['with more behind it', () => `/${pass.token}/more`],
    ['with other signs in it', () => `/${pass.token}.`],
    ['of a thousand signs', () => `/${'x'.repeat(1000)}`],
    ['without a secret', () => ''],
    ['that is the hash of one', () => `/${'ab'.repeat(32)}`],
  ])('%s leads to one and the same page', async (_, path) => {
    const { status, html, headers } = await pageAt(path())

    expect([status, html]).toEqual([404, (await pageAt('/x')).html])
    expect(textOf(html)).toContain('This link does not work')
    expect(headers.get('cache-control')).toBe('no-store')
  })

  test('that was replaced by a newer one does not work any more', async () => {
    await owner('delete from app_private.guest_pass_tokens where pass_id = $1', [pass.id])

    expect((await browser.look()).status).toBe(404)
    expect((await browser.send(`seen=&door=${studio.doorId}`)).status).toBe(404)
    expect(await commands()).toEqual([])
  })

  test('is counted; too many are refused, and keep nobody out who has a right one', async () => {
    await owner(`update app_private.attempt_limits set most = 3 where action = 'pass_link'`)

    const statuses: number[] = []
    for (let times = 0; times < 4; times++) statuses.push((await pageAt(`/wrong${times}`)).status)
    const refused = await pageAt('/wrong')
    const own = await browser.look()
    const press = await browser.press(own.html, studio.doorId)

    await owner(`update app_private.attempt_limits set most = 100 where action = 'pass_link'`)
    expect(statuses).toEqual([404, 404, 404, 429])
    expect(textOf(refused.html)).toContain('Try again in a quarter of an hour')
    expect([own.status, press.status]).toEqual([200, 303])
    expect(await commands()).toHaveLength(1)
  })

  test('that cannot even be read is refused', async () => {
    expect((await pageAt('/%E0%A4%A')).status).toBe(400)
  })
})
