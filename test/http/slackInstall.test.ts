// Longer than most: what is connected and what is disconnected both need the whole way to Slack and back.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { withConnection } from '../../src/database/connection.ts'
import { makeApi, type TestApi } from '../support/api.ts'
import { makeDatabase, type Run, type TestDatabase } from '../support/database.ts'
import { type FakeSlack, startFakeSlack } from '../support/fakeSlack.ts'
import { makeStudio, type Studio } from '../support/people.ts'
import { deliver } from '../support/post.ts'
import { slackApp } from '../support/slackRequests.ts'
import { encryptionKeys, testCipher } from '../support/slackServices.ts'
import { tablesWith } from '../support/trace.ts'

const botToken = 'xoxb-secret-of-the-bot'
let slack: FakeSlack
let database: TestDatabase
let api: TestApi
let studio: Studio
beforeAll(async () => {
  slack = await startFakeSlack()
  database = await makeDatabase()
  api = await makeApi(database, {
    ...slackApp,
    ENCRYPTION_KEYS: encryptionKeys,
    SLACK_API_URL: slack.apiUrl,
    SERVER_URL: 'https://doors.example.com',
    PUBLIC_URL: 'https://app.example.com/',
  })
})
afterAll(async () => {
  await api.close()
  await database.drop()
  await slack.stop()
})
const run: Run = (sql, values) =>
  withConnection(
    database.ownerUrl,
    async (client) => (await client.query<Record<string, unknown>>(sql, values)).rows,
  )
beforeEach(async () => {
  await run('delete from app_public.organizations')
  await run('delete from app_public.people')
  await run('delete from app_private.slack_tokens')
  await deliver(database, slack.apiUrl)
  studio = await makeStudio(run)
  slack.calls.length = 0
  slack.revoked.length = 0
})

const tokenOf = async (person: string) =>
  (await run('select token from app_private.start_session($1)', [person]))[0]!.token as string
const start = async (token: string, organizationId: string) =>
  api.ask(
    `mutation ($id: UUID!) { startSlackInstall(input: { organizationId: $id }) { result { url expiresAt } } }`,
    { token, variables: { id: organizationId } },
  )

/** Begins as somebody; the address of Slack that they are sent to. */
async function begin(person: string, organizationId = studio.organizationId): Promise<URL> {
  const { data, errors } = await start(await tokenOf(person), organizationId)
  if (!data?.startSlackInstall) throw new Error(JSON.stringify(errors))
  return new URL(data.startSlackInstall.result.url as string)
}

/** Has a Slack user agree, who is then sent back with this code. */
function agree(team = 'T1', name = 'Studio <b>', more: Record<string, unknown> = {}): string {
  const code = crypto.randomUUID()
  slack.grants.set(code, {
    ok: true,
    access_token: botToken,
    token_type: 'bot',
    bot_user_id: 'B1',
    team: { id: team, name },
    ...more,
  })
  return code
}

async function comeBack(parameters: Record<string, string>, method = 'GET') {
  const query = new URLSearchParams(parameters)
  const response = await fetch(`${api.url}/slack/install/callback?${query}`, { method })
  return { status: response.status, headers: response.headers, text: await response.text() }
}
const stateOf = (url: URL) => url.searchParams.get('state')!
const installations = () =>
  run('select organization_id, team_id, team_name from app_public.slack_installations order by team_id')

