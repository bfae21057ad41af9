import { createHash } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import { withConnection } from '../../src/database/connection.ts'
import { confirm, makeAccounts } from '../support/account.ts'
import { useApi } from '../support/api.ts'
import { deliver } from '../support/post.ts'
import { subscribeTo } from '../support/subscriber.ts'

const { api, database } = useApi()
const accounts = makeAccounts(api, database)
const run = (sql: string, values: unknown[] = []) =>
  withConnection(database().ownerUrl, async (client) => (await client.query(sql, values)).rows as unknown[])

const hashOf = (token: string) => createHash('sha256').update(token).digest()

/** Has a session be eleven minutes old. */
const age = (token: string) =>
  run(
    `update app_public.sessions set created_at = created_at - interval '11 minutes'
     where id = (select session_id from app_private.tokens where hash = $1)`,
    [hashOf(token)],
  )

const codeOf = ({ errors }: { errors?: { extensions?: Record<string, unknown> }[] }) =>
  errors?.[0]?.extensions?.code

const createKey = `mutation ($canWrite: Boolean!) {
  createApiKey(input: { name: "Backup", canWrite: $canWrite, expiresAt: "2027-01-31T00:00:00Z" }) {
    result { id token }
  }
}`
const rename = `mutation { updatePerson(input: { id: "ID", patch: { name: "Zoë" } }) { person { name } } }`
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
    await run('update app_private.tokens set expires_at = now() where hash = $1', [hashOf(token)])

    for (const given of [token, 'ab'.repeat(32)]) {
      expect(codeOf(await api().ask('{ currentPerson { name } }', { token: given }))).toBe('UNAUTHENTICATED')
    }
    const noToken = await api().ask('{ currentPerson { name } }', { token: 'white space' })
    expect(noToken.status).toBe(401)
  })
})

describe('API keys', () => {
  test('a key to read reads, and changes nothing', async () => {
    const token = await accounts.make('reader@example.com')
    const { data } = await api().ask(createKey, { token, variables: { canWrite: false } })
    const key = data!.createApiKey.result.token as string
    const me = await api().ask('{ currentPerson { id name } currentSession { id } }', { token: key })
    const id = me.data!.currentPerson.id as string

    const tried = await api().ask(rename.replace('ID', id), { token: key })
    const alsoTried = await api().ask(
      'mutation { createOrganization(input: { name: "Mine" }) { result { id } } }',
      {
        token: key,
      },
    )

    expect(me.data).toMatchObject({ currentPerson: { name: 'Zoe' }, currentSession: null })
    for (const answer of [tried, alsoTried]) {
      expect(codeOf(answer)).toBe('FORBIDDEN')
      expect(answer.errors?.[0]?.message).toBe('This token may only read.')
    }
  })

  test('a key to write writes, and does not touch credentials', async () => {
    const token = await accounts.make('writer@example.com')
    const { data } = await api().ask(createKey, { token, variables: { canWrite: true } })
    const key = data!.createApiKey.result.token as string
    const me = await api().ask('{ currentPerson { id } }', { token: key })

    const renamed = await api().ask(rename.replace('ID', me.data!.currentPerson.id as string), { token: key })
    const tried = [
      await api().ask(createKey, { token: key, variables: { canWrite: true } }),
      await api().ask(
        'mutation { changePassword(input: { password: "a much better password" }) { result } }',
        {
          token: key,
        },
      ),
      await api().ask('mutation { addEmailAddress(input: { email: "w2@example.com" }) { result { id } } }', {
        token: key,
      }),
    ]

    expect(renamed.data).toEqual({ updatePerson: { person: { name: 'Zoë' } } })
    expect(tried.map(codeOf)).toEqual(Array(3).fill('SIGN_IN_AGAIN'))
  })

  test('a key that is deleted is refused by the next statement, and closes what is open', async () => {
    const token = await accounts.make('revoker@example.com')
    const { data } = await api().ask(createKey, { token, variables: { canWrite: false } })
    const { id, token: key } = data!.createApiKey.result as { id: string; token: string }
    const subscriber = subscribeTo(api().url, doors, { token: key })
    await subscriber.until(1)
    const began = performance.now()

    await api().ask(`mutation { deleteApiKey(input: { id: "${id}" }) { apiKey { id } } }`, { token })
    const after = await accounts.counts(key)
    const { code } = await subscriber.closed

    expect(after).toBe(false)
    expect(code).toBe(4401)
    expect(performance.now() - began).toBeLessThan(1000)
  })
})

