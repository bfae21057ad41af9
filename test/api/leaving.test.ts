import { beforeEach, describe, expect, test } from '@jest/globals'
import { codeOf } from '../support/ask.ts'
import { useNewcomers } from '../support/newcomers.ts'
import { ageSession, setCode } from '../support/sessions.ts'

const { api, studio, run, signIn, listenWith, newcomer, makeKey, runJobs } = useNewcomers()

let address: string
let person: string
let token: string
beforeEach(async () => {
  await runJobs() // what the test before left undone
  ;({ address, id: person, token } = await newcomer())
})

const deleteAccount = 'mutation { deleteAccount(input: {}) { result } }'
const whoAmI = '{ currentPerson { name } }'

describe('deleting an account', () => {
  test('ends its sessions and keys with the next request, and its sockets within a second', async () => {
    const [other, key] = [await signIn(person), await makeKey(token)]
    const subscribers = [other, key].map((bearer) =>
      listenWith(bearer, 'subscription { doorChanged { event } }'),
    )
    await Promise.all(subscribers.map((subscriber) => subscriber.until(1)))

    const { data } = await api().ask(deleteAccount, { token })
    const began = performance.now()

    expect(data).toEqual({ deleteAccount: { result: true } })
    for (const bearer of [token, other, key]) {
      expect(codeOf(await api().ask(whoAmI, { token: bearer }))).toBe('UNAUTHENTICATED')
    }
    for (const subscriber of subscribers) {
      expect(await subscriber.closed).toMatchObject({ code: 4401 })
    }
    expect(performance.now() - began).toBeLessThan(1000)
  })

  test('the person is told when it is done, and the log of the door no longer knows them', async () => {
    await run('insert into app_public.memberships (organization_id, person_id) values ($1, $2)', [
      studio().organizationId,
      person,
    ])
    await api().ask(
      'mutation ($doorId: UUID!) { unlockDoor(input: { doorId: $doorId }) { result { isAllowed } } }',
      {
        token,
        variables: { doorId: studio().doorId },
      },
    )
    const log = async () => {
      const { data } = await api().ask('{ doorDecisions { nodes { personId person { name } isAllowed } } }', {
        token: await signIn(studio().manager),
      })
      return data!.doorDecisions.nodes as unknown[]
    }
    expect(await log()).toEqual([{ personId: person, person: { name: expect.any(String) }, isAllowed: true }])

    await api().ask(deleteAccount, { token })

    expect(await runJobs()).toEqual([[address, 'account-deleted']])
    expect(await log()).toEqual([{ personId: null, person: null, isAllowed: true }])
    expect(await run('select from app_public.people where id = $1', [person])).toEqual([])
  })

  test('nobody gets in any more by password, by a code mailed before or after, or by a new password', async () => {
    const password = 'correct horse battery staple'
    const newcomer = 'somebody.new@example.com'
    const signUp = `mutation ($email: String!, $password: String!) {
      signUp(input: { email: $email, name: "Zoe", password: $password }) { result { id } } }`
    const withCode = (mutation: string, more = '') =>
      `mutation ($id: UUID!, $code: String!) { ${mutation}(input: { id: $id, code: $code ${more} }) { result { token } } }`
    const mailed = async (mutation: string) => {
      const { data } = await api().ask(
        `mutation ($email: String!) { ${mutation}(input: { email: $email }) { result { id } } }`,
        { variables: { email: newcomer } },
      )
      const id = data![mutation].result.id as string
      return { id, code: await setCode(run, id) }
    }
    const signInBy = async () =>
      (
        await api().ask(
          `mutation ($email: String!, $password: String!) {
            signIn(input: { email: $email, password: $password }) { result { token } } }`,
          { variables: { email: newcomer, password } },
        )
      ).data!.signIn.result as { token: string } | null
    const confirmed = await api().ask(signUp, { variables: { email: newcomer, password } })
    const id = confirmed.data!.signUp.result.id as string
    await api().ask(withCode('confirmSignUp'), { variables: { id, code: await setCode(run, id) } })
    const session = await signInBy()
    const before = [await mailed('requestSignInCode'), await mailed('requestPasswordReset')] as const

    const { data } = await api().ask(deleteAccount, { token: session!.token })
    expect(data).toEqual({ deleteAccount: { result: true } })

    expect(await signInBy()).toBeNull()
    const after = [await mailed('requestSignInCode'), await mailed('requestPasswordReset')] as const
    for (const [signInCode, resetCode] of [before, after]) {
      const byCode = await api().ask(withCode('signInWithCode'), { variables: signInCode })
      const byReset = await api().ask(withCode('resetPassword', `password: "${password} 2"`), {
        variables: resetCode,
      })
      expect([byCode.data, byReset.data]).toEqual([
        { signInWithCode: { result: null } },
        { resetPassword: { result: null } },
      ])
    }
    expect(await run('select name from app_private.departures')).toEqual([{ name: 'Zoe' }])

    // The address is theirs to begin anew with, also before the job has run; an hour later, that is: it would
    // be the sixth mail.
    await run('delete from app_private.attempts')
    const again = await api().ask(signUp, { variables: { email: newcomer, password } })
    const anew = again.data!.signUp.result.id as string
    await api().ask(withCode('confirmSignUp'), { variables: { id: anew, code: await setCode(run, anew) } })
    await runJobs()
    expect(await signInBy()).toEqual({ token: expect.any(String) })
  })

  test('twice at once it is deleted once', async () => {
    const answers = await Promise.all([
      api().ask(deleteAccount, { token }),
      api().ask(deleteAccount, { token }),
    ])

    // The second one finds it gone at its door, at the check of its sign-in, or behind the first one.
    expect(answers.filter(({ data }) => data?.deleteAccount?.result === true)).toHaveLength(1)
    expect(await runJobs()).toEqual([[address, 'account-deleted']])
  })

  test('the only owner of an organization with other members is told what to do first, and nothing has happened', async () => {
    const { data } = await api().ask(
      'mutation { createOrganization(input: { name: "Atelier" }) { result { id } } }',
      { token },
    )
    await run('insert into app_public.memberships (organization_id, person_id) values ($1, $2)', [
      data!.createOrganization.result.id,
      studio().member,
    ])

    const { errors } = await api().ask(deleteAccount, { token })

    expect(errors).toMatchObject([
      {
        message: 'You are the only owner of: Atelier.',
        extensions: { code: 'REFUSED', hint: expect.stringContaining('Make another member an owner') },
      },
    ])
    expect((await api().ask(whoAmI, { token })).data).not.toEqual({ currentPerson: null })
    expect(await runJobs()).toEqual([])
  })

  test('who signed in eleven minutes ago has to sign in again', async () => {
    await ageSession(run, token)

    expect(codeOf(await api().ask(deleteAccount, { token }))).toBe('SIGN_IN_AGAIN')
    expect(codeOf(await api().ask(whoAmI, { token }))).toBeUndefined()
  })

  test('an API key cannot do it', async () => {
    expect(codeOf(await api().ask(deleteAccount, { token: await makeKey(token) }))).toBe('SIGN_IN_AGAIN')
    expect(codeOf(await api().ask(whoAmI, { token }))).toBeUndefined()
  })

  test('an anonymous caller cannot do it', async () => {
    expect(codeOf(await api().ask(deleteAccount))).toBe('FORBIDDEN')
  })
})
