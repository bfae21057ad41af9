// Longer than most: a list of what can be tried.

import { describe, expect, test } from '@jest/globals'
import { askToBegin, askToFinish, begin, finish, useSignInWith } from '../support/openIdApi.ts'
import { redirectUrl, type TestProvider, visit } from '../support/openIdProvider.ts'

const { api, query, desk, booth } = useSignInWith()

/** Goes as far as the front end's page with somebody new. */
async function comeBack(name: 'desk' | 'booth', change: (url: URL) => void = () => {}) {
  const provider = name === 'desk' ? desk() : booth()
  const subject = `${name} ${provider.people.size}`
  provider.people.set(subject, { email: `${name}-${provider.people.size}@example.com`, email_verified: true })
  const { id, url } = await begin(api(), name)
  const changed = new URL(url)
  change(changed)
  return { id, url, callback: new URL(await visit(changed.href, subject)), subject }
}

const sessionsOf = (subject: string) =>
  query(
    `select 1 from app_public.sessions join app_public.open_id_accounts using (person_id) where subject = $1`,
    [subject],
  )
const countSessions = () => query('select count(*)::int from app_public.sessions')

/** A provider's answer with its ID token changed, whose header and payload the change is given. */
const tokenWith =
  (change: (parts: string[]) => string[]) =>
  (answer: Record<string, unknown>): Record<string, unknown> => ({
    ...answer,
    id_token: change((answer.id_token as string).split('.')).join('.'),
  })
const withClaims = (claims: object) =>
  tokenWith(([header = '', payload = '', signature = '']) => {
    const said = JSON.parse(Buffer.from(payload, 'base64url').toString()) as object
    return [header, Buffer.from(JSON.stringify({ ...said, ...claims })).toString('base64url'), signature]
  })

async function tampered<T>(
  provider: TestProvider,
  path: string,
  change: (answer: Record<string, unknown>) => unknown,
  run: () => Promise<T>,
): Promise<T> {
  provider.tamper.set(path, change)
  try {
    return await run()
  } finally {
    provider.tamper.delete(path)
  }
}

describe('an attempt', () => {
  test('serves once', async () => {
    const { id, callback } = await comeBack('desk')

    const first = await finish(api(), id, callback.href)
    const again = await finish(api(), id, callback.href)

    expect(first.result?.token).toMatch(/^[0-9a-f]{64}$/)
    expect(again).toEqual({ result: null, refusal: 'EXPIRED' })
  })

  test('serves one of two who finish it at once', async () => {
    const { id, callback, subject } = await comeBack('desk')

    const both = await Promise.all([finish(api(), id, callback.href), finish(api(), id, callback.href)])

    expect(both.map(({ refusal }) => refusal).sort()).toEqual(['EXPIRED', null])
    expect(await sessionsOf(subject)).toHaveLength(1)
  })

  test('serves nobody once it has expired', async () => {
    const { id, callback } = await comeBack('desk')
    await query('update app_private.open_id_attempts set expires_at = now() where id = $1', [id])

    expect(await finish(api(), id, callback.href)).toEqual({ result: null, refusal: 'EXPIRED' })
  })

  test('ends ten minutes after it began', async () => {
    const before = Date.now()
    const { expiresAt } = await begin(api(), 'desk')

    const minutes = (Date.parse(expiresAt) - before) / 60_000
    expect(minutes).toBeGreaterThan(9.9)
    expect(minutes).toBeLessThan(10.5)
  })

  test('is of no use to whoever has the provider’s answer but not its id', async () => {
    const { callback } = await comeBack('desk')
    const own = await begin(api(), 'desk')

    expect(await finish(api(), own.id, callback.href)).toEqual({ result: null, refusal: 'EXPIRED' })
  })

  test.each([
    ['another state', (url: URL) => url.searchParams.set('state', 'another')],
    ['no state', (url: URL) => url.searchParams.delete('state')],
  ])('outlives an answer with %s, which is refused without asking the provider', async (_, change) => {
    const { id, callback } = await comeBack('desk')
    const wrong = new URL(callback)
    change(wrong)
    desk().asked.length = 0

    const refused = await finish(api(), id, wrong.href)
    const askedMeanwhile = [...desk().asked]
    const right = await finish(api(), id, callback.href)

    expect(refused).toEqual({ result: null, refusal: 'EXPIRED' })
    expect(askedMeanwhile).toEqual([])
    expect(right.refusal).toBeNull()
  })
})

