import { describe, expect, test } from '@jest/globals'
import { createKey, makeAccounts } from '../support/account.ts'
import { useApi } from '../support/api.ts'
import { codeOf } from '../support/ask.ts'
import { subscribeTo } from '../support/subscriber.ts'

const { api, database } = useApi()
const accounts = makeAccounts(api, database)

const rename = `mutation { updatePerson(input: { id: "ID", patch: { name: "Zoë" } }) { person { name } } }`
const doors = 'subscription { doorChanged { event } }'

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