describe('what needs a recent sign-in', () => {
  test.each([
    'changePassword(input: { password: "a much better password" }) { result }',
    'addEmailAddress(input: { email: "more@example.com" }) { result { id } }',
    'createApiKey(input: { name: "k", canWrite: false, expiresAt: "2026-12-31" }) { result { id } }',
  ])('after eleven minutes a person is asked to sign in again for %s', async (field) => {
    const email = `${createHash('sha1').update(field).digest('hex')}@example.com`
    const token = await accounts.make(email)
    await age(token)

    const tried = await api().ask(`mutation { ${field} }`, { token })
    const fresh = (await accounts.signIn(email))!
    const again = await api().ask(`mutation { ${field} }`, { token: fresh })

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

describe('addresses', () => {
  const add = `mutation ($email: String!) { addEmailAddress(input: { email: $email }) { result { id } } }`
  const confirmAddress = confirm('confirmEmailAddress', '{ id address isPrimary }')

  test('a person adds one, signs in with it, makes it primary and removes the first', async () => {
    const token = await accounts.make('first@example.com')
    const { id, code } = await accounts.code(add, { email: 'second@example.com' }, token)

    const { data } = await api().ask(confirmAddress, { token, variables: { id, code } })
    const notices = await deliver(database())
    const added = data!.confirmEmailAddress.result as { id: string }
    const list = await api().ask(
      '{ emailAddresses(filter: { isPrimary: { equalTo: true } }) { nodes { id } } }',
      {
        token,
      },
    )
    const first = list.data!.emailAddresses.nodes[0].id as string
    await api().ask(`mutation { makeEmailAddressPrimary(input: { id: "${added.id}" }) { result { id } } }`, {
      token,
    })
    const removed = await api().ask(`mutation { removeEmailAddress(input: { id: "${first}" }) { result } }`, {
      token,
    })
    const told = await deliver(database())

    expect(added).toMatchObject({ address: 'second@example.com', isPrimary: false })
    expect(notices.map(({ to, values }) => [to, values.what as string])).toEqual([
      ['first@example.com', 'An address was added to your account (second@example.com)'],
    ])
    expect(removed.data).toEqual({ removeEmailAddress: { result: true } })
    // By the time they are sent the first address is gone; of its own end it is told all the same.
    expect(told.map(({ to, values }) => [to, values.what as string])).toEqual([
      ['second@example.com', 'Your mail goes to another address now (second@example.com)'],
      ['first@example.com', 'An address was removed from your account (first@example.com)'],
      ['second@example.com', 'An address was removed from your account (first@example.com)'],
    ])
    expect(await accounts.signIn('second@example.com')).not.toBeNull()
    expect(await accounts.signIn('first@example.com')).toBeNull()
  })

  test('somebody else’s address is told, and not given', async () => {
    await accounts.make('theirs@example.com')
    const token = await accounts.make('grabber@example.com')

    const { id, mails } = await accounts.code(add, { email: 'theirs@example.com' }, token)
    const { data } = await api().ask(confirmAddress, { token, variables: { id, code: 'AAAA-AAAA' } })

    expect(mails.map(({ name, to }) => [name, to])).toEqual([['address-in-use', 'theirs@example.com']])
    expect(data).toEqual({ confirmEmailAddress: { result: null } })
  })
})
