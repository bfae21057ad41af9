import { beforeAll, describe, expect, test } from '@jest/globals'
import { codeOf, type Somebody, useOrganizations } from '../support/organizations.ts'

const our = useOrganizations()

let manager: Somebody
let member: Somebody
let stranger: Somebody
let organizationId: string
let officeId: string
let doorId: string
beforeAll(async () => {
  const owner = await our.somebody()
  ;[manager, member, stranger] = [await our.somebody(), await our.somebody(), await our.somebody()]
  organizationId = await our.makeOrganization(owner)
  await our.join(owner, organizationId, manager, 'manager')
  await our.join(owner, organizationId, member)
  officeId = (
    await our.done(
      manager,
      `mutation ($organizationId: UUID!) {
        createOffice(input: { office: { organizationId: $organizationId, name: "Main", timeZone: "Europe/Berlin" } }) {
          office { id }
        }
      }`,
      { organizationId },
    )
  ).office.id as string
  doorId = (
    await our.done(
      manager,
      `mutation ($organizationId: UUID!, $officeId: UUID!) {
        createDoor(input: { door: { organizationId: $organizationId, officeId: $officeId, name: "Front" } }) {
          door { id }
        }
      }`,
      { organizationId, officeId },
    )
  ).door.id as string
})

const createRule = `mutation ($rule: AccessRuleInput!) {
  createAccessRule(input: { accessRule: $rule }) {
    accessRule {
      id name role weekdays startsAt endsAt validFrom isWholeOffice membership { personId }
      office { name } accessRuleDoors { nodes { door { name } } }
    }
  }
}`
const makeRule = async (rule: Record<string, unknown>) =>
  (await our.done(manager, createRule, { rule: { organizationId, officeId, isWholeOffice: true, ...rule } }))
    .accessRule as Record<string, unknown> & { id: string }
const deleteRule = (id: string) =>
  our.done(manager, `mutation ($id: UUID!) { deleteAccessRule(input: { id: $id }) { accessRule { id } } }`, {
    id,
  })
const whatIf = `query ($doorId: UUID!, $at: Datetime) {
  whatIf(doorId: $doorId, at: $at) { isAllowed rule reason }
}`

describe('rules by the API', () => {
  test('a manager says who may come in when, and a member sees what comes of it', async () => {
    const rule = await makeRule({
      name: 'Late shift',
      role: 'member',
      weekdays: [5],
      startsAt: '22:00',
      endsAt: '24:00',
      validFrom: '2025-06-01',
    })

    const friday = await our.done(member, whatIf, { doorId, at: '2025-06-06T23:59:59+02:00' })
    const saturday = await our.done(member, whatIf, { doorId, at: '2025-06-07T00:00:00+02:00' })
    await deleteRule(rule.id)

    expect(rule).toMatchObject({
      name: 'Late shift',
      role: 'member',
      weekdays: [5],
      startsAt: '22:00:00',
      endsAt: '24:00:00',
      validFrom: '2025-06-01',
      isWholeOffice: true,
      membership: null,
      office: { name: 'Main' },
      accessRuleDoors: { nodes: [] },
    })
    expect(friday).toMatchObject({ isAllowed: true, rule: 'Late shift' })
    expect(saturday).toMatchObject({ isAllowed: false, rule: null })
  })

  test('a manager makes a rule for one door and takes it back', async () => {
    const rule = await makeRule({ name: 'Front only', isWholeOffice: false })
    const variables = { organizationId, ruleId: rule.id, doorId }
    await our.done(
      manager,
      `mutation ($organizationId: UUID!, $ruleId: UUID!, $doorId: UUID!) {
        createAccessRuleDoor(
          input: { accessRuleDoor: { organizationId: $organizationId, ruleId: $ruleId, doorId: $doorId } }
        ) { accessRuleDoor { rule { accessRuleDoors { nodes { door { name } } } } } }
      }`,
      variables,
    )
    const withDoor = await our.done(member, whatIf, { doorId })

    await our.done(
      manager,
      `mutation ($organizationId: UUID!, $ruleId: UUID!, $doorId: UUID!) {
        deleteAccessRuleDoor(input: { organizationId: $organizationId, ruleId: $ruleId, doorId: $doorId }) {
          accessRuleDoor { doorId }
        }
      }`,
      variables,
    )

    expect(withDoor).toMatchObject({ isAllowed: true, rule: 'Front only' })
    expect(await our.done(member, whatIf, { doorId })).toMatchObject({ isAllowed: false })
    await deleteRule(rule.id)
  })

  test.each([
    ['a member', () => member],
    ['a stranger', () => stranger],
    ['an anonymous caller', () => null],
  ])('%s cannot make a rule', async (_, who) => {
    const rule = { organizationId, officeId, name: 'Mine' }

    expect(codeOf(await our.ask(who(), createRule, { rule }))).toBe('FORBIDDEN')
  })
})

