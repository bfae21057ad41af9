import { describe, expect, test } from '@jest/globals'
import { confirm, makeAccounts } from '../support/account.ts'
import { useApi } from '../support/api.ts'
import { deliver } from '../support/post.ts'

const { api, database } = useApi()
const accounts = makeAccounts(api, database)

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