describe('an answer', () => {
  test('of another provider is refused, and its code is shown to nobody', async () => {
    const { id, url } = await begin(api(), 'desk')
    const { callback } = await comeBack('booth')
    callback.searchParams.set('state', new URL(url).searchParams.get('state')!)
    desk().asked.length = 0

    const answer = await finish(api(), id, callback.href)

    expect(answer).toEqual({ result: null, refusal: 'INVALID' })
    expect(desk().asked).not.toContain('/token')
  })

  test.each([
    ['that does not say whose it is', (url: URL) => url.searchParams.delete('iss')],
    ['that says everything twice', (url: URL) => (url.search = `${url.search}&${url.search.slice(1)}`)],
    ['without a code', (url: URL) => url.searchParams.delete('code')],
    ['with a made-up code', (url: URL) => url.searchParams.set('code', 'made-up')],
    ['that brings a token itself', (url: URL) => url.searchParams.set('id_token', 'a.b.c')],
  ])('%s is refused', async (_, change) => {
    const { id, callback, subject } = await comeBack('desk')
    change(callback)

    const { data, errors } = await askToFinish(api(), id, callback.href)

    expect(data?.finishSignInWith.result ?? null).toBeNull()
    expect(errors ?? data!.finishSignInWith.refusal).toBe('INVALID')
    expect(await sessionsOf(subject)).toEqual([])
  })

  test.each([
    ['to a question with another nonce', 'nonce'],
    ['to a question with another challenge', 'code_challenge'],
  ])('%s is refused', async (_, parameter) => {
    const { id, callback, subject } = await comeBack('desk', (url) =>
      url.searchParams.set(parameter, '0123456789012345678901234567890123456789012'),
    )

    expect(await finish(api(), id, callback.href)).toEqual({ result: null, refusal: 'INVALID' })
    expect(await sessionsOf(subject)).toEqual([])
  })

  test('whose code was asked for by somebody else is refused', async () => {
    const victim = await comeBack('desk')
    const own = await comeBack('desk')
    own.callback.searchParams.set('code', victim.callback.searchParams.get('code')!)

    expect(await finish(api(), own.id, own.callback.href)).toEqual({ result: null, refusal: 'INVALID' })
    expect(await sessionsOf(victim.subject)).toEqual([])
  })

  test.each<[string, (answer: Record<string, unknown>) => Record<string, unknown>]>([
    ['about somebody else', withClaims({ sub: 'the director' })],
    ['with an address of its bearer’s choice', withClaims({ email: 'director@example.com' })],
    ['of another issuer', withClaims({ iss: 'https://elsewhere.example.com' })],
    ['for another application', withClaims({ aud: 'another' })],
    ['that has expired', withClaims({ exp: 1 })],
    [
      'with a signature of zeros',
      tokenWith(([header = '', payload = '']) => [header, payload, 'A'.repeat(342)]),
    ],
    [
      'that says it needs no signature',
      tokenWith(([, payload = '']) => [Buffer.from('{"alg":"none"}').toString('base64url'), payload, '']),
    ],
    ['that is not there', ({ id_token: _, ...rest }) => rest],
  ])('with an ID token %s is refused', async (_, change) => {
    const { id, callback, subject } = await comeBack('desk')
    const before = await countSessions()

    const answer = await tampered(desk(), '/token', change, () => finish(api(), id, callback.href))

    expect(answer).toEqual({ result: null, refusal: 'INVALID' })
    expect(await sessionsOf(subject)).toEqual([])
    expect(await countSessions()).toEqual(before)
  })

  test('that says of somebody else what is asked of one is refused', async () => {
    const { id, callback, subject } = await comeBack('booth')

    const answer = await tampered(
      booth(),
      '/me',
      (claims) => ({ ...claims, sub: 'the director' }),
      () => finish(api(), id, callback.href),
    )

    expect(answer).toEqual({ result: null, refusal: 'INVALID' })
    expect(await sessionsOf(subject)).toEqual([])
  })

  test('counts by its parameters, wherever the front end says it was received', async () => {
    const { id, callback } = await comeBack('desk')

    const answer = await finish(api(), id, `http://localhost:3000/elsewhere${callback.search}#there`)

    expect(callback.href.startsWith(redirectUrl)).toBe(true)
    expect(answer.refusal).toBeNull()
  })

  test('that is no address is told to be none', async () => {
    const { id } = await begin(api(), 'desk')

    const { errors } = await askToFinish(api(), id, '/signed-in?code=1')

    expect(errors?.[0]?.extensions).toMatchObject({
      code: 'BAD_USER_INPUT',
      arguments: [['input', 'callbackUrl']],
    })
  })
})

