import { expect, test } from '@jest/globals'
import { makeKey } from '../support/devices.ts'
import { makePerson } from '../support/people.ts'
import { useLiveStudio } from '../support/realtime.ts'
import type { Subscriber } from '../support/subscriber.ts'

const { run, studio, listenAs, listenWith, api } = useLiveStudio()

const refused = (subscriber: Subscriber) =>
  subscriber.errors.map(({ message, extensions }) => [message, extensions?.code])

test.each([
  ['an anonymous caller', 'ringChanged', 'rings'],
  ['an anonymous caller', 'doorDecisionChanged', 'doorDecisions'],
  ['an anonymous caller', 'guestPassChanged', 'guestPasses'],
  ['an anonymous caller', 'presenceChanged', 'presences'],
  ['an anonymous caller', 'logExportChanged', 'logExports'],
  ['an anonymous caller', 'unlockCommandChanged', 'unlockCommands'],
  ['a device', 'doorDecisionChanged', 'doorDecisions'],
])('%s is refused %s in the words of the query', async (who, field, list) => {
  const token = who === 'a device' ? await makeKey(run, studio().deviceId) : undefined
  const subscriber = listenWith(token, `subscription { ${field} { event } }`)
  await subscriber.ended
  const { errors } = await api().ask(`{ ${list} { nodes { id } } }`, token ? { token } : {})

  expect(subscriber.events).toEqual([])
  expect(refused(subscriber)).toEqual([[errors![0]!.message, 'FORBIDDEN']])
  expect(errors![0]!.extensions?.code).toBe('FORBIDDEN')
})

test('an anonymous caller is refused one row, and a place to resume at, just the same', async () => {
  const member = await listenAs(studio().member, 'subscription { doorChanged { cursor } }')
  const [{ cursor } = {}] = await member.until(1)
  const one = listenWith(undefined, 'subscription ($id: UUID) { doorChanged(id: $id) { event } }', {
    id: studio().doorId,
  })
  const later = listenWith(
    undefined,
    'subscription ($after: Cursor) { doorChanged(after: $after) { event } }',
    {
      after: cursor as string,
    },
  )
  await Promise.all([one.ended, later.ended])

  expect([one, later].map(({ errors }) => errors[0]?.extensions?.code)).toEqual(['FORBIDDEN', 'FORBIDDEN'])
})

test.each(['ringChanged', 'doorDecisionChanged', 'logExportChanged', 'unlockCommandChanged'])(
  'a person who has no row begins %s nevertheless',
  async (field) => {
    const newcomer = await listenAs(
      await makePerson(run, `New ${field}`),
      `subscription { ${field} { event } }`,
    )

    expect(await newcomer.until(1)).toEqual([{ event: 'STARTED' }])
  },
)

test('a device begins with its own commands', async () => {
  const device = listenWith(
    await makeKey(run, studio().deviceId),
    'subscription { unlockCommandChanged { event } }',
  )

  expect(await device.until(1)).toEqual([{ event: 'STARTED' }])
})
