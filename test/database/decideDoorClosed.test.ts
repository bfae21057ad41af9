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
const close = (startsOn: string, endsOn = startsOn) =>
  makeInOffice(as.owner, studio, 'closures', { name: 'Easter', starts_on: startsOn, ends_on: endsOn })

const monday = '2025-06-02'
const tuesday = '2025-06-03'

describe('a closure', () => {
  test.each([
    ['the moment before', '2025-06-01 23:59:59.999999+02', true],
    ['its first midnight', '2025-06-02 00:00+02', false],
    ['its last moment', '2025-06-03 23:59:59.999999+02', false],
    ['the midnight after', '2025-06-04 00:00+02', true],
  ])('of two days at %s: %s', async (_, at, isOpen) => {
    await makeRule()
    await close(monday, tuesday)

    expect(await isOpenAt(at)).toBe(isOpen)
  })

  test('says why, and lets in by a rule that holds on closures', async () => {
    await makeRule()
    await close(monday)
    const closed = await answerAt(`${monday} 12:00+02`)

    await makeRule({ name: 'Caretaker', holds_on_closures: true })

    expect(closed).toEqual({ is_allowed: false, rule: null, reason: 'The office is closed: Easter' })
    expect(await answerAt(`${monday} 12:00+02`)).toMatchObject({ is_allowed: true, rule: 'Caretaker' })
  })

  test('ends a night that reaches into it, and not one that it begins', async () => {
    await makeRule({ starts_at: '20:00', ends_at: '04:00' })
    await close(monday)

    const nights = [await isOpenAt('2025-06-02 02:00+02'), await isOpenAt('2025-06-03 02:00+02')]

    expect(nights).toEqual([false, true])
  })
})

describe('a lockdown', () => {
  test.each([
    ['before', '2025-06-02 11:59:59.999999Z', true],
    ['from its first moment on', '2025-06-02 12:00Z', false],
    ['to its last', '2025-06-02 12:59:59.999999Z', false],
    ['after', '2025-06-02 13:00Z', true],
  ])('%s: %s', async (_, at, isOpen) => {
    await makeRule({ holds_on_closures: true })
    await makeInOffice(as.owner, studio, 'lockdowns', {
      reason: 'Drill',
      started_at: '2025-06-02 12:00Z',
      ended_at: '2025-06-02 13:00Z',
    })

    expect(await isOpenAt(at)).toBe(isOpen)
  })

  test('under way has no end, and says why it is there', async () => {
    await makeRule()
    await makeInOffice(as.owner, studio, 'lockdowns', { reason: 'Fire', started_at: '2025-06-02 12:00Z' })

    expect(await answerAt('2030-01-01 12:00Z', 'owner')).toEqual({
      is_allowed: false,
      rule: null,
      reason: 'The office is locked down: Fire',
    })
  })
})
