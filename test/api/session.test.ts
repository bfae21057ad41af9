import { describe, expect, test } from '@jest/globals'
import { withConnection } from '../../src/database/connection.ts'
import { useApi } from '../support/api.ts'

const { api, database } = useApi()

const signUp = `mutation ($email: String!, $password: String!) {
  signUp(input: { email: $email, name: "Zoe", password: $password }) { result }
}`
const signIn = `mutation ($email: String!, $password: String!) {
  signIn(input: { email: $email, password: $password }) { result { token expiresAt } }
}`
const password = 'correct horse battery'

async function signedIn(email: string): Promise<string> {
  await api().ask(signUp, { variables: { email, password } })
  const { data } = await api().ask(signIn, { variables: { email, password } })
  return data!.signIn.result.token as string
}

describe('signing up', () => {
  test('a newcomer signs up, signs in and is known by the token', async () => {
    const token = await signedIn('zoe@example.com')

    const { data } = await api().ask('{ currentPerson { name } emailAddresses { nodes { address } } }', {
      token,
    })

    expect(data).toEqual({
      currentPerson: { name: 'Zoe' },
      emailAddresses: { nodes: [{ address: 'zoe@example.com' }] },
    })
  })

  test('a known address gets the answer of a new one, and keeps its password', async () => {
    await signedIn('twice@example.com')

    const again = await api().ask(signUp, {
      variables: { email: ' Twice@Example.com', password: 'another password' },
    })
    const withOther = await api().ask(signIn, {
      variables: { email: 'twice@example.com', password: 'another password' },
    })

    expect(again.data).toEqual({ signUp: { result: 'twice@example.com' } })
    expect(withOther.data).toEqual({ signIn: { result: null } })
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

  test('a sign-up queues one welcome in its own transaction', async () => {
    await signedIn('queue@example.com')

    const { rows } = await withConnection(database().ownerUrl, (client) =>
      client.query(
        `select count(*)::int as count from graphile_worker._private_jobs as jobs
         join graphile_worker._private_tasks as tasks on tasks.id = jobs.task_id
         join app_public.email_addresses on email_addresses.person_id::text = jobs.payload->>'personId'
         where tasks.identifier = 'person__send_welcome' and email_addresses.address = 'queue@example.com'`,
      ),
    )

    expect(rows).toEqual([{ count: 1 }])
  })
})

describe('signing in', () => {
  test('a wrong password and an unknown address get the same refusal', async () => {
    await signedIn('right@example.com')

    const wrong = await api().ask(signIn, {
      variables: { email: 'right@example.com', password: 'wrong password' },
    })
    const unknown = await api().ask(signIn, { variables: { email: 'nobody@example.com', password } })

    expect(wrong).toEqual({ status: 200, data: { signIn: { result: null } } })
    expect(unknown).toEqual(wrong)
  })

  test('neither token nor password is stored as it is', async () => {
    const token = await signedIn('secret@example.com')

    const { rows } = await withConnection(database().ownerUrl, (client) =>
      client.query<{ text: string }>(
        `select concat(
           (select string_agg(sessions::text, '') from app_private.sessions),
           (select string_agg(passwords::text, '') from app_private.passwords),
           (select string_agg(payload::text, '') from graphile_worker._private_jobs)
         ) as text`,
      ),
    )

    expect(rows[0]!.text).toContain('$argon2id$')
    expect(rows[0]!.text).not.toContain(token)
    expect(rows[0]!.text).not.toContain(password)
  })
})

describe('signing out', () => {
  test('the token is refused from the next request on', async () => {
    const token = await signedIn('leaver@example.com')

    const left = await api().ask('mutation { signOut(input: {}) { result } }', { token })
    const after = await api().ask('{ currentPerson { name } }', { token })

    expect(left.data).toEqual({ signOut: { result: true } })
    expect(after.errors?.[0]?.extensions).toMatchObject({ code: 'UNAUTHENTICATED' })
    expect(after.data).toEqual({ currentPerson: null })
  })

  test('an expired session is refused', async () => {
    const token = await signedIn('expired@example.com')
    await withConnection(database().ownerUrl, (client) =>
      client.query(
        `update app_private.sessions set expires_at = now() where person_id =
           (select person_id from app_public.email_addresses where address = 'expired@example.com')`,
      ),
    )

    const { errors } = await api().ask('{ currentPerson { name } }', { token })

    expect(errors?.[0]?.extensions).toMatchObject({ code: 'UNAUTHENTICATED' })
  })

  test('a made-up token is refused, and one that is none as well', async () => {
    const madeUp = await api().ask('{ currentPerson { name } }', { token: 'ab'.repeat(32) })
    const noToken = await api().ask('{ currentPerson { name } }', { token: 'white space' })

    expect(madeUp.errors?.[0]?.extensions).toMatchObject({ code: 'UNAUTHENTICATED' })
    expect(noToken.errors?.[0]?.extensions).toMatchObject({ code: 'UNAUTHENTICATED' })
    expect(noToken.status).toBe(401)
  })
})
