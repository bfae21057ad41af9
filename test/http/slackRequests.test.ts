import { beforeEach, describe, expect, test } from '@jest/globals'
import { withConnection } from '../../src/database/connection.ts'
import { useApi } from '../support/api.ts'
import type { Run } from '../support/database.ts'
import { makeStudio, type Studio } from '../support/people.ts'
import { command, press, send, sign, slackApp, type SlackRequest, tell } from '../support/slackRequests.ts'
import { encryptionKeys } from '../support/slackServices.ts'
import { connectSlack, linkSlackUser } from '../support/slackStudio.ts'

const { api, database } = useApi({ ...slackApp, ENCRYPTION_KEYS: encryptionKeys })
const run: Run = (sql, values) =>
  withConnection(
    database().ownerUrl,
    async (client) => (await client.query<Record<string, unknown>>(sql, values)).rows,
  )
let studio: Studio
beforeEach(async () => {
  await run('delete from app_public.organizations')
  await run('delete from app_public.people')
  await run('delete from app_private.slack_receipts')
  studio = await makeStudio(run)
  await connectSlack(run, studio.organizationId)
  await linkSlackUser(run, studio.member, 'U1')
})

const sent = (request: SlackRequest) => send(api().url, request)
const opened = async () => (await run('select from app_public.unlock_commands')).length
const refused = { status: 401, text: '', body: null }

describe('a request from Slack', () => {
  test('a member who types /door opens the only door', async () => {
    const { status, body } = await sent(command({}))

    expect([status, body]).toEqual([200, { response_type: 'ephemeral', text: 'Opening *Front* …' }])
    expect(await run('select person_id, door_id from app_public.unlock_commands')).toEqual([
      { person_id: studio.member, door_id: studio.doorId },
    ])
  })

  test.each([-299, 299])('one that was signed %i seconds from now is taken', async (secondsFromNow) => {
    expect((await sent(command({}, { secondsFromNow }))).status).toBe(200)
  })

  test.each([-302, 302])('one that was signed %i seconds from now is refused', async (secondsFromNow) => {
    expect(await sent(command({}, { secondsFromNow }))).toEqual(refused)
    expect(await opened()).toBe(0)
  })

  const changes: Record<string, (request: SlackRequest) => SlackRequest> = {
    'with one byte changed': (request) => ({ ...request, body: request.body.replace('U1', 'U2') }),
    'encoded anew': (request) => ({ ...request, body: request.body.replace('%2F', '/') }),
    'with a field more': (request) => ({ ...request, body: `${request.body}&x=1` }),
    'with another time': ({ headers, ...request }) => ({
      ...request,
      headers: {
        ...headers,
        'X-Slack-Request-Timestamp': String(Number(headers['X-Slack-Request-Timestamp']) + 1),
      },
    }),
    'with a signature of capitals': ({ headers, ...request }) => ({
      ...request,
      headers: { ...headers, 'X-Slack-Signature': headers['X-Slack-Signature']!.toUpperCase() },
    }),
    'with half a signature': ({ headers, ...request }) => ({
      ...request,
      headers: { ...headers, 'X-Slack-Signature': headers['X-Slack-Signature']!.slice(0, 35) },
    }),
    'as JSON': (request) => sign(request.path, 'application/json', request.body),
    'as plain text': (request) => sign(request.path, 'text/plain', request.body),
    'without a type': ({ headers: { 'Content-Type': _, ...headers }, ...request }) => ({
      ...request,
      headers,
    }),
    'compressed, as it says': ({ headers, ...request }) => ({
      ...request,
      headers: { ...headers, 'Content-Encoding': 'gzip' },
    }),
    'of 100 kB': ({ path, headers, body }) =>
      sign(path, headers['Content-Type']!, `${body}&x=${'x'.repeat(100_000)}`),
    'signed by somebody else': () => command({}, { secret: 'another secret' }),
    'meant for another route': (request) => ({ ...request, path: '/slack/events' }),
  }
  test.each(Object.entries(changes))('one %s is refused, and nothing is done', async (_how, change) => {
    expect(await sent(change(command({})))).toEqual(refused)
    expect(await opened()).toBe(0)
    expect(await run('select from app_private.slack_receipts')).toEqual([])
  })

  test.each(['X-Slack-Signature', 'X-Slack-Request-Timestamp'])('one without %s is refused', async (name) => {
    const { headers, ...request } = command({})
    const others = Object.entries(headers).filter(([other]) => other !== name)

    expect(await sent({ ...request, headers: Object.fromEntries(others) })).toEqual(refused)
  })

  test.each(['', 'payload=', 'payload={', 'payload=7', 'payload=null'])(
    'an action of %j is refused although it is signed',
    async (body) => {
      expect(await sent(sign('/slack/actions', 'application/x-www-form-urlencoded', body))).toEqual(refused)
    },
  )

  test('one that is sent twice as it is counts once, and is refused the second time', async () => {
    const request = command({})

    expect((await sent(request)).status).toBe(200)
    expect(await sent(request)).toEqual(refused)
    expect(await opened()).toBe(1)
  })

  test('of ten that are sent at once as they are, one is taken', async () => {
    const request = command({})

    const answers = await Promise.all(Array.from({ length: 10 }, () => sent(request)))

    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    expect(await opened()).toBe(1)
  })

  test('a command that Slack repeats, signed anew, opens once and is answered alike', async () => {
    const repeat = (secondsFromNow: number) => command({ trigger: 'once' }, { secondsFromNow })

    const answers = await Promise.all([0, -1, -2, -3, -4].map(async (seconds) => sent(repeat(seconds))))

    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1)
    expect(answers[0]!.body.text).toBe('Opening *Front* …')
    expect(await opened()).toBe(1)
  })

  test('a button that Slack repeats, signed anew, opens once', async () => {
    const repeat = (secondsFromNow: number) =>
      press({ action: `open_door ${studio.doorId}`, value: studio.doorId, at: '5.5' }, { secondsFromNow })

    const answers = await Promise.all([0, -1, -2].map(async (seconds) => sent(repeat(seconds))))

    expect(answers.map(({ status, body }) => [status, body as unknown])).toEqual(Array(3).fill([200, {}]))
    expect(await opened()).toBe(1)
  })

  test('a command that takes too long for Slack is undone, so that no door opens after it has failed', async () => {
    const [status] = await withConnection(database().ownerUrl, async (client) => {
      await client.query('begin; lock table app_public.unlock_commands in exclusive mode')
      return [(await sent(command({ trigger: 'slow' }))).status]
    })

    expect(status).toBe(500)
    expect(await opened()).toBe(0)
    expect(await run('select from app_private.slack_receipts')).toEqual([])
    expect((await sent(command({ trigger: 'slow' }))).body.text).toBe('Opening *Front* …')
  })

  test('signs that Postgres has no place for do no harm', async () => {
    expect((await sent(command({ text: 'a\0b' }))).body.text).toContain('There is no door “ab”')
    const lone = JSON.stringify({ type: 'event_callback', event_id: 'E', x: '\\ud800 \\u0000' })
    expect(
      (await sent(sign('/slack/events', 'application/json', lone.replaceAll('\\\\', '\\')))).status,
    ).toBe(200)
  })

  test('Slack is answered when it asks whether this is us', async () => {
    const asked = { type: 'url_verification', challenge: 'abc', token: 'x' }

    const { status, body } = await sent(sign('/slack/events', 'application/json', JSON.stringify(asked)))

    expect([status, body]).toEqual([200, { challenge: 'abc' }])
  })

  test('somebody else who asks whether this is us is refused', async () => {
    const asked = JSON.stringify({ type: 'url_verification', challenge: 'abc' })

    expect(await sent(sign('/slack/events', 'application/json', asked, { secret: 'x' }))).toEqual(refused)
  })
})