describe('connecting a workspace', () => {
  test('a manager is sent to Slack with what we ask for', async () => {
    const url = await begin(studio.manager)

    expect(url.origin).toBe(new URL(slack.apiUrl).origin)
    expect(url.pathname).toBe('/oauth/v2/authorize')
    expect(Object.fromEntries(url.searchParams)).toEqual({
      client_id: slackApp.SLACK_CLIENT_ID,
      scope: 'chat:write,commands',
      redirect_uri: 'https://doors.example.com/slack/install/callback',
      state: expect.stringMatching(/^[0-9a-f]{64}$/),
    })
  })

  test('a manager who comes back has connected it, and reads what with what', async () => {
    const state = stateOf(await begin(studio.manager))

    const { status, text, headers } = await comeBack({ state, code: agree() })

    expect(status).toBe(200)
    expect(text).toContain('The workspace “Studio &#60;b&#62;” opens the doors of “Studio”.')
    expect(text).toContain('href="https://app.example.com/"')
    expect(text).not.toContain('<script')
    expect(headers.get('content-security-policy')).toContain("default-src 'none'")
    expect(headers.get('cache-control')).toBe('no-store')
    expect(headers.get('referrer-policy')).toBe('no-referrer')
    expect(await installations()).toEqual([
      { organization_id: studio.organizationId, team_id: 'T1', team_name: 'Studio <b>' },
    ])
    expect(slack.calls).toEqual([
      {
        method: 'oauth.v2.access',
        token: null,
        given: expect.objectContaining({
          client_id: slackApp.SLACK_CLIENT_ID,
          client_secret: slackApp.SLACK_CLIENT_SECRET,
          redirect_uri: 'https://doors.example.com/slack/install/callback',
        }),
      },
    ])
  })

  test('the token is nowhere but encrypted, and for its organization alone', async () => {
    await comeBack({ state: stateOf(await begin(studio.owner)), code: agree() })

    expect(await tablesWith(run, botToken)).toEqual([])
    expect(await tablesWith(run, Buffer.from(botToken).toString('hex'))).toEqual([])
    const [token] = await run('select organization_id, key_id, sealed from app_private.slack_tokens')
    const sealed = { keyId: token!.key_id as string, data: token!.sealed as Buffer }
    expect(testCipher.decrypt(sealed, studio.organizationId)).toBe(botToken)
    expect(() => testCipher.decrypt(sealed, studio.strangerOrganizationId)).toThrow()
  })

  test('the owners are told by mail', async () => {
    await comeBack({ state: stateOf(await begin(studio.manager)), code: agree() })

    const mails = await deliver(database, slack.apiUrl)

    expect(mails.map(({ to, values }) => [to, values.what as unknown])).toEqual([
      ['olga@example.com', 'Your organization was connected to a Slack workspace (Studio)'],
    ])
  })

  test('a member and a stranger may not begin', async () => {
    for (const person of [studio.member, studio.stranger]) {
      const { errors } = await start(await tokenOf(person), studio.organizationId)
      expect(errors?.[0]?.extensions?.code).toBe('NOT_FOUND')
    }
  })

  test('a manager who signed in long ago signs in again first', async () => {
    const token = await tokenOf(studio.manager)
    await run(`update app_public.sessions set created_at = now() - interval '11 minutes'`)

    const { errors } = await start(token, studio.organizationId)

    expect(errors?.[0]?.extensions?.code).toBe('SIGN_IN_AGAIN')
  })

  const failures: Record<string, (state: string) => Promise<Record<string, string>>> = {
    'with a state of their own': async () => ({ state: 'a'.repeat(64), code: agree() }),
    'without a state': async () => ({ code: agree() }),
    'after ten minutes': async (state) => {
      await run(`update app_private.slack_installs set expires_at = now()`)
      return { state, code: agree() }
    },
    'with a state that took another’s place': async (state) => {
      await begin(studio.manager)
      return { state, code: agree() }
    },
    'when they manage nothing any more': async (state) => {
      await run(`update app_public.memberships set role = 'member' where person_id = $1`, [studio.manager])
      return { state, code: agree() }
    },
    'without having agreed': async (state) => ({ state, error: 'access_denied' }),
    'with a code that Slack does not know': async (state) => ({ state, code: 'x' }),
    'for a whole enterprise': async (state) => ({ state, code: agree('T1', '', { team: null }) }),
  }
  test.each(Object.entries(failures))(
    'somebody who comes back %s connects nothing',
    async (_how, arrange) => {
      const parameters = await arrange(stateOf(await begin(studio.manager)))

      const { status, text } = await comeBack(parameters)

      expect(status).toBeGreaterThanOrEqual(400)
      expect(text).toContain('<h1>Slack is not connected</h1>')
      expect(await installations()).toEqual([])
      expect(await run('select from app_private.slack_tokens')).toEqual([])
    },
  )

  test('a state is good once, also for two at the same moment', async () => {
    const state = stateOf(await begin(studio.manager))

    const answers = await Promise.all([1, 2, 3].map(() => comeBack({ state, code: agree() })))

    expect(answers.map(({ status }) => status).sort()).toEqual([200, 400, 400])
  })

  test('a look at the address does not use it up', async () => {
    const state = stateOf(await begin(studio.manager))
    const code = agree()

    await comeBack({ state, code }, 'HEAD')

    expect((await comeBack({ state, code })).status).toBe(200)
  })

  test.each(['hangs', 'cuts', { status: 500 }, { status: 429, retryAfter: 60 }] as const)(
    'when Slack answers %j, the person is told within seconds',
    async (trouble) => {
      slack.trouble('oauth.v2.access', trouble)

      const { status, text } = await comeBack({ state: stateOf(await begin(studio.manager)), code: agree() })

      expect(status).toBe(502)
      expect(text).toContain('Slack did not confirm it.')
    },
    15_000,
  )

  test('another organization cannot take a workspace, and does not hear whose it is', async () => {
    await comeBack({ state: stateOf(await begin(studio.manager)), code: agree() })
    const state = stateOf(await begin(studio.stranger, studio.strangerOrganizationId))

    const { status, text } = await comeBack({ state, code: agree() })

    expect(status).toBe(409)
    expect(text).toContain('is connected to another organization')
    expect(text).not.toContain('opens the doors')
    expect((await installations()).map((row) => row.organization_id)).toEqual([studio.organizationId])
    await deliver(database, slack.apiUrl)
    expect(slack.revoked).toEqual([]) // it may be the very token that the first one uses
  })

  test('of two organizations that take a workspace at the same moment, one has it', async () => {
    const states = [
      stateOf(await begin(studio.manager)),
      stateOf(await begin(studio.stranger, studio.strangerOrganizationId)),
    ]

    const answers = await Promise.all(states.map((state) => comeBack({ state, code: agree() })))

    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409])
    expect(await installations()).toHaveLength(1)
    expect(await run('select from app_private.slack_tokens')).toHaveLength(1)
  })

  test('the same workspace again keeps its links; another takes its place and ends them', async () => {
    await comeBack({ state: stateOf(await begin(studio.manager)), code: agree() })
    await run(
      `insert into app_public.slack_links (organization_id, installation_id, person_id, slack_user_id, slack_user_name)
       select organization_id, id, $1, 'U1', 'mia' from app_public.slack_installations`,
      [studio.member],
    )

    await comeBack({ state: stateOf(await begin(studio.owner)), code: agree('T1', 'Renamed') })
    expect(await run('select from app_public.slack_links')).toHaveLength(1)
    expect(await installations()).toMatchObject([{ team_id: 'T1', team_name: 'Renamed' }])

    await comeBack({ state: stateOf(await begin(studio.owner)), code: agree('T2', 'Other') })
    expect(await run('select from app_public.slack_links')).toEqual([])
    expect(await installations()).toMatchObject([{ team_id: 'T2' }])
  })
})

