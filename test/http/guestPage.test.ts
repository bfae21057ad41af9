// Longer than most: what a guest sees and what a press does are one way through the page.
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
const usedCount = async () =>
  (await owner('select used_count from app_public.guest_passes where id = $1', [pass.id]))[0]!.used_count
const asDevice = async (sql: string, values: unknown[]) => {
  await owner(`select set_config('plinth.device_id', $1, false)`, [studio.deviceId])
  return owner(sql, values)
}
const makeDoorElsewhere = async () => {
  const [door] = await owner(
    `with office as (
       insert into app_public.offices (organization_id, name) values ($1, 'Elsewhere') returning *
     )
     insert into app_public.doors (organization_id, office_id, name)
     select organization_id, id, 'Secret' from office returning id`,
    [studio.strangerOrganizationId],
  )
  return door!.id as string
}
const makeDoorBeside = async () => {
  const [door] = await owner(
    `insert into app_public.doors (organization_id, office_id, name) values ($1, $2, 'Rear') returning id`,
    [studio.organizationId, studio.officeId],
  )
  return door!.id as string
}
/** What a controller does with the command of this pass. */
const answerDoor = async (hasOpened: boolean) => {
  const [command] = await owner(
    `select id from app_public.unlock_commands where pass_id = $1 and state = 'pending'`,
    [pass.id],
  )
  await asDevice('select app_public.claim_unlock($1)', [command!.id])
  await asDevice('select app_public.report_unlock($1, $2)', [command!.id, hasOpened])
}

describe('a guest with a link', () => {
  test('sees where and when it lets in, who the host is, and a button for the door', async () => {
    const { status, html } = await browser.look()

    expect(status).toBe(200)
    const text = textOf(html)
    for (const words of ['Studio', 'Hello Gus', 'Open Front', 'Main', 'Marc', '3 of 3', 'UTC time']) {
      expect(text).toContain(words)
    }
    expect(formOf(html).buttons).toEqual([studio.doorId])
  })

  test('presses, is led back to the page, and sees the door open', async () => {
    const { html: before } = await browser.look()

    const { status, location } = await browser.press(before, studio.doorId)

    expect([status, location]).toEqual([303, `/pass/${pass.token}`])
    const { html: during } = await browser.look()
    expect(textOf(during)).toContain('Opening Front…')
    expect(during).toMatch(/<meta http-equiv="refresh" content="1"/)
    await answerDoor(true)
    const { html: after } = await browser.look()
    expect(textOf(after)).toContain('Front is open.')
    expect(textOf(after)).toContain('2 of 3')
    expect(after).toMatch(/<meta http-equiv="refresh" content="5"/)
    await owner(
      `update app_public.unlock_commands set finished_at = finished_at - interval '5 s' where pass_id = $1`,
      [pass.id],
    )
    const { html: later } = await browser.look()
    expect(textOf(later)).toContain('Front was opened and has locked again.')
    expect(later).not.toContain('http-equiv="refresh"')
    expect(formOf(later).buttons).toEqual([studio.doorId])
    expect(await decisions()).toEqual([
      { is_allowed: true, reason: 'You are let in by your pass.', person_id: null },
    ])
  })

  test.each([
    ['the lock fails', () => answerDoor(false), 'Front did not open. Its lock reports a fault.'],
    [
      'the lock is silent',
      async () => {
        await owner('update app_public.unlock_commands set expires_at = now() where pass_id = $1', [pass.id])
        await owner(
          'select app_private.settle_unlock(id) from app_public.unlock_commands where pass_id = $1',
          [pass.id],
        )
      },
      'Its lock did not answer in time.',
    ],
    [
      'the pass is revoked meanwhile',
      async () => {
        await owner('update app_public.guest_passes set revoked_at = now() where id = $1', [pass.id])
        await answerDoor(true)
      },
      'Your pass did not let you in any more.',
    ],
  ])('is told when %s', async (_, happens, words) => {
    await browser.press((await browser.look()).html, studio.doorId)
    await happens()

    const { html } = await browser.look()

    expect(textOf(html)).toContain(words)
  })

  test('is told why when it is refused, and that is in the log', async () => {
    await owner('update app_public.devices set last_seen_at = null where id = $1', [studio.deviceId])
    await browser.press((await browser.look()).html, studio.doorId)

    const { html } = await browser.look()

    expect(textOf(html)).toContain(
      'Front did not open. You may open this door, but its controller is offline.',
    )
    expect(await decisions()).toEqual([
      { is_allowed: false, reason: expect.stringContaining('offline'), person_id: null },
    ])
  })

  test.each([
    ['is not valid yet', { starts_at: '1 hour', ends_at: '2 hours' }, 'not valid yet'],
    ['has expired', { starts_at: '-2 hours', ends_at: '-1 hour' }, 'has expired'],
    ['is used up', { uses: 1, used_count: 1 }, 'is used up'],
    ['is revoked', { revoked_at: '2026-01-01' }, 'has been revoked'],
    ['was of a host who left', { host_id: null, revoked_at: '2026-01-01' }, 'has been revoked'],
  ])(
    'that %s sees so, has no button, and pressing the one of before opens nothing',
    async (_, columns, words) => {
      const { html: before } = await browser.look()
      pass = await makePass(owner, studio, columns)
      browser = new Browser(`${api().url}/pass/${pass.token}`)

      const { status, html } = await browser.look()
      await browser.press(before, studio.doorId)

      expect(status).toBe(200)
      expect(textOf(html)).toContain(words)
      expect(html).not.toMatch(/<form|<button/)
      expect(await commands()).toEqual([])
      expect(await decisions()).toEqual([expect.objectContaining({ is_allowed: false })])
    },
  )
})