describe('an event', () => {
  const isConnected = async () => (await run('select from app_public.slack_installations')).length === 1

  test('a workspace that removes the app is disconnected, and its links end', async () => {
    expect((await sent(tell({ type: 'app_uninstalled' }))).status).toBe(200)

    expect(await isConnected()).toBe(false)
    expect(await run('select from app_public.slack_links')).toEqual([])
    expect(await run(`select kind from app_public.security_events where kind like 'slack%'`)).toEqual([
      { kind: 'slack_disconnected' },
    ])
  })

  test('so is one that revokes the token of our bot, and not one that revokes another', async () => {
    await sent(tell({ type: 'tokens_revoked', tokens: { oauth: ['U1'], bot: ['B2'] } }))
    expect(await isConnected()).toBe(true)

    await sent(tell({ type: 'tokens_revoked', tokens: { bot: ['B1'] } }))
    expect(await isConnected()).toBe(false)
  })

  test('one of another workspace changes nothing', async () => {
    await sent(tell({ type: 'app_uninstalled' }, { team: 'T2' }))

    expect(await isConnected()).toBe(true)
  })

  test('one that comes late, when the workspace has been connected again, changes nothing', async () => {
    await sent(tell({ type: 'app_uninstalled' }, { at: Math.floor(Date.now() / 1000) - 60 }))

    expect(await isConnected()).toBe(true)
  })

  test('one that is repeated after the workspace was connected again changes nothing', async () => {
    await sent(tell({ type: 'app_uninstalled' }, { id: 'Ev1' }))
    await connectSlack(run, studio.organizationId)

    const soon = Math.floor(Date.now() / 1000) + 5
    const { status } = await sent(tell({ type: 'app_uninstalled' }, { id: 'Ev1', at: soon }))

    expect(status).toBe(200)
    expect(await isConnected()).toBe(true)
  })
})

describe('a server without a Slack app', () => {
  const plain = useApi()

  test.each(['/slack/commands', '/slack/actions', '/slack/events', '/slack/install/callback'])(
    'has nothing at %s',
    async (path) => {
      const { status } = await send(plain.api().url, { ...command({}), path })

      expect(status).toBe(404)
      expect((await fetch(`${plain.api().url}${path}`)).status).toBe(404)
    },
  )
})
