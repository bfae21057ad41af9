import { beforeEach, describe, expect, test } from '@jest/globals'
import { makeKey } from '../support/devices.ts'
import { useLiveStudio } from '../support/realtime.ts'

const { api, studio, run, signIn, listenWith } = useLiveStudio()

beforeEach(() => run('delete from app_public.presences'))

const whoIsIn =
  '{ presences(filter: { until: { isNull: true } }) { nodes { person { name } office { name } } } }'
const presences = 'subscription { presenceChanged { event id presence { origin person { name } } } }'
const mutate = async (token: string, field: string, variables: string, result = 'id until') => {
  const { data, errors } = await api().ask(
    `mutation { ${field}(input: { ${variables} }) { result { ${result} } } }`,
    {
      token,
    },
  )
  return (errors ? { code: errors[0]!.extensions?.code } : data![field].result) as Record<string, any>
}
const office = () => `officeId: "${studio().officeId}"`

describe('colleagues', () => {
  test('see somebody come in by a door, and leave', async () => {
    const [member, manager] = [await signIn(studio().member), await signIn(studio().manager)]
    const device = await makeKey(run, studio().deviceId)
    const socket = listenWith(manager, presences)
    await socket.until(1)

    const { commandId } = await mutate(member, 'unlockDoor', `doorId: "${studio().doorId}"`, 'commandId')
    await mutate(device, 'claimUnlock', `commandId: "${commandId}"`, 'isGranted')
    await api().ask(
      `mutation { reportUnlock(input: { commandId: "${commandId}", hasOpened: true }) { result } }`,
      { token: device },
    )
    await socket.until(2)
    const { data } = await api().ask(whoIsIn, { token: manager })
    await mutate(member, 'leaveOffice', office())
    const [, came, left] = await socket.until(3)

    expect(came).toMatchObject({
      event: 'INSERTED',
      presence: { origin: 'opened_door', person: { name: 'Mia' } },
    })
    expect(data!.presences.nodes).toEqual([{ person: { name: 'Mia' }, office: { name: 'Main' } }])
    expect(left).toEqual({ event: 'LEFT', id: came!.id, presence: null })
  })

  test('do not read the past of others: only their own is there, whatever their role', async () => {
    const member = await signIn(studio().member)
    await mutate(member, 'enterOffice', office())
    await mutate(member, 'leaveOffice', office())
    const past = async (token: string) =>
      (
        await api().ask('{ presences { totalCount } memberships { nodes { presences { totalCount } } } }', {
          token,
        })
      ).data as { presences: object }

    expect((await past(member)).presences).toEqual({ totalCount: 1 })
    for (const who of ['owner', 'manager', 'stranger'] as const) {
      const seen = JSON.stringify(await past(await signIn(studio()[who])))
      expect(seen).not.toMatch(/totalCount":1/)
    }
  })
})

test('who ceases to share is gone from the lists at once, and cannot be noted', async () => {
  const [member, manager] = [await signIn(studio().member), await signIn(studio().manager)]
  await mutate(member, 'enterOffice', office())
  const socket = listenWith(manager, presences)
  await socket.until(1)

  const shared = await mutate(
    member,
    'sharePresence',
    `organizationId: "${studio().organizationId}", shares: false`,
    'sharesPresence',
  )
  const [, gone] = await socket.until(2)

  expect(shared).toEqual({ sharesPresence: false })
  expect(gone).toMatchObject({ event: 'DELETED', presence: null })
  expect(await mutate(member, 'enterOffice', office())).toBeNull()
  await mutate(member, 'sharePresence', `organizationId: "${studio().organizationId}", shares: true`)
})

test('a stranger enters no office and hears of nobody', async () => {
  const stranger = await signIn(studio().stranger)

  expect(await mutate(stranger, 'enterOffice', office())).toEqual({ code: 'NOT_FOUND' })
  expect(await mutate(stranger, 'leaveOffice', office())).toBeNull()
  await mutate(await signIn(studio().member), 'enterOffice', office())
  expect((await api().ask(whoIsIn, { token: stranger })).data!.presences.nodes).toEqual([])
})

test('nobody sets it for somebody else by the membership', async () => {
  const { errors } = await api().ask(
    `mutation ($id: UUID!) { updateMembership(input: { id: $id, patch: { sharesPresence: false } }) { membership { id } } }`,
    { token: await signIn(studio().owner), variables: { id: crypto.randomUUID() } },
  )

  expect(errors?.[0]?.message).toContain('sharesPresence')
})
