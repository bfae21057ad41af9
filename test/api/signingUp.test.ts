import { describe, expect, test } from '@jest/globals'
import { confirm, makeAccounts, password, signUp } from '../support/account.ts'
import { useApi } from '../support/api.ts'

const { api, database } = useApi()
const accounts = makeAccounts(api, database)

describe('signing up', () => {
  test('a newcomer signs up, gives the mailed code back, and is known by the token', async () => {
    const { id, code, mails } = await accounts.code(signUp, { email: ' Zoe@Example.com', password })
    const before = await accounts.signIn('zoe@example.com')
    const { data } = await api().ask(confirm('confirmSignUp'), { variables: { id, code } })

    const me = await api().ask(
      '{ currentPerson { name } emailAddresses { nodes { address isPrimary } } sessions { nodes { name } } }',
      { token: data!.confirmSignUp.result.token as string },
    )
    expect(mails.map(({ name, to }) => [name, to])).toEqual([['sign-up-code', 'zoe@example.com']])
    expect(before).toBeNull()
    expect(me.data).toEqual({
      currentPerson: { name: 'Zoe' },
      emailAddresses: { nodes: [{ address: 'zoe@example.com', isPrimary: true }] },
      sessions: { nodes: [{ name: null }] },
    })
    expect(await accounts.signIn('zoe@example.com')).toMatch(/^\w{64}$/)
  })

  test('a known address gets the answer of a new one; its owner is told, and keeps the password', async () => {
    await accounts.make('twice@example.com')

    const { id, code, mails } = await accounts.code(signUp, {
      email: 'twice@example.com',
      password: 'quite another password',
    })
    const { data } = await api().ask(confirm('confirmSignUp'), { variables: { id, code: 'AAAA-AAAA' } })

    expect(mails.map(({ name, to }) => [name, to])).toEqual([['already-registered', 'twice@example.com']])
    expect(code).toBeUndefined()
    expect(data).toEqual({ confirmSignUp: { result: null } })
    expect(await accounts.signIn('twice@example.com', 'quite another password')).toBeNull()
    expect(await accounts.signIn('twice@example.com')).not.toBeNull()
  })

  test('the mail does not name the request: nobody who presses on it gets a password of somebody else', async () => {
    const { id, code, mails } = await accounts.code(signUp, { email: 'wanted@example.com', password })

    expect(mails.map(({ values }) => values)).toEqual([{ code, minutes: 15 }])
    expect(JSON.stringify(mails)).not.toContain(id)
  })

  test('the answers for a known and an unknown address differ in their ids alone', async () => {
    await accounts.make('known@example.com')
    const shapes = []
    for (const email of ['known@example.com', 'unknown@example.com']) {
      const { status, data } = await api().ask(signUp, { variables: { email, password } })
      const { id, expiresAt } = data!.signUp.result as { id: string; expiresAt: string }
      shapes.push([status, Object.keys(data!), id.length, expiresAt.length])
    }

    expect(shapes[0]).toEqual(shapes[1])
  })

  test.each([
    ['no-address', password, 'email'],
    ['short@example.com', 'short', 'password'],
    ['long@example.com', 'x'.repeat(201), 'password'],
  ])('signing up as %s names the argument at fault', async (email, given, argument) => {
    const { errors } = await api().ask(signUp, { variables: { email, password: given } })

    expect(errors?.[0]?.extensions).toMatchObject({
      code: 'BAD_USER_INPUT',
      arguments: [['input', argument]],
      ...(argument === 'email' && { hint: 'Write it as name@example.com.' }),
    })
  })

  test('whoever gives the code twice at once has one account', async () => {
    const { id, code } = await accounts.code(signUp, { email: 'double@example.com', password })

    const answers = await Promise.all(
      Array.from({ length: 4 }, () => api().ask(confirm('confirmSignUp'), { variables: { id, code } })),
    )

    const tokens = answers.filter(({ data }) => data?.confirmSignUp.result)
    expect(tokens).toHaveLength(1)
  })

  test('the sixth guess at a code is not looked at, though it be right', async () => {
    const { id, code } = await accounts.code(signUp, { email: 'guess@example.com', password })
    for (let guess = 0; guess < 5; guess++) {
      await api().ask(confirm('confirmSignUp'), { variables: { id, code: 'AAAA-AAAA' } })
    }

    const { errors, status } = await api().ask(confirm('confirmSignUp'), { variables: { id, code } })

    expect(errors?.[0]?.extensions).toMatchObject({
      code: 'TOO_MANY_ATTEMPTS',
      retryable: true,
      retryAfter: expect.any(Number),
    })
    expect(status).toBe(429)
  })

  test('a password that is refused is no attempt', async () => {
    const { id, code } = await accounts.code(signUp, { email: 'picky@example.com', password })
    for (let slip = 0; slip < 6; slip++) {
      const { errors } = await api().ask(signUp, {
        variables: { email: 'picky@example.com', password: 'password123' },
      })
      expect(errors?.[0]?.extensions?.code).toBe('BAD_USER_INPUT')
    }

    const { data } = await api().ask(confirm('confirmSignUp'), { variables: { id, code } })
    const again = await api().ask(signUp, { variables: { email: 'picky@example.com', password } })

    expect(data!.confirmSignUp.result).not.toBeNull()
    expect(again.errors).toBeUndefined()
  })

  test('nobody is mailed more than five codes an hour, known or not', async () => {
    await accounts.make('often@example.com')
    const asked = []
    for (const email of ['often@example.com', 'never@example.com']) {
      for (let time = 0; time < 6; time++)
        asked.push(await api().ask(signUp, { variables: { email, password } }))
    }

    // The sign-up that made the account was one.
    expect(asked.map(({ errors }) => errors?.[0]?.extensions?.code ?? 'sent')).toEqual([
      ...Array<string>(4).fill('sent'),
      ...Array<string>(2).fill('TOO_MANY_ATTEMPTS'),
      ...Array<string>(5).fill('sent'),
      'TOO_MANY_ATTEMPTS',
    ])
  })
})
