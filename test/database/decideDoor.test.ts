import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, test } from '@jest/globals'
import { useTransaction } from '../support/database.ts'
import { makeInOffice } from '../support/doorRules.ts'
import { makeStudio, type Studio } from '../support/people.ts'

const as = useTransaction()
let studio: Studio
beforeEach(async () => {
  studio = await makeStudio(as.owner)
  await as.owner('delete from app_public.access_rules')
  await as.owner(`update app_public.offices set time_zone = 'Europe/Berlin'`)
})

type Person = 'owner' | 'manager' | 'member' | 'stranger'

/** What is decided at a moment; one without an offset is by UTC. */
const answerAt = async (at: string | null, who: Person = 'member', doorId = studio.doorId) =>
  (await as.owner('select * from app_private.decide_door($1, $2, $3)', [doorId, studio[who], at]))[0]!
const isOpenAt = async (at: string | null, who?: Person) => (await answerAt(at, who)).is_allowed

const makeRule = (columns: Record<string, unknown> = {}) =>
  makeInOffice(as.owner, studio, 'access_rules', { name: 'Day', ...columns })

const monday = '2025-06-02'
const tuesday = '2025-06-03'
const weekdays = [1, 2, 3, 4, 5]

describe('a door', () => {
  test('lets nobody in without a rule, not even the owner', async () => {
    expect(await answerAt(`${monday} 12:00+02`, 'owner')).toEqual({
      is_allowed: false,
      rule: null,
      reason: 'No rule lets you in by this door at this time.',
    })
  })

  test('lets members in by a rule, whose name they are told', async () => {
    await makeRule({ name: 'Always' })

    expect(await answerAt(`${monday} 12:00+02`)).toEqual({
      is_allowed: true,
      rule: 'Always',
      reason: 'You are let in by the rule “Always”.',
    })
  })

  test('does not let a stranger in, who cannot tell it from one that is not there', async () => {
    await makeRule()

    const atDoor = await answerAt(`${monday} 12:00+02`, 'stranger')

    expect(atDoor).toMatchObject({ is_allowed: false, rule: null })
    expect(await answerAt(`${monday} 12:00+02`, 'stranger', randomUUID())).toEqual(atDoor)
    expect(await answerAt(`${monday} 12:00+02`, 'member', randomUUID())).toEqual(atDoor)
  })

  test.each([null, 'infinity', '-infinity'])('lets nobody in at the moment %s', async (at) => {
    await makeRule()

    expect(await isOpenAt(at)).toBe(false)
  })

  test('decides about now when it is not told a moment', async () => {
    await makeRule()

    const rows = await as.owner('select (app_private.decide_door($1, $2)).is_allowed', [
      studio.doorId,
      studio.member,
    ])

    expect(rows).toEqual([{ is_allowed: true }])
  })

  test('names the oldest of the rules that let in', async () => {
    // Ids of one millisecond have no order.
    await makeRule({ id: '01900000-0000-7000-8000-000000000002', name: 'Newer' })
    await makeRule({ id: '01900000-0000-7000-8000-000000000001', name: 'Older' })

    expect(await answerAt(`${monday} 12:00+02`)).toMatchObject({ rule: 'Older' })
  })
})

