import { randomUUID } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { useTransaction } from '../support/database.ts'
import { clocksOf, type Closure } from '../support/doorOracle.ts'
import { makeCases } from '../support/doorWorlds.ts'
import { makeStudio } from '../support/people.ts'

const as = useTransaction()

/** An office: minutes from midnight between which it is quiet, and its closures, in days since 1970. */
type Office = { zone: string; quiet: [from: number, until: number] | null; closures: Closure[] }

/** What the comment of the function says, naively. */
function isQuiet({ zone, quiet, closures }: Office, at: number): boolean {
  const { day, time } = clocksOf(zone, at)
  if (closures.some(({ startsOn, endsOn }) => startsOn <= day && day <= endsOn)) return true
  if (!quiet) return false
  const [from, until] = quiet.map((minutes) => minutes * 60_000) as [number, number]
  return from < until ? from <= time && time < until : time >= from || time < until
}

async function inDatabase(office: Office, moments: number[]): Promise<boolean[]> {
  const [organizationId, officeId] = [randomUUID(), randomUUID()]
  const time = (minutes: number) => `${Math.floor(minutes / 60)}:${minutes % 60}`
  await as.owner(`insert into app_public.organizations (id, name) values ($1, 'Studio')`, [organizationId])
  await as.owner(
    `insert into app_public.offices (organization_id, id, name, time_zone, quiet_from, quiet_until)
     values ($1, $2, 'Main', $3, $4, $5)`,
    [organizationId, officeId, office.zone, ...(office.quiet?.map(time) ?? [null, null])],
  )
  for (const { startsOn, endsOn } of office.closures) {
    await as.owner(
      `insert into app_public.closures (organization_id, office_id, name, starts_on, ends_on)
       values ($1, $2, 'Closed', date '1970-01-01' + $3::int, date '1970-01-01' + $4::int)`,
      [organizationId, officeId, startsOn, endsOn],
    )
  }
  const rows = await as.owner(
    `select app_private.is_quiet($1, to_timestamp(moment / 1000.0)) as is_quiet
     from unnest($2::float8[]) with ordinality as moments (moment, place) order by place`,
    [officeId, moments],
  )
  return rows.map(({ is_quiet }) => is_quiet as boolean)
}

const offices = makeCases(60).chain(({ world, questions }) => {
  const quiet = fc
    .tuple(fc.integer({ min: 0, max: 47 }), fc.integer({ min: 0, max: 48 }))
    .filter(([from, until]) => from !== until)
    .map(([from, until]) => [from * 30, until * 30] as [number, number])
  return fc.record({
    office: fc.record({
      zone: fc.constant(world.zones[0]),
      quiet: fc.option(quiet, { nil: null, freq: 8 }),
      closures: fc.constant(world.closures.filter(({ office }) => office === 0)),
    }),
    moments: fc.constant(questions.map(({ at }) => at)),
  })
})

describe('app_private.is_quiet', () => {
  test('it is quiet exactly when a naive reading of hours and closures says so', async () => {
    const tally = { true: 0, false: 0 }

    await fc.assert(
      fc.asyncProperty(offices, async ({ office, moments }) => {
        const answers = await inDatabase(office, moments)

        expect(answers).toEqual(moments.map((at) => isQuiet(office, at)))
        answers.forEach((answer) => tally[`${answer}`]++)
      }),
      { numRuns: 150 },
    )

    expect(Math.min(tally.true, tally.false)).toBeGreaterThan(500)
  }, 60_000)

  const night: [string, [number, number], [moment: string, isQuiet: boolean][]][] = [
    [
      'the night in which clocks are put forward',
      [150, 180], // 02:30 to 03:00, which are left out
      [
        ['2026-03-29T00:59:59Z', false],
        ['2026-03-29T01:00:00Z', false],
        ['2026-03-30T00:30:00Z', true],
      ],
    ],
    [
      'the night in which clocks are put back',
      [150, 180], // 02:30 to 03:00, which are shown twice
      [
        ['2026-10-25T00:29:59Z', false],
        ['2026-10-25T00:30:00Z', true],
        ['2026-10-25T01:00:00Z', false],
        ['2026-10-25T01:30:00Z', true],
        ['2026-10-25T02:00:00Z', false],
      ],
    ],
    [
      'a night over midnight',
      [22 * 60, 7 * 60],
      [
        ['2026-01-05T20:59:59Z', false],
        ['2026-01-05T21:00:00Z', true],
        ['2026-01-05T23:00:00Z', true],
        ['2026-01-06T05:59:59Z', true],
        ['2026-01-06T06:00:00Z', false],
      ],
    ],
    [
      'an evening up to midnight',
      [20 * 60, 24 * 60],
      [
        ['2026-01-05T22:59:59Z', true],
        ['2026-01-05T23:00:00Z', false],
      ],
    ],
  ]
  test.each(night)('a bell in Berlin knows %s', async (_, quiet, moments) => {
    const office = { zone: 'Europe/Berlin', quiet, closures: [] }

    const answers = await inDatabase(
      office,
      moments.map(([moment]) => Date.parse(moment)),
    )

    expect(answers).toEqual(moments.map(([, expected]) => expected))
  })

  test('of an office that is not there it is not known', async () => {
    const [row] = await as.owner('select app_private.is_quiet($1) as is_quiet', [randomUUID()])

    expect(row).toEqual({ is_quiet: null })
  })

  test.each([
    ['22:00', null],
    [null, '07:00'],
    ['22:00', '22:00'],
    ['24:00', '07:00'],
  ])('a manager cannot make it quiet from %s to %s', async (from, until) => {
    const studio = await makeStudio(as.owner)

    const setting = as.person(studio.manager)(
      'update app_public.offices set quiet_from = $1, quiet_until = $2 where id = $3',
      [from, until, studio.officeId],
    )

    await expect(setting).rejects.toMatchObject({ code: '23514' })
  })

  test('a member does not set the quiet hours', async () => {
    const studio = await makeStudio(as.owner)

    const set = await as.person(studio.member)(
      `update app_public.offices set quiet_from = '22:00', quiet_until = '07:00' returning id`,
    )

    expect(set).toEqual([])
  })
})
