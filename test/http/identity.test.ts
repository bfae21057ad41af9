// Longer than most: a list of tokens, good and bad, and what becomes of each.

import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { CompactSign, exportJWK, exportSPKI, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import { loadConfig } from '../../src/config.ts'
import { bearerToken, type Identify, makeIdentify } from '../../src/http/identity.ts'

const secret = 'a secret of more than thirty-two characters'
const bytes = (text: string) => new TextEncoder().encode(text)

/** The way of a database that is served as it is. */
const identifyWith = (env: Record<string, string>): Identify =>
  makeIdentify(
    loadConfig({ env: { DATABASE_URL: 'postgres://nobody@localhost/none', SCHEMAS: 'public', ...env } }),
  )

const sign = (
  payload: JWTPayload,
  key: string | CryptoKey = secret,
  header: { alg?: string; kid?: string } = {},
) =>
  new SignJWT(payload)
    .setProtectedHeader({ alg: 'HS256', ...header })
    .sign(typeof key === 'string' ? bytes(key) : key)

/** As written, which may be more than an object can hold. */
const signText = (payload: string) =>
  new CompactSign(bytes(payload)).setProtectedHeader({ alg: 'HS256' }).sign(bytes(secret))

const base64url = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const inSeconds = (seconds: number) => Math.floor(Date.now() / 1000) + seconds

describe('bearerToken', () => {
  test.each([undefined, ''])('gives null for a caller who sends %p', (header) => {
    expect(bearerToken(header)).toBeNull()
  })

  test('takes the scheme in any case', () => {
    expect(bearerToken('bearer  a.b-c_~+/==')).toBe('a.b-c_~+/==')
  })

  test.each([
    'Bearer',
    'Bearer ',
    'Basic YTpi',
    'a.b.c',
    'Bearer a b',
    'Bearer a,b',
    'Bearer a\u0000',
    ' Bearer a',
  ])('refuses a caller who sends %j', (header) => {
    expect(() => bearerToken(header)).toThrow(expect.objectContaining({ code: 'UNAUTHENTICATED' }))
  })
})

describe('a caller without a token', () => {
  test('runs as the role that signed in when no other is named', async () => {
    expect(await identifyWith({})(undefined)).toEqual({})
    expect(await identifyWith({ JWT_SECRET: secret })(undefined)).toEqual({ 'request.jwt.claims': '{}' })
  })

  test('runs as the anonymous role when there is one', async () => {
    expect(await identifyWith({ ROLE_ANONYMOUS: 'guest' })(undefined)).toEqual({ role: 'guest' })
    expect(await identifyWith({ JWT_SECRET: secret, ROLE_ANONYMOUS: 'guest' })(undefined)).toEqual({
      role: 'guest',
      'request.jwt.claims': '{"role":"guest"}',
      'jwt.claims.role': 'guest',
    })
  })
})

describe('a caller with a token signed with the secret', () => {
  const identify = identifyWith({
    JWT_SECRET: secret,
    JWT_AUDIENCE: 'plinth',
    JWT_ISSUER: 'https://issuer.test',
  })
  const good = { aud: 'plinth', iss: 'https://issuer.test', sub: 'alice' }
  const settingsOf = async (payload: JWTPayload) => identify(`Bearer ${await sign({ ...good, ...payload })}`)

  test('brings role and claims', async () => {
    const settings = await settingsOf({
      role: 'member',
      level: 3,
      tags: ['a'],
      org: { id: 1 },
      nothing: null,
    })

    expect(settings).toEqual({
      role: 'member',
      'request.jwt.claims': JSON.stringify({
        ...good,
        role: 'member',
        level: 3,
        tags: ['a'],
        org: { id: 1 },
        nothing: null,
      }),
      'jwt.claims.aud': 'plinth',
      'jwt.claims.iss': 'https://issuer.test',
      'jwt.claims.sub': 'alice',
      'jwt.claims.role': 'member',
      'jwt.claims.level': '3',
      'jwt.claims.tags': '["a"]',
      'jwt.claims.org': '{"id":1}',
    })
  })

  test.each(['HS256', 'HS384', 'HS512'])('may sign it by %s', async (alg) => {
    const settings = await identify(`Bearer ${await sign(good, secret, { alg })}`)

    expect(settings['jwt.claims.sub']).toBe('alice')
  })

  const [header, body] = [base64url({ alg: 'HS256' }), base64url(good)]
  test.each<[string, () => string | Promise<string>]>([
    ['has expired', () => sign({ ...good, exp: inSeconds(-1) })],
    ['does not count yet', () => sign({ ...good, nbf: inSeconds(60) })],
    ['is for another audience', () => sign({ ...good, aud: 'others' })],
    ['is for no audience', () => sign({ iss: good.iss })],
    ['is by another issuer', () => sign({ ...good, iss: 'https://other.test' })],
    ['is by no issuer', () => sign({ aud: good.aud })],
    ['is signed with another secret', () => sign(good, 'another secret of more than 32 characters')],
    ['is not signed', () => `${base64url({ alg: 'none' })}.${body}.`],
    ['says that it need not be signed', () => `${base64url({ alg: 'nOnE' })}.${body}.AAAA`],
    ['has an empty signature', () => `${header}.${body}.`],
    [
      'has the signature of another',
      async () => `${header}.${body}.${(await sign({ sub: 'bob' })).split('.')[2]}`,
    ],
    ['has no header', () => `.${body}.AAAA`],
    ['has too few parts', () => `${header}.${body}`],
    ['has too many parts', () => `${header}.${body}.AAAA.AAAA.AAAA`],
    ['is not JSON', () => `${Buffer.from('{').toString('base64url')}.${body}.AAAA`],
    ['is a text and no object', () => signText('"alice"')],
    ['asks for what nobody knows', () => `${base64url({ alg: 'HS256', crit: ['x'], x: 1 })}.${body}.AAAA`],
    ['is signed by an algorithm for key pairs', () => `${base64url({ alg: 'RS256' })}.${body}.AAAA`],
    ['expires at a text', () => sign({ ...good, exp: 'tomorrow' as unknown as number })],
    ['is nested without end', () => signText(`{"deep":${'['.repeat(5000)}${']'.repeat(5000)}}`)],
  ])('is refused when it %s', async (_fault, token) => {
    const refused = identify(`Bearer ${await token()}`)

    await expect(refused).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
  })

  test('cannot touch any setting but those of claims', async () => {
    const names = [
      'search_path',
      'jwt.claims.sub',
      'request.jwt.claims',
      'role ',
      'session.role',
      '__proto__',
    ]
    const others = ['constructor', 'a b', 'é', '1', 'x'.repeat(60), '']
    const claims = [...names, ...others].map((name) => `${JSON.stringify(name)}: "evil"`)

    const settings = await identifyWith({ JWT_SECRET: secret })(
      `Bearer ${await signText(`{"sub": "alice", ${claims.join()}}`)}`,
    )

    expect(Object.keys(settings).toSorted()).toEqual(
      ['__proto__', 'constructor', 'search_path', 'sub']
        .map((name) => `jwt.claims.${name}`)
        .concat('request.jwt.claims')
        .toSorted(),
    )
    expect(settings['jwt.claims.sub']).toBe('alice')
  })

  test('has one role, and the same everywhere, also when the token says two', async () => {
    const settings = await identifyWith({ JWT_SECRET: secret })(
      `Bearer ${await signText('{"role": "admin", "role": "member"}')}`,
    )

    expect(settings).toEqual({
      role: 'member',
      'request.jwt.claims': '{"role":"member"}',
      'jwt.claims.role': 'member',
    })
  })

  test('cannot speak for another claim by writing it in capitals', async () => {
    const settings = await settingsOf({ SUB: 'bob', Role: 'admin', userId: 'kept', orgId: '1', ORGID: '2' })

    expect(settings['jwt.claims.sub']).toBe('alice')
    expect(settings['jwt.claims.userId']).toBe('kept')
    expect(Object.keys(settings).map((name) => name.toLowerCase())).not.toContain('jwt.claims.orgid')
    expect(Object.keys(settings)).not.toContain('jwt.claims.Role')
    expect(settings.role).toBeUndefined()
  })

  test('may hold what no text in Postgres can', async () => {
    const settings = await settingsOf({
      nul: 'a\u0000b',
      half: '\ud800',
      kept: '\\u0000 \ud83d\udeaa',
      'k\u0000': 1,
    })

    expect(settings['jwt.claims.nul']).toBe('a\ufffdb')
    expect(settings['jwt.claims.half']).toBe('\ufffd')
    expect(settings['jwt.claims.kept']).toBe('\\u0000 \ud83d\udeaa')
    expect(JSON.parse(settings['request.jwt.claims']!)).toMatchObject({ nul: 'a\ufffdb', 'k\ufffd': 1 })
  })

  test('runs as the anonymous role when the role is no name', async () => {
    const guest = identifyWith({ JWT_SECRET: secret, ROLE_ANONYMOUS: 'guest' })

    for (const role of [undefined, '', 7, ['admin'], { admin: true }, null]) {
      expect(await guest(`Bearer ${await sign({ role })}`)).toMatchObject({ role: 'guest' })
    }
  })

  test('cannot become whoever signed in', async () => {
    await expect(settingsOf({ role: 'none' })).rejects.toMatchObject({ code: 'FORBIDDEN' })
  })

  test('may name the role in another claim', async () => {
    const other = identifyWith({ JWT_SECRET: secret, JWT_ROLE_CLAIM: 'https://plinth.test/role' })

    const settings = await other(
      `Bearer ${await sign({ role: 'admin', 'https://plinth.test/role': 'member' })}`,
    )

    expect(settings).toMatchObject({ role: 'member', 'jwt.claims.role': 'admin' })
  })
})

describe('a caller with a token signed with a key that an address lists', () => {
  let rsa: CryptoKeyPair
  let ec: CryptoKeyPair
  let stranger: CryptoKeyPair
  let server: Server
  let answer: () => { status: number; body: string }
  let asked = 0
  let identify: Identify

  beforeAll(async () => {
    ;[rsa, ec, stranger] = await Promise.all([
      generateKeyPair('RS256', { extractable: true }),
      generateKeyPair('ES256', { extractable: true }),
      generateKeyPair('RS256', { extractable: true }),
    ])
    const keys = [
      { ...(await exportJWK(rsa.publicKey)), kid: 'rsa', alg: 'RS256', use: 'sig' },
      { ...(await exportJWK(ec.publicKey)), kid: 'ec', alg: 'ES256', use: 'sig' },
    ]
    answer = () => ({ status: 200, body: JSON.stringify({ keys }) })
    server = createServer((_request, response) => {
      asked++
      const { status, body } = answer()
      response.writeHead(status, { 'Content-Type': 'application/json' }).end(body)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    identify = identifyWith({ JWT_JWKS_URL: address() })
  })
  afterAll(() => new Promise((resolve) => server.close(resolve)))
  const address = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`

  test('is known by an RS256 and by an ES256 signature', async () => {
    const byRsa = await sign({ sub: 'alice', role: 'member' }, rsa.privateKey, { alg: 'RS256', kid: 'rsa' })
    const byEc = await sign({ sub: 'bob' }, ec.privateKey, { alg: 'ES256', kid: 'ec' })

    expect(await identify(`Bearer ${byRsa}`)).toMatchObject({ role: 'member', 'jwt.claims.sub': 'alice' })
    expect(await identify(`Bearer ${byEc}`)).toMatchObject({ 'jwt.claims.sub': 'bob' })
  })

  test('has the keys asked for once, not per request', async () => {
    const token = await sign({}, rsa.privateKey, { alg: 'RS256', kid: 'rsa' })
    await identify(`Bearer ${token}`)
    const before = asked

    for (let time = 0; time < 20; time++) await identify(`Bearer ${token}`)

    expect(asked).toBe(before)
  })

  test.each<[string, () => Promise<string> | string]>([
    ['is by a stranger', () => sign({}, stranger.privateKey, { alg: 'RS256', kid: 'rsa' })],
    ['names a key that is not listed', () => sign({}, stranger.privateKey, { alg: 'RS256', kid: 'other' })],
    ['names the key of another algorithm', () => sign({}, rsa.privateKey, { alg: 'RS256', kid: 'ec' })],
    ['has expired', () => sign({ exp: inSeconds(-1) }, ec.privateKey, { alg: 'ES256', kid: 'ec' })],
    ['is not signed', () => `${base64url({ alg: 'none', kid: 'rsa' })}.${base64url({})}.`],
    [
      'takes the public key for a secret',
      async () => sign({}, await exportSPKI(rsa.publicKey), { kid: 'rsa' }),
    ],
    [
      'takes the listed key for a secret',
      async () => sign({}, JSON.stringify(await exportJWK(rsa.publicKey)), { alg: 'HS256', kid: 'rsa' }),
    ],
  ])('is refused when the token %s', async (_fault, token) => {
    const refused = identify(`Bearer ${await token()}`)

    await expect(refused).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
  })

  describe('while the keys cannot be had', () => {
    const good = () => sign({}, rsa.privateKey, { alg: 'RS256', kid: 'rsa' })
    let listed: typeof answer
    beforeAll(() => {
      listed = answer
    })
    afterEach(() => {
      answer = listed
    })

    test.each([
      ['fails', 500, 'oops'],
      ['is not there', 404, '{"keys":[]}'],
      ['answers with a page', 200, '<html>'],
      ['answers with something else', 200, '{"keys":"none"}'],
    ])('is told to come back when the address %s', async (_fault, status, body) => {
      answer = () => ({ status, body })
      const fresh = identifyWith({ JWT_JWKS_URL: address() })

      await expect(fresh(`Bearer ${await good()}`)).rejects.toMatchObject({ code: 'UNAVAILABLE' })

      answer = listed
      expect(await fresh(`Bearer ${await good()}`)).toHaveProperty(['request.jwt.claims'])
    })

    test('is told to come back when nobody listens there', async () => {
      const dead = identifyWith({ JWT_JWKS_URL: 'http://127.0.0.1:1/keys' })

      await expect(dead(`Bearer ${await good()}`)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    })

    test('is refused, not put off, with what is no token', async () => {
      const dead = identifyWith({ JWT_JWKS_URL: 'http://127.0.0.1:1/keys' })

      await expect(dead('Bearer nothing')).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
    })
  })
})