describe('a rule', () => {
  test.each([
    ['07:59:59.999999', false],
    ['08:00', true],
    ['17:59:59.999999', true],
    ['18:00', false],
  ])('from 8 to 18 o’clock at %s: %s', async (time, isOpen) => {
    await makeRule({ starts_at: '08:00', ends_at: '18:00' })

    expect(await isOpenAt(`${monday} ${time}+02`)).toBe(isOpen)
  })

  test.each([
    ['Sunday', '2025-06-01 23:59:59.999999+02', false],
    ['Monday', '2025-06-02 00:00+02', true],
    ['Friday', '2025-06-06 23:59:59.999999+02', true],
    ['Saturday', '2025-06-07 00:00+02', false],
  ])('for all of the working days on %s, %s: %s', async (_, at, isOpen) => {
    await makeRule({ weekdays })

    expect(await isOpenAt(at)).toBe(isOpen)
  })

  test.each([
    ['Friday evening', '2025-06-06 23:00+02', true],
    ['the night to Saturday', '2025-06-07 05:59+02', true],
    ['Saturday at six', '2025-06-07 06:00+02', false],
    ['Saturday evening', '2025-06-07 23:00+02', false],
    ['the night to Monday', '2025-06-02 05:59+02', false],
    ['Monday evening', '2025-06-02 22:00+02', true],
  ])('for nights that begin on working days, in %s: %s', async (_, at, isOpen) => {
    await makeRule({ weekdays, starts_at: '22:00', ends_at: '06:00' })

    expect(await isOpenAt(at)).toBe(isOpen)
  })

  test.each([
    ['the day before', '2025-06-01 22:00+02', false],
    ['the night into its first day', '2025-06-02 02:00+02', false],
    ['its first evening', '2025-06-02 22:00+02', true],
    ['the night after its last day', '2025-06-04 02:00+02', true],
    ['the evening after its last day', '2025-06-04 22:00+02', false],
  ])('for nights that begin on two days, %s: %s', async (_, at, isOpen) => {
    await makeRule({ starts_at: '20:00', ends_at: '04:00', valid_from: monday, valid_until: tuesday })

    expect(await isOpenAt(at)).toBe(isOpen)
  })

  test.each([
    ['owner', false],
    ['manager', true],
    ['member', false],
  ] as const)('for managers lets the %s in: %s', async (who, isOpen) => {
    await makeRule({ role: 'manager' })

    expect(await isOpenAt(`${monday} 12:00+02`, who)).toBe(isOpen)
  })

  test('for one member lets that one in, and goes with their membership', async () => {
    const [membership] = await as.owner('select id from app_public.memberships where person_id = $1', [
      studio.member,
    ])
    await makeRule({ membership_id: membership!.id })
    const seen = [await isOpenAt(`${monday} 12:00+02`), await isOpenAt(`${monday} 12:00+02`, 'manager')]

    await as.owner('delete from app_public.memberships where id = $1', [membership!.id])

    expect(seen).toEqual([true, false])
    expect(await as.owner('select from app_public.access_rules')).toEqual([])
  })

  test('for some doors is about these, and about none while it has none', async () => {
    const ruleId = await makeRule({ is_whole_office: false })
    const before = await isOpenAt(`${monday} 12:00+02`)
    const [back] = await as.owner(
      `insert into app_public.doors (organization_id, office_id, name) values ($1, $2, 'Back') returning id`,
      [studio.organizationId, studio.officeId],
    )

    await as.owner('insert into app_public.access_rule_doors values ($1, $2, $3)', [
      studio.organizationId,
      ruleId,
      studio.doorId,
    ])

    const atBack = await answerAt(`${monday} 12:00+02`, 'member', back!.id as string)
    expect([before, await isOpenAt(`${monday} 12:00+02`), atBack.is_allowed]).toEqual([false, true, false])
  })
})

describe('when the clocks are put forward, from 2 to 3 o’clock', () => {
  test.each([
    ['a window in the hour left out', '02:00', '03:00', ['00:59', '01:00', '01:01'], [false, false, false]],
    [
      'one that begins in it',
      '02:30',
      '04:00',
      ['00:59', '01:00', '01:59', '02:00'],
      [false, true, true, false],
    ],
    ['one that ends in it', '01:00', '02:30', ['00:00', '00:59', '01:00'], [true, true, false]],
  ])('%s', async (_, startsAt, endsAt, times, isOpen) => {
    await makeRule({ starts_at: startsAt, ends_at: endsAt })

    const found = []
    for (const time of times) found.push(await isOpenAt(`2025-03-30 ${time}Z`))

    expect(found).toEqual(isOpen)
  })
})

describe('when the clocks are put back, from 3 to 2 o’clock', () => {
  test.each([
    ['a window in the hour shown twice lets in twice', '02:00', '02:30'],
    ['so does one that ends in it, after it was shut', '01:00', '02:30'],
  ])('%s', async (_, startsAt, endsAt) => {
    await makeRule({ starts_at: startsAt, ends_at: endsAt })

    const found = []
    for (const time of ['00:15', '00:45', '01:15', '01:45']) found.push(await isOpenAt(`2025-10-26 ${time}Z`))

    expect(found).toEqual([true, false, true, false])
  })
})