describe('disconnecting', () => {
  const disconnect = async (person: string) =>
    api.ask(
      `mutation ($id: UUID!) { disconnectSlack(input: { organizationId: $id }) { result { teamId } } }`,
      { token: await tokenOf(person), variables: { id: studio.organizationId } },
    )
  beforeEach(async () => {
    await comeBack({ state: stateOf(await begin(studio.manager)), code: agree() })
    await deliver(database, slack.apiUrl)
  })
  const tokens = () => run('select from app_private.slack_tokens')

  test('a manager disconnects, and the token is revoked at Slack and forgotten', async () => {
    const { data } = await disconnect(studio.manager)
    expect(data?.disconnectSlack.result.teamId).toBe('T1')

    await deliver(database, slack.apiUrl)

    expect(slack.revoked).toEqual([botToken])
    expect(await tokens()).toEqual([])
  })

  test('a member and a stranger cannot', async () => {
    for (const person of [studio.member, studio.stranger]) {
      expect((await disconnect(person)).errors?.[0]?.extensions?.code).toBe('NOT_FOUND')
    }
    expect(await installations()).toHaveLength(1)
  })

  test('an organization that ends takes its token with it', async () => {
    await run('delete from app_public.organizations where id = $1', [studio.organizationId])

    await deliver(database, slack.apiUrl)

    expect(slack.revoked).toEqual([botToken])
    expect(await tokens()).toEqual([])
  })

  test('with Slack down the token is revoked later', async () => {
    await disconnect(studio.manager)
    slack.trouble('auth.revoke', { status: 500 })
    await deliver(database, slack.apiUrl)
    expect(await tokens()).toHaveLength(1)

    await run('update graphile_worker._private_jobs set run_at = now()')
    await deliver(database, slack.apiUrl)

    expect(slack.revoked).toEqual([botToken])
    expect(await tokens()).toEqual([])
  })

  test('a token that waits to be revoked is not, once the workspace is connected again', async () => {
    await disconnect(studio.manager)
    await comeBack({
      state: stateOf(await begin(studio.stranger, studio.strangerOrganizationId)),
      code: agree(),
    })

    await deliver(database, slack.apiUrl)

    expect(slack.revoked).toEqual([])
    expect(await tokens()).toHaveLength(1)
  })

  test('a token that Slack has ended already is forgotten', async () => {
    slack.revoked.push(botToken)
    await disconnect(studio.manager)

    await deliver(database, slack.apiUrl)

    expect(await tokens()).toEqual([])
    expect(await run('select from graphile_worker.jobs')).toEqual([])
  })
})
