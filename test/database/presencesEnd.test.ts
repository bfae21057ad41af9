import { beforeEach, describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { useTransaction } from '../support/database.ts'
import { clocksOf } from '../support/doorOracle.ts'
import { makeStudio, type Studio } from '../support/people.ts'

const as = useTransaction()
let studio: Studio
beforeEach(async () => {
  studio = await makeStudio(as.owner)
})

const enter = async () =>
  (await as.person(studio.member)('select * from app_public.enter_office($1)', [studio.officeId]))[0]!
const end = (id: unknown) => as.owner('select app_private.end_presence($1)', [id])
const ends = () => as.owner('select until from app_public.presences order by since')
const letPass = (hours: number) =>
  as.owner(
    `update app_public.presences set since = since - make_interval(hours => $1),
       expires_at = expires_at - make_interval(hours => $1)`,
    [hours],
  )

describe('a day', () => {
  test.each([
    'UTC',
    'Pacific/Kiritimati',
    'Pacific/Pago_Pago',
    'Asia/Kathmandu',
    'America/St_Johns',
    'Europe/Berlin',
  ])('in %s ends at the midnight that follows there', async (zone) => {
    await as.owner('update app_public.offices set time_zone = $1', [zone])

    const { since, expires_at } = (await enter()) as { since: Date; expires_at: Date }

    expect(clocksOf(zone, expires_at.getTime())).toEqual({
      day: clocksOf(zone, since.getTime()).day + 1,
      time: 0,
    })
  })

  const hourMs = 3_600_000
  // The clocks of these are changed at midnight, or a day is left out.
  const zones = [
    'America/Havana',
    'Atlantic/Azores',
    'America/Asuncion',
    'Asia/Beirut',
    'Pacific/Apia',
    'Europe/Berlin',
  ]

  test('ends when its date does, however the clocks are changed', async () => {
    const nextMidnight = `select extract(epoch from
      (((at at time zone $1)::date + 1)::timestamp at time zone $1))::float8 * 1000 as midnight
      from (select to_timestamp($2::float8 / 1000)) as moments (at)`
    const hours = fc.integer({ min: 0, max: 14 * 365 * 24 })
    const moment = hours.map((count) => Date.UTC(2011, 0, 1) + count * hourMs + 1)

    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...zones), moment, async (zone, at) => {
        const [row] = await as.owner(nextMidnight, [zone, at])
        const midnight = row!.midnight as number
        const { day } = clocksOf(zone, at)

        // The date is over by then, and it is the first or, where that is shown twice, the second midnight of the next.
        expect(midnight).toBeGreaterThan(at)
        expect(clocksOf(zone, midnight).day).toBeGreaterThan(day)
        expect(clocksOf(zone, midnight - hourMs - 1).day).toBe(day)
      }),
      { numRuns: 500 },
    )
  })
})

describe('app_private.end_presence', () => {
  test('ends what its day is over, at that midnight, and run twice changes nothing more', async () => {
    const { id } = await enter()
    await letPass(25)
    const [day] = await as.owner('select expires_at from app_public.presences')

    await end(id)
    await end(id)

    expect(await ends()).toEqual([{ until: day!.expires_at }])
  })

  test('leaves alone whose day is not over, and who has left', async () => {
    const { id } = await enter()
    await end(id)
    expect(await ends()).toEqual([{ until: null }])

    await as.owner('update app_public.presences set until = since')
    await letPass(25)
    const before = await ends()
    await end(id)
    expect(await ends()).toEqual(before)
  })

  test('is queued for that moment', async () => {
    const { id } = await enter()

    const jobs = await as.owner(
      `select run_at = expires_at as is_then from app_public.presences
       join graphile_worker.jobs on key = 'presence ' || presences.id where presences.id = $1`,
      [id],
    )
    expect(jobs).toEqual([{ is_then: true }])
  })
})

describe('where the job has not run', () => {
  beforeEach(async () => {
    await enter()
    await letPass(25)
  })
  const dayIsOver = 'select until = expires_at as is_then from app_public.presences order by since limit 1'

  test('whoever comes in the next day is in anew', async () => {
    await enter()

    expect(await as.owner(dayIsOver)).toEqual([{ is_then: true }])
    expect(await ends()).toEqual([{ until: expect.any(Date) }, { until: null }])
  })

  test('whoever says on the next day that they have left had left at midnight', async () => {
    await as.person(studio.member)('select app_public.leave_office($1)', [studio.officeId])

    expect(await as.owner(dayIsOver)).toEqual([{ is_then: true }])
  })
})