describe('lockdowns by the API', () => {
  const start = `mutation ($officeId: UUID!) {
    startLockdown(input: { officeId: $officeId, reason: "Fire" }) { result { id starter { id } endedAt } }
  }`
  const end = `mutation ($officeId: UUID!) {
    endLockdown(input: { officeId: $officeId }) { result { id ender { id } } }
  }`

  test('a member hears of it as it starts and ends, and is denied in between', async () => {
    const rule = await makeRule({ name: 'Always' })
    const subscriber = our.listen(
      member,
      'subscription { lockdownChanged { event lockdown { reason endedAt office { name } } } }',
    )
    await subscriber.until(1)

    const started = await our.done(manager, start, { officeId })
    const during = await our.done(member, whatIf, { doorId })
    const ended = await our.done(manager, end, { officeId })
    const after = await our.done(member, whatIf, { doorId })
    await deleteRule(rule.id)

    expect(started.result).toMatchObject({ starter: { id: manager.id }, endedAt: null })
    expect(during).toMatchObject({ isAllowed: false, reason: 'The office is locked down: Fire' })
    expect(ended.result).toEqual({ id: started.result.id, ender: { id: manager.id } })
    expect(after).toMatchObject({ isAllowed: true, rule: 'Always' })
    const [, inserted, updated] = await subscriber.until(3)
    expect([inserted, updated]).toMatchObject([
      { event: 'INSERTED', lockdown: { reason: 'Fire', office: { name: 'Main' } } },
      { event: 'UPDATED', lockdown: { endedAt: expect.any(String) } },
    ])
  })

  test('a manager who ends none gets none', async () => {
    expect((await our.done(manager, end, { officeId })).result).toBeNull()
  })

  test.each([
    ['a member', () => member, 'NOT_FOUND'],
    ['a stranger', () => stranger, 'NOT_FOUND'],
    ['an anonymous caller', () => null, 'FORBIDDEN'],
  ])('%s can neither start nor end one', async (_, who, code) => {
    const answers = [await our.ask(who(), start, { officeId }), await our.ask(who(), end, { officeId })]

    expect(answers.map(codeOf)).toEqual([code, code])
  })
})

describe('replayDecisions', () => {
  const replay = `query ($officeId: UUID!, $since: Datetime!) {
    replayDecisions(officeId: $officeId, since: $since) {
      nodes { decisionId wasAllowed isAllowed rule reason }
    }
  }`
  const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString()

  test('a manager sees what today’s rules would have changed', async () => {
    const rule = await makeRule({ name: 'Always' })
    const unlock =
      'mutation ($doorId: UUID!) { unlockDoor(input: { doorId: $doorId }) { result { isAllowed } } }'
    await our.done(member, unlock, { doorId })
    const before = await our.done(manager, replay, { officeId, since: daysAgo(1) })
    await deleteRule(rule.id)

    const after = await our.done(manager, replay, { officeId, since: daysAgo(1) })

    expect(before.nodes).toEqual([])
    expect(after.nodes).toEqual([
      {
        decisionId: expect.any(String),
        wasAllowed: true,
        isAllowed: false,
        rule: null,
        reason: 'No rule lets you in by this door at this time.',
      },
    ])
  })

  test('a manager who asks about more than a month is told which argument is at fault', async () => {
    const { errors } = await our.ask(manager, replay, { officeId, since: daysAgo(40) })

    expect(errors?.[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT', arguments: [['since']] })
  })

  test.each([
    ['a member', () => member, 'NOT_FOUND'],
    ['a stranger', () => stranger, 'NOT_FOUND'],
    ['an anonymous caller', () => null, 'FORBIDDEN'],
  ])('%s is refused', async (_, who, code) => {
    expect(codeOf(await our.ask(who(), replay, { officeId, since: daysAgo(1) }))).toBe(code)
  })
})