describe('a press', () => {
  test('that is sent twice, at once or by reloading, opens once', async () => {
    const { html } = await browser.look()

    const answers = await Promise.all(Array.from({ length: 5 }, () => browser.press(html, studio.doorId)))
    await answerDoor(true)
    answers.push(await browser.press(html, studio.doorId))

    expect(answers.map(({ status }) => status)).toEqual(Array(6).fill(303))
    expect(await commands()).toHaveLength(1)
    expect(await usedCount()).toBe(1)
    // Looking again, one may.
    await browser.press((await browser.look()).html, studio.doorId)
    expect(await commands()).toHaveLength(2)
  })

  test.each([
    ['of another organization', () => makeDoorElsewhere()],
    ['of the same office, that the pass is not for', () => makeDoorBeside()],
    ['that is not there', async () => '00000000-0000-7000-8000-000000000000'],
  ])('at a door %s opens nothing, is written into no log, and tells nothing', async (_, doorOf) => {
    const { html } = await browser.look()

    await browser.press(html, await doorOf())

    expect(await commands()).toEqual([])
    expect(await decisions()).toEqual([])
    expect((await browser.look()).html).toBe(html)
  })

  test.each([
    ['nothing', ''],
    ['no door', 'seen='],
    ['what is no id', 'seen=&door=front'],
    ['several doors', () => `seen=&door=${studio.doorId}&door=${studio.doorId}`],
    ['SQL', `seen=&door='; drop table app_public.doors --`],
    ['names of JavaScript', '__proto__=1&constructor=2&door=3&seen='],
  ])('with %s in its form opens nothing', async (_, body) => {
    const { status } = await browser.send(typeof body === 'function' ? body() : body)

    expect(status).toBe(303)
    expect(await commands()).toEqual([])
    expect(await decisions()).toEqual([])
  })

  test.each([
    ['of JSON', '{"door":"1"}', { 'Content-Type': 'application/json' }, 415],
    ['without a type', 'door=1', { 'Content-Type': '' }, 415],
    ['that is compressed', 'door=1', { 'Content-Encoding': 'gzip' }, 415],
    ['that is too long', `door=${'x'.repeat(20_000)}`, {}, 413],
    ['of too many fields', 'a=1&'.repeat(30), {}, 413],
    ['with a zero byte', 'door=%00&seen=', {}, 400],
    ['from another website', 'seen=', { Origin: 'https://evil.example' }, 403],
    ['from another website, by what the browser says', 'seen=', { 'Sec-Fetch-Site': 'cross-site' }, 403],
  ])('%s is refused', async (_, body, headers, status) => {
    const answer = await browser.send(body, headers)

    expect(answer.status).toBe(status)
    expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(await decisions()).toEqual([])
  })

  test('from the page itself is taken, behind a proxy too', async () => {
    for (const headers of [
      { Origin: 'null' },
      { Origin: 'https://office.example.com' },
      { Origin: api().url },
    ]) {
      expect((await browser.send('seen=', headers as Record<string, string>)).status).toBe(303)
    }
  })

  test('too often is refused, and the page says when to try again', async () => {
    await owner(`update app_private.attempt_limits set most = 2 where action = 'pass_press'`)
    const press = async () => browser.press((await browser.look()).html, studio.doorId)

    const statuses = [(await press()).status, (await press()).status, (await press()).status]

    await owner(`update app_private.attempt_limits set most = 30 where action = 'pass_press'`)
    expect(statuses).toEqual([303, 303, 429])
    expect(await decisions()).toHaveLength(2)
  })
})
