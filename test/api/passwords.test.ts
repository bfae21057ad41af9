import { hash } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Log } from '../../src/log.ts'
import { makeBreachedPasswords } from '../../src/passwords/breached.ts'
import { makeStrengthJudge } from '../../src/passwords/strength.ts'
import { makeApi, type TestApi, useApi } from '../support/api.ts'

let leaks: Server
let careful: TestApi
let alone: TestApi
afterAll(async () => {
  await Promise.all([careful.close(), alone.close()]) // before their database is dropped
  await new Promise((resolve) => leaks.close(resolve))
})
const { api, database } = useApi(
  {},
  `create function app_public.keep_secret(the_email text, name text, new_secret text) returns text
     language sql volatile as 'select new_secret';
   comment on function app_public.keep_secret(text, text, text) is E'@newPassword new_secret\\nKeeps it.';
   grant execute on function app_public.keep_secret(text, text, text) to plinth_anonymous;`,
)

/** What the list was asked, and what it answers with. */
const asked: { path: string; padding: unknown }[] = []
let answer: (prefix: string) => { status: number; lines: string[] } | null
const digest = (password: string) => hash('sha1', password).toUpperCase()
const leaked = 'obelisk-marmalade-trombone'
const padded = 'quixotic-lantern-pavement'

beforeAll(async () => {
  leaks = createServer((request, response) => {
    asked.push({ path: request.url ?? '', padding: request.headers['add-padding'] })
    const given = answer(request.url!.slice(-5))
    if (given) response.writeHead(given.status).end(given.lines.join('\r\n')) // or never
  })
  await new Promise<void>((resolve) => leaks.listen(0, '127.0.0.1', resolve))
  const { port } = leaks.address() as AddressInfo
  careful = await makeApi(database(), { BREACHED_PASSWORDS_URL: `http://127.0.0.1:${port}/range` })
  alone = await makeApi(database(), { BREACHED_PASSWORDS_URL: 'http://127.0.0.1:1/range/' })
})

const keep = (of: TestApi, secret: string, email = 'zoe@example.com', name = 'Zoe') =>
  of.ask(
    `mutation ($email: String!, $name: String!, $secret: String!) {
       keepSecret(input: { theEmail: $email, name: $name, newSecret: $secret }) { result }
     }`,
    { variables: { email, name, secret } },
  )

describe('a new password', () => {
  test.each([
    ['1234567890', /frequently used/],
    ['password123', /commonly used/],
    ['P@ssw0rd123!', /commonly used/],
    ['qwertyuiop', /./],
    ['abcdefghijklmnop', /./],
    ['aaaaaaaaaaaaaaaaaaaa', /[Rr]epeated/],
    ['1984-01-01', /./],
  ])('%s is refused at its argument, in words', async (secret, words) => {
    const { data, errors } = await keep(api(), secret)

    expect(data).toBeNull()
    expect(errors).toEqual([
      expect.objectContaining({
        message: expect.stringMatching(words),
        extensions: expect.objectContaining({
          code: 'BAD_USER_INPUT',
          arguments: [['input', 'newSecret']],
          hint: expect.stringMatching(/^[A-Z].*\.$/),
        }),
      }),
    ])
    expect(JSON.stringify(errors)).not.toContain(secret)
  })

  test.each([
    'correct horse battery',
    'Tr0ub4dor&3x',
    'x7Kq!m2Lp0Zw',
    'ein Satz mit fünf Wörtern',
    '🐢🐢🦀🐙🦑🐡🐠🐟🐬🐳',
  ])('%s is kept as its hash', async (secret) => {
    const { data } = await keep(api(), secret)

    expect(data!.keepSecret.result).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
  })

  test('that is good for others is refused to whom it names', async () => {
    const secret = 'krautzenfeld'

    const others = await keep(api(), secret)
    const own = [
      await keep(api(), secret, 'k@example.com', 'Karl Krautzenfeld'),
      await keep(api(), secret, 'krautzenfeld@example.com'),
    ]

    expect(others.errors).toBeUndefined()
    expect(own.map(({ errors }) => errors?.[0]?.extensions?.code)).toEqual([
      'BAD_USER_INPUT',
      'BAD_USER_INPUT',
    ])
  })

  test('is judged by how it begins where it is long, and by arguments that are long as well', async () => {
    const long = await keep(api(), 'x7Kq!m2Lp0Zw'.repeat(16), 'e'.repeat(90_000))

    expect(long.data!.keepSecret.result).toMatch(/^\$argon2id\$/)
  })

  test('of too few or too many characters is refused as before', async () => {
    for (const secret of ['x7Kq!m2Lp', 'x'.repeat(201)]) {
      const { errors } = await keep(api(), secret)

      expect(errors?.[0]).toMatchObject({ message: 'A password has 10 to 200 characters.' })
    }
  })
})

