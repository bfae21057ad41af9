// Longer than most: a list of what can go wrong with a provider.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pino } from 'pino'
import { loadConfig } from '../../src/config.ts'
import { withConnection } from '../../src/database/connection.ts'
import { startApi } from '../../src/http/api.ts'
import { listen } from '../../src/http/listen.ts'
import type { TestApi } from '../support/api.ts'
import { ask } from '../support/ask.ts'
import { makeDatabase, type TestDatabase } from '../support/database.ts'
import { askToBegin, askToFinish, begin, openIdSettings } from '../support/openIdApi.ts'
import { startProvider, type TestProvider, visit } from '../support/openIdProvider.ts'

let database: TestDatabase
let desk: TestProvider
beforeAll(async () => {
  desk = await startProvider()
  desk.people.set('mia', { email: 'mia@example.com', email_verified: true })
  database = await makeDatabase()
})
afterAll(async () => {
  await database.drop()
  await desk.stop()
})

/** An API that knows nothing of its providers yet, and its log, for the time that something is done with it. */
async function withApi<T>(
  env: Record<string, string>,
  run: (api: TestApi, log: string[]) => Promise<T>,
): Promise<T> {
  const config = loadConfig({
    env: {
      DATABASE_URL: database.ownerUrl,
      AUTHENTICATOR_DATABASE_URL: database.authenticatorUrl,
      LIMIT_PROVIDER_MS: '400',
      ...env,
    },
  })
  const lines: string[] = []
  const log = pino({ level: 'trace' }, { write: (line) => void lines.push(line) })
  const listener = await listen('127.0.0.1', 0)
  const served = await startApi(config, database.authenticatorUrl, listener, log, null)
  const url = `http://127.0.0.1:${listener.port}`
  try {
    const api = { url, config, close: served.close, ask: ask.bind(null, url) }
    return await run(api, lines)
  } finally {
    await served.close()
  }
}

const isUnavailable = {
  status: 503,
  errors: [
    {
      message: 'Signing in with desk is not possible at present.',
      extensions: { code: 'UNAVAILABLE', retryable: true },
    },
  ],
}

const countSessions = () =>
  withConnection(database.ownerUrl, async (client) => {
    const { rows } = await client.query<{ count: number }>('select count(*)::int from app_public.sessions')
    return rows[0]!.count
  })

describe('a provider that is down', () => {
  test('keeps no server from starting, and is asked again once it is up', async () => {
    await desk.stop()
    await withApi(openIdSettings({ desk }), async (api) => {
      const listed = await api.ask('{ signInProviders { name } }')
      const whileDown = await askToBegin(api, 'desk')
      await desk.start()
      const onceUp = await askToBegin(api, 'desk')

      expect(listed.data).toEqual({ signInProviders: [{ name: 'desk' }] })
      expect(whileDown).toMatchObject(isUnavailable)
      expect(onceUp.errors).toBeUndefined()
    })
  })

  test('when the person comes back ends the sign-in, and begins no session', async () => {
    await withApi(openIdSettings({ desk }), async (api) => {
      const { id, url } = await begin(api, 'desk')
      const callbackUrl = await visit(url, 'mia')
      const before = await countSessions()
      await desk.stop()
      const answer = await askToFinish(api, id, callbackUrl)
      await desk.start()
      const again = await askToFinish(api, id, callbackUrl)

      expect(answer).toMatchObject(isUnavailable)
      expect(again.data).toEqual({ finishSignInWith: { result: null, refusal: 'EXPIRED' } })
      expect(await countSessions()).toBe(before)
    })
  })
})

describe('a provider that does not answer', () => {
  test('what it is asked first is given up, and asked again', async () => {
    const path = '/.well-known/openid-configuration'
    desk.silent.add(path)
    await withApi(openIdSettings({ desk }), async (api) => {
      const whileSilent = await askToBegin(api, 'desk')
      desk.silent.delete(path)
      const later = await askToBegin(api, 'desk')

      expect(whileSilent).toMatchObject(isUnavailable)
      expect(later.errors).toBeUndefined()
    })
  })

  test.each(['/token', '/jwks'])(
    'to a request for %s ends the sign-in, and begins no session',
    async (path) => {
      await withApi(openIdSettings({ desk }), async (api) => {
        const { id, url } = await begin(api, 'desk')
        const callbackUrl = await visit(url, 'mia')
        const before = await countSessions()
        desk.silent.add(path)
        const answer = await askToFinish(api, id, callbackUrl)
        desk.silent.delete(path)

        expect(answer).toMatchObject(isUnavailable)
        expect(await countSessions()).toBe(before)
      })
    },
  )
})

