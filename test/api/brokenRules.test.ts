import { beforeAll, describe, expect, test } from '@jest/globals'
import { type Somebody, useOrganizations } from '../support/organizations.ts'

const our = useOrganizations()

let owner: Somebody
let ids: Record<'organizationId' | 'officeId' | 'doorId', string>
beforeAll(async () => {
  owner = await our.somebody()
  const organizationId = await our.makeOrganization(owner)
  const { office } = await our.done(
    owner,
    `mutation ($organizationId: UUID!) {
      createOffice(input: { office: { organizationId: $organizationId, name: "Main", timeZone: "UTC" } }) {
        office { id }
      }
    }`,
    { organizationId },
  )
  const { door } = await our.done(
    owner,
    `mutation ($organizationId: UUID!, $officeId: UUID!) {
      createDoor(input: { door: { organizationId: $organizationId, officeId: $officeId, name: "Front" } }) {
        door { id }
      }
    }`,
    { organizationId, officeId: office.id as string },
  )
  ids = { organizationId, officeId: office.id as string, doorId: door.id as string }
})

/** What a manager is told: the words, and the arguments at fault. */
async function toldOf(query: string, variables: Record<string, unknown>) {
  const { errors } = await our.ask(owner, query, variables)
  expect(errors?.map(({ extensions }) => extensions?.code)).toEqual(['BAD_USER_INPUT'])
  return [errors![0]!.message, errors![0]!.extensions?.arguments]
}
const within = (row: string, ...names: string[]) => names.map((name) => ['input', row, name])
const inOffice = () => ({ organizationId: ids.organizationId, officeId: ids.officeId, name: 'Wrong' })

describe('whoever breaks a rule is told what is expected, and where', () => {
  const weekdays = 'Weekdays are numbers from 1, Monday, to 7, Sunday, and one to seven of them.'

  test.each<[string, Record<string, unknown>, string, string[]]>([
    ['a weekday that there is not', { weekdays: [8] }, weekdays, ['weekdays']],
    ['no weekday', { weekdays: [] }, weekdays, ['weekdays']],
    [
      'a window without a length',
      { startsAt: '08:00', endsAt: '08:00' },
      'A window does not end at the time at which it begins. The whole day is from 00:00 to 24:00.',
      ['endsAt', 'startsAt'],
    ],
    [
      'a window from midnight on, written as an end',
      { startsAt: '24:00', endsAt: '06:00' },
      'A window begins before 24:00. Midnight, as a beginning, is 00:00.',
      ['startsAt'],
    ],
    [
      'days in the wrong order',
      { validFrom: '2025-06-02', validUntil: '2025-06-01' },
      'The last day of a rule is not before its first.',
      ['validFrom', 'validUntil'],
    ],
    ['no name', { name: ' ' }, 'A name has 1 to 100 characters.', ['name']],
  ])('of a rule with %s', async (_, wrong, words, names) => {
    const query = `mutation ($rule: AccessRuleInput!) {
      createAccessRule(input: { accessRule: $rule }) { accessRule { id } }
    }`

    const [message, args] = await toldOf(query, { rule: { ...inOffice(), ...wrong } })

    expect(message).toBe(words)
    expect((args as string[][]).toSorted()).toEqual(within('accessRule', ...names))
  })

  test.each<[string, Record<string, unknown>, string, string[]]>([
    [
      'days in the wrong order',
      { startsOn: '2025-06-02', endsOn: '2025-06-01' },
      'The last day of a closure is not before its first.',
      ['endsOn', 'startsOn'],
    ],
    [
      'too long a name',
      { startsOn: '2025-06-02', endsOn: '2025-06-02', name: 'x'.repeat(101) },
      'A name has 1 to 100 characters.',
      ['name'],
    ],
  ])('of a closure with %s', async (_, wrong, words, names) => {
    const query = `mutation ($closure: ClosureInput!) {
      createClosure(input: { closure: $closure }) { closure { id } }
    }`

    const [message, args] = await toldOf(query, { closure: { ...inOffice(), ...wrong } })

    expect(message).toBe(words)
    expect((args as string[][]).toSorted()).toEqual(within('closure', ...names))
  })

  test('of a lockdown without a reason', async () => {
    const query = `mutation ($officeId: UUID!) {
      startLockdown(input: { officeId: $officeId, reason: "" }) { result { id } }
    }`

    expect(await toldOf(query, ids)).toEqual(['A reason has 1 to 200 characters.', [['input', 'reason']]])
  })

  test('of a door that is unlocked for no time', async () => {
    const query = `mutation ($doorId: UUID!) {
      updateDoor(input: { id: $doorId, patch: { unlockSeconds: 0 } }) { door { id } }
    }`

    expect(await toldOf(query, ids)).toEqual([
      'A door is unlocked for 1 to 30 seconds.',
      within('patch', 'unlockSeconds'),
    ])
  })

  test('of a device without a name', async () => {
    const query = `mutation ($device: DeviceInput!) { createDevice(input: { device: $device }) { device { id } } }`

    expect(await toldOf(query, { device: { ...inOffice(), name: '', kind: 'controller' } })).toEqual([
      'A name has 1 to 100 characters.',
      within('device', 'name'),
    ])
  })

  test('of an office with quiet hours that do not end', async () => {
    const query = `mutation ($officeId: UUID!) {
      updateOffice(input: { id: $officeId, patch: { quietFrom: "22:00" } }) { office { id } }
    }`

    const [message] = await toldOf(query, ids)

    expect(message).toBe('Quiet hours have a beginning and an end, which are not the same time, or neither.')
  })
  test('of a channel of Slack that goes by its name', async () => {
    const [installation] = await our.run(
      `insert into app_public.slack_installations (organization_id, team_id, team_name, bot_user_id)
       values ($1, 'T1', 'Team', 'U1') returning id`,
      [ids.organizationId],
    )
    const query = `mutation ($id: UUID!) {
      updateSlackInstallation(input: { id: $id, patch: { channelId: "#door" } }) { slackInstallation { id } }
    }`

    expect(await toldOf(query, { id: installation!.id })).toEqual([
      'A channel goes by its id in Slack, such as C0123456789.',
      within('patch', 'channelId'),
    ])
  })
})
