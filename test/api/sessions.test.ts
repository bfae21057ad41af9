import { describe, expect, test } from '@jest/globals'
import { createKey, makeAccounts, tomorrow } from '../support/account.ts'
import { useApi } from '../support/api.ts'
import { codeOf } from '../support/ask.ts'
import { deliver } from '../support/post.ts'
import { ageSession } from '../support/sessions.ts'
import { subscribeTo } from '../support/subscriber.ts'

const { api, database, run } = useApi()
const accounts = makeAccounts(api, database)

const doors = 'subscription { doorChanged { event } }'

describe('sessions', () => {
  test('a person sees where they are signed in, names it, and ends one elsewhere at once', async () => {
    const token = await accounts.make('sessions@example.com')
    const other = (await accounts.signIn('sessions@example.com'))!
    const { data } = await api().ask(
      '{ currentSession { id } sessions(orderBy: [CREATED_AT_ASC]) { nodes { id client network lastUsedAt } } }',
      { token },
    )
    const [mine, elsewhere] = data!.sessions.nodes as { id: string }[]

    const named = await api().ask(
      `mutation { updateSession(input: { id: "${mine!.id}", patch: { name: "Laptop" } }) { session { name } } }`,
      { token },
    )
    await api().ask(`mutation { deleteSession(input: { id: "${elsewhere!.id}" }) { session { id } } }`, {
      token,
    })

    expect(data!.currentSession).toEqual({ id: mine!.id })
    expect(data!.sessions.nodes[0]).toMatchObject({ client: 'node', network: '127.0.0.0/24' })
    expect(named.data).toEqual({ updateSession: { session: { name: 'Laptop' } } })
    expect(await accounts.counts(token)).toBe(true)
    expect(await accounts.counts(other)).toBe(false)
  })

  test('nobody sees or ends the session of somebody else', async () => {
    const token = await accounts.make('victim@example.com')
    const stranger = await accounts.make('stranger@example.com')
    const { data } = await api().ask('{ currentSession { id } }', { token })
    const id = data!.currentSession.id as string

    const seen = await api().ask(`{ session(id: "${id}") { id } }`, { token: stranger })
    const ended = await api().ask(`mutation { deleteSession(input: { id: "${id}" }) { session { id } } }`, {
      token: stranger,
    })

    expect(seen.data).toEqual({ session: null })
    expect(codeOf(ended)).toBe('NOT_FOUND')
    expect(await accounts.counts(token)).toBe(true)
  })

  test('the token is refused from the next request on after signing out', async () => {
    const token = await accounts.make('leaver@example.com')

    const left = await api().ask('mutation { signOut(input: {}) { result } }', { token })
    const after = await api().ask('{ currentPerson { name } }', { token })

    expect(left.data).toEqual({ signOut: { result: true } })
    expect(codeOf(after)).toBe('UNAUTHENTICATED')
    expect(after.data).toEqual({ currentPerson: null })
  })

  test('signing out everywhere ends every session, and closes what is open', async () => {
    const token = await accounts.make('everywhere@example.com')
    const other = (await accounts.signIn('everywhere@example.com'))!
    const subscriber = subscribeTo(api().url, doors, { token: other })
    await subscriber.until(1)
    const began = performance.now()

    const { data } = await api().ask('mutation { signOutEverywhere(input: {}) { result } }', { token })
    const { code } = await subscriber.closed

    expect(data).toEqual({ signOutEverywhere: { result: 2 } })
    expect(code).toBe(4401)
    expect(performance.now() - began).toBeLessThan(1000)
    expect([await accounts.counts(token), await accounts.counts(other)]).toEqual([false, false])
  })

  test('an expired session is refused, and so is a token that never was', async () => {
    const token = await accounts.make('expired@example.com')
    await run(
      `update app_private.tokens set expires_at = now() where hash = sha256(convert_to($1, 'UTF8'))`,
      [token],
    )

    for (const given of [token, 'ab'.repeat(32)]) {
      expect(codeOf(await api().ask('{ currentPerson { name } }', { token: given }))).toBe('UNAUTHENTICATED')
    }
    const noToken = await api().ask('{ currentPerson { name } }', { token: 'white space' })
    expect(noToken.status).toBe(401)
  })
})

describe('what needs a recent sign-in', () => {
  test.each([
    ['changePassword', 'password: "a much better password"', 'result'],
    ['addEmailAddress', 'email: "more@example.com"', 'result { id }'],
    ['createApiKey', `name: "k", canWrite: false, expiresAt: "${tomorrow}"`, 'result { id }'],
  ])('after eleven minutes a person is asked to sign in again for %s', async (field, input, result) => {
    const operation = `mutation { ${field}(input: { ${input} }) { ${result} } }`
    const email = `${field.toLowerCase()}@example.com`
    const token = await accounts.make(email)
    await ageSession(run, token)

    const tried = await api().ask(operation, { token })
    const fresh = (await accounts.signIn(email))!
    const again = await api().ask(operation, { token: fresh })

    expect(codeOf(tried)).toBe('SIGN_IN_AGAIN')
    expect(again.errors).toBeUndefined()
  })

  test('nobody has passwords judged and hashed again and again, and for nothing', async () => {
    const token = await accounts.make('hasher@example.com')
    const { data } = await api().ask(createKey, { token, variables: { canWrite: true } })
    const change = (password: string, bearer = token) =>
      api().ask(`mutation { changePassword(input: { password: "${password}" }) { result } }`, {
        token: bearer,
      })

    // One that is easy to guess would be refused for that, were it looked at.
    const byKey = await change('password123', data!.createApiKey.result.token as string)
    const many = await api().ask(
      `mutation {
        one: changePassword(input: { password: "password123" }) { result }
        two: changePassword(input: { password: "password123" }) { result }
      }`,
      { token },
    )
    const codes = []
    for (let index = 0; index <= 20; index++) codes.push(codeOf(await change('password123')))

    expect(codeOf(byKey)).toBe('SIGN_IN_AGAIN')
    expect(codeOf(many)).toBe('GRAPHQL_VALIDATION_FAILED')
    expect(codes).toEqual([...Array<string>(20).fill('BAD_USER_INPUT'), 'TOO_MANY_ATTEMPTS'])
  })

  test('a changed password ends the other sessions and is told by mail', async () => {
    const token = await accounts.make('changer@example.com')
    const other = (await accounts.signIn('changer@example.com'))!

    await api().ask('mutation { changePassword(input: { password: "a much better password" }) { result } }', {
      token,
    })
    const mails = await deliver(database())

    expect([await accounts.counts(token), await accounts.counts(other)]).toEqual([true, false])
    expect(mails).toMatchObject([
      {
        name: 'security-notice',
        to: 'changer@example.com',
        values: { name: 'Zoe', what: 'Your password was changed', client: 'node', network: '127.0.0.0/24' },
      },
    ])
  })
})