describe('a list of leaked passwords', () => {
  test('is told five digits, and a password that is on it is refused', async () => {
    answer = () => ({ status: 200, lines: [`${'0'.repeat(35)}:7`, `${digest(leaked).slice(5)}:2`] })
    asked.length = 0

    const { errors } = await keep(careful, leaked)

    expect(errors?.[0]).toMatchObject({
      message: 'This password is known from a leak elsewhere.',
      extensions: { code: 'BAD_USER_INPUT', arguments: [['input', 'newSecret']] },
    })
    expect(asked).toEqual([{ path: `/range/${digest(leaked).slice(0, 5)}`, padding: 'true' }])
  })

  test('does not count what it has for padding, or begins the same', async () => {
    answer = () => ({ status: 200, lines: [`${digest(padded).slice(5)}:0`, `${digest(leaked).slice(5)}:9`] })

    expect((await keep(careful, padded)).data!.keepSecret.result).toMatch(/^\$argon2id\$/)
  })

  test('is not asked about a password that is refused anyway', async () => {
    asked.length = 0

    await keep(careful, 'password123')

    expect(asked).toEqual([])
  })

  test('that fails, is silent or is not there has the password accepted', async () => {
    const fine = /^\$argon2id\$/

    answer = () => ({ status: 500, lines: [] })
    expect((await keep(careful, leaked)).data!.keepSecret.result).toMatch(fine)
    answer = () => null
    expect((await keep(careful, leaked)).data!.keepSecret.result).toMatch(fine)
    expect((await keep(alone, leaked)).data!.keepSecret.result).toMatch(fine)
  })

  test('that is away is a warning in the log, one for each time, and without a trace of the password', async () => {
    const warnings: unknown[] = []
    const log = { warn: (...words: unknown[]) => warnings.push(words) } as unknown as Log
    const { port } = leaks.address() as AddressInfo
    const isBreached = makeBreachedPasswords(`http://127.0.0.1:${port}/`, log)
    const fails = () => ({ status: 503, lines: [] })

    answer = fails
    const during = [await isBreached(leaked), await isBreached(leaked)]
    answer = () => ({ status: 200, lines: [`${digest(leaked).slice(5)}:1`] })
    const between = await isBreached(leaked)
    answer = fails
    await isBreached(leaked)

    expect([...during, between]).toEqual([false, false, true])
    expect(warnings).toHaveLength(2)
    expect(JSON.stringify(warnings)).not.toMatch(new RegExp(`${leaked}|${digest(leaked).slice(0, 5)}`))
  })
})

describe('the thread that judges', () => {
  test('begins again after it was ended, and whoever waited for it is told', async () => {
    const judge = makeStrengthJudge()
    const first = judge.strengthOf('x7Kq!m2Lp0Zw', [])
    const ended = expect(first).rejects.toThrow('has ended')

    await new Promise(setImmediate) // it has been asked by then, and takes longer to begin
    await judge.close()
    await ended
    const second = await judge.strengthOf('x7Kq!m2Lp0Zw', [])
    await judge.close()

    expect(second.score).toBe(4)
  })

  test('has a queue with an end', async () => {
    const judge = makeStrengthJudge()

    const judged = await Promise.allSettled(
      Array.from({ length: 45 }, () => judge.strengthOf('x7Kq!m2Lp0Zw', [])),
    )
    await judge.close()

    const refused = judged.filter(({ status }) => status === 'rejected')
    expect(refused).toHaveLength(4)
    expect(refused[0]).toMatchObject({ reason: { code: 'UNAVAILABLE' } })
  })
})
