import { describe, expect, test } from '@jest/globals'
import { confirm, makeAccounts, password, signIn, tomorrow } from '../support/account.ts'
import { makeApi, useApi } from '../support/api.ts'

const { api, database, run } = useApi()
const accounts = makeAccounts(api, database)

const requestCode = `mutation ($email: String!) { requestSignInCode(input: { email: $email }) { result { id } } }`
const requestReset = `mutation ($email: String!) { requestPasswordReset(input: { email: $email }) { result { id } } }`
const reset = `mutation ($id: UUID!, $code: String!, $password: String!) {
  resetPassword(input: { id: $id, code: $code, password: $password }) { result { token } }
}`

describe('signing in', () => {
  test('a wrong password and an unknown address get the same refusal', async () => {
    await accounts.make('right@example.com')

    const wrong = await api().ask(signIn, {
      variables: { email: 'right@example.com', password: 'wrong password' },
    })
    const unknown = await api().ask(signIn, { variables: { email: 'nobody@example.com', password } })

    expect(wrong).toEqual({ status: 200, data: { signIn: { result: null } } })
    expect(unknown).toEqual(wrong)
  })

  test('after ten wrong passwords not even the right one is looked at, and a mailed code still works', async () => {
    await accounts.make('target@example.com')
    for (let guess = 0; guess < 10; guess++)
      await accounts.signIn('target@example.com', `wrong password ${guess}`)

    const blocked = await api().ask(signIn, { variables: { email: 'target@example.com', password } })
    const { id, code } = await accounts.code(requestCode, { email: 'target@example.com' })
    const { data } = await api().ask(confirm('signInWithCode'), { variables: { id, code } })

    expect(blocked.data).toBeNull()
    expect(blocked.errors?.[0]?.extensions).toMatchObject({ code: 'TOO_MANY_ATTEMPTS' })
    expect(await accounts.counts(data!.signInWithCode.result.token as string)).toBe(true)
  })

  test('two servers give no more guesses than one', async () => {
    await accounts.make('both@example.com')
    const second = await makeApi(database())
    try {
      const answers = await Promise.all(
        Array.from({ length: 30 }, (_, number) =>
          (number % 2 ? second : api()).ask(signIn, {
            variables: { email: 'both@example.com', password: `wrong password ${number}` },
          }),
        ),
      )

      const looked = answers.filter(({ data }) => data !== null)
      expect(looked).toHaveLength(10)
    } finally {
      await second.close()
    }
  })

  test('many aliases in one request get no guess at all', async () => {
    await accounts.make('alias@example.com')
    const guesses = Array.from(
      { length: 20 },
      (_, n) =>
        `g${n}: signIn(input: { email: "alias@example.com", password: "${password}" }) { result { token } }`,
    )

    const { data, errors } = await api().ask(`mutation { ${guesses.join('\n')} }`)

    expect(data ?? null).toBeNull()
    expect(errors?.[0]?.extensions?.code).toBe('GRAPHQL_VALIDATION_FAILED')
  })

  test('an attempt that its request rolls back has been counted', async () => {
    await accounts.make('rollback@example.com')
    const failing = `mutation ($email: String!, $password: String!) {
      signIn(input: { email: $email, password: $password }) {
        result { token } query { offices(first: 1, after: "no cursor") { nodes { id } } }
      }
    }`
    const variables = { email: 'rollback@example.com', password: 'wrong password' }

    for (let guess = 0; guess < 10; guess++) {
      const { errors } = await api().ask(failing, { variables })
      expect(errors).toBeDefined()
    }
    const { errors } = await api().ask(signIn, { variables })

    expect(errors?.[0]?.extensions?.code).toBe('TOO_MANY_ATTEMPTS')
  })

  test('a mailed code is good for one session, in place of a password', async () => {
    await accounts.make('code@example.com')

    const { id, code, mails } = await accounts.code(requestCode, { email: 'code@example.com' })
    const first = await api().ask(confirm('signInWithCode'), { variables: { id, code } })
    const again = await api().ask(confirm('signInWithCode'), { variables: { id, code } })

    expect(mails[0]).toMatchObject({ name: 'sign-in-code', values: { name: 'Zoe', minutes: 15 } })
    expect(code).toMatch(/^[2-9A-HJKMNP-TV-Z]{4}-[2-9A-HJKMNP-TV-Z]{4}$/)
    expect(mails[0]!.values.link).toBe(`https://app.example.com/sign-in#${id}.${code}`)
    expect(await accounts.counts(first.data!.signInWithCode.result.token as string)).toBe(true)
    expect(again.data).toEqual({ signInWithCode: { result: null } })
  })

  test('whoever asks for a code at an unknown address gets a mail that says so', async () => {
    const { mails, code } = await accounts.code(requestCode, { email: 'stranger@example.com' })

    expect(mails.map(({ name, to }) => [name, to])).toEqual([['sign-in-unknown', 'stranger@example.com']])
    expect(code).toBeUndefined()
  })
})

describe('a forgotten password', () => {
  test('is replaced with a mailed code, which ends the old one and every session', async () => {
    const token = await accounts.make('forgot@example.com')
    const { id, code } = await accounts.code(requestReset, { email: 'forgot@example.com' })

    const weak = await api().ask(reset, { variables: { id, code, password: 'short' } })
    const { data } = await api().ask(reset, { variables: { id, code, password: 'a much better password' } })

    expect(weak.errors?.[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT' })
    expect(await accounts.counts(data!.resetPassword.result.token as string)).toBe(true)
    expect(await accounts.counts(token)).toBe(false)
    expect(await accounts.signIn('forgot@example.com')).toBeNull()
    expect(await accounts.signIn('forgot@example.com', 'a much better password')).not.toBeNull()
  })

  test('whoever asks at an unknown address gets a mail that says so', async () => {
    const { mails } = await accounts.code(requestReset, { email: 'unheard@example.com' })

    expect(mails.map(({ name }) => name)).toEqual(['reset-password-unknown'])
  })
})

describe('secrets', () => {
  test('no token, password or code is in the database or in a job as it is', async () => {
    const token = await accounts.make('secret@example.com')
    const { id, code } = await accounts.code(requestCode, { email: 'secret@example.com' })
    await api().ask(
      `mutation { createApiKey(input: { name: "k", canWrite: true, expiresAt: "${tomorrow}" }) { result { token } } }`,
      { token },
    )
    const tables = (await run(
      `select format('%I.%I', schemaname, tablename) as name from pg_tables
       where schemaname like 'app%' or schemaname like 'graphile%' or schemaname like 'plinth%'`,
    )) as { name: string }[]

    let all = ''
    for (const { name } of tables) {
      const [row] = (await run(`select string_agg(thing::text, ' ') as text from ${name} as thing`)) as {
        text: string | null
      }[]
      all += row!.text ?? ''
    }

    expect(all).toContain('$argon2id$')
    expect(all).toContain(id)
    for (const secret of [token, password, code, code.replace('-', '')]) expect(all).not.toContain(secret)
    expect(all).not.toMatch(/plinth_key_[0-9a-f]{9}/)
  })
})