describe('a flood', () => {
  const open = () => query('select count(*)::int as count from app_private.open_id_attempts')
  const fill = (count: number, network: string | null, age = '0 minutes') =>
    query(
      `insert into app_private.open_id_attempts (provider, state_hash, nonce, verifier, network, expires_at)
       select 'flood', sha256('x'), 'x', 'x', $2, now() + interval '10 minutes' - $3::interval
       from generate_series(1, $1::int)`,
      [count, network, age],
    )
  const notAlone = {
    message:
      '"beginSignInWith" has to be the only field of its operation: it waits for the provider, and cannot be undone.',
    extensions: { code: 'GRAPHQL_VALIDATION_FAILED' },
  }
  const drain = () => query(`delete from app_private.open_id_attempts where provider = 'flood'`)

  test('of aliases begins nothing', async () => {
    const before = await open()

    const { data, errors } = await api().ask(
      `mutation { ${['a', 'b'].map((alias) => `${alias}: beginSignInWith(input: { provider: "desk" }) { result { id } }`).join(' ')} }`,
    )

    expect(data).toBeUndefined()
    expect(errors).toMatchObject([notAlone])
    expect(await open()).toEqual(before)
  })

  test('cannot hide in a fragment', async () => {
    const { data, errors } = await api().ask(
      `mutation { ...Both }
       fragment Both on Mutation {
         a: beginSignInWith(input: { provider: "desk" }) { result { id } }
         b: beginSignInWith(input: { provider: "desk" }) { result { id } }
       }`,
    )

    expect(data).toBeUndefined()
    expect(errors).toMatchObject([notAlone])
  })

  test('is turned away when the table is full, until what was begun has expired', async () => {
    await fill(20_000, null)
    const refused = await askToBegin(api(), 'desk')
    await query(`update app_private.open_id_attempts set expires_at = now() where provider = 'flood'`)
    const later = await askToBegin(api(), 'desk')

    expect(refused.errors?.[0]).toMatchObject({
      message: 'Too many sign-ins have been begun and not finished.',
    })
    expect(later.errors).toBeUndefined()
    expect(await query(`select 1 from app_private.open_id_attempts where provider = 'flood'`)).toEqual([])
  })

  test('of one network is turned away, and no other network with it', async () => {
    const beginFrom = (address: string) =>
      query(
        `with request as materialized (select set_config('plinth.request', $1, true) as facts)
         select begun.id from request, app_hidden.begin_open_id_attempt(
           'flood', sha256(convert_to(left(facts, 0), 'UTF8')), 'x', 'x', false
         ) as begun`,
        [JSON.stringify({ address })],
      )
    await fill(300, '192.0.2.1/32')

    await expect(beginFrom('192.0.2.1')).rejects.toMatchObject({ code: 'TMANY' })
    expect(await beginFrom('192.0.2.2')).toHaveLength(1)
    await drain()
  })
})