describe('a provider that answers', () => {
  const answers: Record<string, [status: number, type: string, body: string]> = {
    page: [200, 'text/html', '<!doctype html><title>Maintenance</title>'],
    error: [500, 'application/json', '{}'],
    half: [200, 'application/json', '{"issuer":'],
    nothing: [200, 'application/json', '{}'],
    other: [200, 'application/json', '{"issuer":"https://elsewhere.example.com"}'],
  }

  test('with nonsense, an error or as somebody else, is not sent anybody', async () => {
    const server = createServer((request, response) => {
      const [status, type, body] = answers[request.url!.split('/')[1]!]!
      response.writeHead(status, { 'Content-Type': type }).end(body)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const providers = Object.fromEntries(
      Object.keys(answers).map((name) => [name, { ...desk, issuer: `http://127.0.0.1:${port}/${name}` }]),
    )
    const codes = await withApi(openIdSettings(providers), async (api) => {
      const begun = await Promise.all(Object.keys(answers).map((name) => askToBegin(api, name)))
      return begun.map(({ errors }) => errors?.[0]?.extensions?.code)
    })
    server.close()
    server.closeAllConnections()

    expect(codes).toEqual(Object.keys(answers).map(() => 'UNAVAILABLE'))
  })

  test('that it cannot serve the person now is no decision of the person', async () => {
    await withApi(openIdSettings({ desk }), async (api) => {
      const { id, url } = await begin(api, 'desk')
      const callback = new URL(await visit(url))
      callback.searchParams.set('error', 'temporarily_unavailable')

      expect(await askToFinish(api, id, callback.href)).toMatchObject(isUnavailable)
    })
  })

  test('that our secret is wrong is the operator’s to hear, with the reason and without the secret', async () => {
    const settings = openIdSettings({ desk }, { clientSecret: 'the secret of last year' })
    await withApi(settings, async (api, log) => {
      const { id, url } = await begin(api, 'desk')
      const callbackUrl = await visit(url, 'mia')
      const before = await countSessions()
      const answer = await askToFinish(api, id, callbackUrl)

      expect(answer).toMatchObject(isUnavailable)
      expect(await countSessions()).toBe(before)
      const told = log.filter((line) => line.includes('invalid_client'))
      expect(told).toHaveLength(1)
      expect(told[0]).not.toContain('last year')
    })
  })
})

describe('the log', () => {
  test('has no secret in it, however a sign-in ends', async () => {
    const secrets: string[] = [desk.clientSecret, encodeURIComponent(desk.clientSecret)]
    const log = await withApi(openIdSettings({ desk }), async (api, lines) => {
      const comeBack = async (person?: string) => {
        const { id, url } = await begin(api, 'desk')
        const callbackUrl = await visit(url, person)
        const kept = await withConnection(database.ownerUrl, async (client) => {
          const text = 'select nonce, verifier from app_private.open_id_attempts where id = $1'
          return (await client.query<{ nonce: string; verifier: string }>(text, [id])).rows[0]!
        })
        const { searchParams } = new URL(callbackUrl)
        secrets.push(
          id,
          kept.nonce,
          kept.verifier,
          searchParams.get('state')!,
          searchParams.get('code') ?? id,
        )
        return { id, callbackUrl }
      }
      desk.tamper.set('/token', (answer) => {
        secrets.push(answer.id_token as string, answer.access_token as string)
        return answer
      })
      const right = await comeBack('mia')
      const { data } = await askToFinish(api, right.id, right.callbackUrl)
      secrets.push(data!.finishSignInWith.result.token as string)
      desk.tamper.set('/token', (answer) => {
        secrets.push(answer.access_token as string)
        return { ...answer, id_token: `${answer.id_token as string}x` }
      })
      const wrong = await comeBack('mia')
      await askToFinish(api, wrong.id, wrong.callbackUrl)
      desk.tamper.delete('/token')
      const declined = await comeBack()
      await askToFinish(api, declined.id, declined.callbackUrl)
      desk.silent.add('/token')
      const lost = await comeBack('mia')
      await askToFinish(api, lost.id, lost.callbackUrl)
      desk.silent.delete('/token')
      return lines.join('')
    })

    expect(secrets).toHaveLength(26)
    expect(log).toContain('"refusal":"DECLINED"')
    expect(log).toContain('"refusal":"INVALID"')
    expect(log).toContain('OAUTH_TIMEOUT')
    expect(secrets.filter((secret) => log.includes(secret))).toEqual([])
  })
})

describe('the database', () => {
  test('keeps nothing of a sign-in that has been finished but who it was', async () => {
    await withApi(openIdSettings({ desk }), async (api) => {
      const { id, url } = await begin(api, 'desk')
      const callbackUrl = await visit(url, 'mia')
      const { data } = await askToFinish(api, id, callbackUrl)
      const { rows } = await withConnection(database.ownerUrl, (client) =>
        client.query<{ text: string }>(
          `select concat(
             (select string_agg(open_id_attempts::text, '') from app_private.open_id_attempts where id = $1),
             (select string_agg(open_id_accounts::text, '') from app_public.open_id_accounts),
             (select string_agg(sessions::text, '') from app_public.sessions),
             (select string_agg(payload::text, '') from graphile_worker._private_jobs)
           ) as text`,
          [id],
        ),
      )

      const { searchParams } = new URL(callbackUrl)
      const secrets = [
        data!.finishSignInWith.result.token,
        id,
        searchParams.get('code'),
        searchParams.get('state'),
      ]
      expect(rows[0]!.text).toContain('mia')
      expect(secrets.filter((secret) => rows[0]!.text.includes(secret as string))).toEqual([])
    })
  })
})
