import fc from 'fast-check'
import { clocksOf, type Pass, type Question, type Rule, type World } from './doorOracle.ts'

/**
 * Zones whose clocks do odd things: half an hour at a time, two hours, quarters of an hour from the next zone, a day
 * left out, twice a year around a month that moves.
 */
const zones = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'America/St_Johns',
  'Australia/Lord_Howe',
  'Asia/Kathmandu',
  'Africa/Casablanca',
  'Antarctica/Troll',
  'Pacific/Apia',
  'Pacific/Chatham',
]

const quarterMs = 15 * 60_000
const dayMs = 96 * quarterMs
const scanned = { from: Date.UTC(2011, 0, 1), until: Date.UTC(2026, 0, 1) }

const offsetOf = (zone: string, at: number) => {
  const { day, time } = clocksOf(zone, at)
  return day * dayMs + time - at
}

/** The moments at which the clocks of a zone are changed. */
function findChanges(zone: string): number[] {
  const changes: number[] = []
  for (let from = scanned.from; from < scanned.until; from += dayMs) {
    let [before, after] = [from, from + dayMs]
    if (offsetOf(zone, before) === offsetOf(zone, after)) continue
    while (after - before > quarterMs) {
      const middle = before + Math.floor((after - before) / quarterMs / 2) * quarterMs
      if (offsetOf(zone, middle) === offsetOf(zone, before)) before = middle
      else after = middle
    }
    changes.push(after)
  }
  return changes
}

/** A world, and moments to ask about that lie where its rules might go wrong. */
export type Case = { world: World; questions: Question[] }

/** Worlds of one week, most of them around a change of the clocks. Questions are those of people, or of guests. */
export function makeCases(questionCount: number, ofGuests = false): fc.Arbitrary<Case> {
  const moments = new Map(zones.map((zone) => [zone, findChanges(zone)]))
  const someMoment = fc
    .integer({ min: scanned.from / quarterMs, max: scanned.until / quarterMs })
    .map((quarters) => quarters * quarterMs)

  return fc.constantFrom(...zones).chain((zone) => {
    const changes = moments.get(zone)!
    const middles =
      changes.length > 0
        ? fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...changes) }, someMoment)
        : someMoment
    return fc
      .record({ middle: middles, other: fc.constantFrom(...zones) })
      .chain(({ middle, other }) => caseAround([zone, other], middle, questionCount, ofGuests))
  })
}

function caseAround(
  both: [string, string],
  middle: number,
  questionCount: number,
  ofGuests: boolean,
): fc.Arbitrary<Case> {
  const near = (quarters: number) =>
    fc.integer({ min: -quarters, max: quarters }).map((count) => middle + count * quarterMs)
  const moment = fc.oneof(near(20), near(4 * 96))
  const edge = fc.constantFrom(-1, 0, 0, 1) // a millisecond to either side
  const day = fc.integer({ min: -4, max: 4 }).map((days) => Math.floor(middle / dayMs) + days)
  const none = fc.constant<never[]>([])
  const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: null, freq: 2 })

  const office = fc.constantFrom(0, 0, 1)
  const times = fc
    .tuple(fc.integer({ min: 0, max: 47 }), fc.integer({ min: 0, max: 48 }))
    .filter(([from, until]) => from !== until)
  const rule = fc
    .record({
      office,
      role: fc.constantFrom(null, null, null, 'owner', 'manager', 'member'),
      member: fc.constantFrom(null, null, null, 0, 1, 2),
      doors: fc.constantFrom(null, null, [], [0], [1], [2]),
      weekdays: fc.oneof(
        fc.constant<number[]>([1, 2, 3, 4, 5, 6, 7]),
        fc.subarray([1, 2, 3, 4, 5, 6, 7], { minLength: 1 }),
      ),
      times: fc.oneof(times, fc.constant([0, 48] as [number, number])),
      validFrom: maybe(day),
      validUntil: maybe(day),
      holdsOnClosures: fc.boolean(),
    })
    .map(({ times: [from, until], doors, ...rest }): Omit<Rule, 'rank'> => ({
      ...rest,
      ...inOrder(rest.validFrom, rest.validUntil),
      startsAt: from * 30,
      endsAt: until * 30,
      // A rule is about doors of its own office.
      doors: doors && doors.filter((door) => (door === 2 ? 1 : 0) === rest.office),
    }))
  const closure = fc
    .record({ office, startsOn: day, days: fc.integer({ min: 0, max: 2 }) })
    .map(({ days, ...rest }) => ({ ...rest, endsOn: rest.startsOn + days }))
  const lockdown = fc
    .record({ office, startedAt: moment, quarters: fc.integer({ min: 0, max: 60 }) })
    .map(({ quarters, ...rest }) => ({ ...rest, endedAt: rest.startedAt + quarters * quarterMs }))
  const underWay = fc.record({ office, startedAt: moment, endedAt: fc.constant(null) })

  const pass = fc.record({
    host: fc.constantFrom(0, 1, 2, 2, 2),
    doors: fc.constantFrom([0], [0, 1], [0, 1], [2]),
    startsAt: moment,
    quarters: fc.integer({ min: 1, max: 400 }),
    uses: fc.constantFrom(1, 2),
    used: fc.constantFrom(0, 0, 0, 1),
    isRevoked: fc.constantFrom(false, false, false, false, true),
    hasHost: fc.constantFrom(true, true, true, true, false),
  })
  const guestPass = pass.map(({ quarters, hasHost, ...rest }): Pass => ({
    ...rest,
    endsAt: rest.startsAt + quarters * quarterMs,
    ...(!hasHost && { host: null, isRevoked: true }),
  }))
  const passCount = ofGuests ? 3 : 0

  return fc.record({
    world: fc.record({
      passes: fc.array(guestPass, { minLength: passCount, maxLength: passCount }),
      zones: fc.constant(both),
      rules: ranked(fc.array(rule, { minLength: 1, maxLength: 5 })),
      closures: ranked(fc.oneof(none, fc.array(closure, { maxLength: 3 }))),
      lockdowns: ranked(
        fc.oneof(
          { weight: 2, arbitrary: none },
          fc.array(fc.oneof(lockdown, underWay), { maxLength: 3 }).map(onlyOneUnderWay),
        ),
      ),
    }),
    questions: fc.array(
      fc.record({
        person: fc.constantFrom(0, 1, 1, 2, 2, 2, 3),
        pass: ofGuests ? fc.integer({ min: 0, max: passCount - 1 }) : fc.constant(null),
        door: fc.constantFrom(0, 0, 1, 2),
        at: fc.tuple(moment, edge).map(([at, ms]) => at + ms),
      }),
      { minLength: questionCount, maxLength: questionCount },
    ),
  })
}

const inOrder = (from: number | null, until: number | null) =>
  from !== null && until !== null && from > until
    ? { validFrom: until, validUntil: from }
    : { validFrom: from, validUntil: until }

const onlyOneUnderWay = <Each extends { office: number; endedAt: number | null }>(all: Each[]) =>
  all.filter(
    (each, index) =>
      each.endedAt !== null ||
      !all.slice(0, index).some(({ office, endedAt }) => office === each.office && endedAt === null),
  )

/** Gives each of a list its place in the order of making, which is not that of the list. */
const ranked = <Each extends object>(all: fc.Arbitrary<Each[]>): fc.Arbitrary<(Each & { rank: number })[]> =>
  all.chain((items) =>
    fc
      .shuffledSubarray(
        items.map((_, index) => index),
        { minLength: items.length, maxLength: items.length },
      )
      .map((ranks) => items.map((item, index) => ({ ...item, rank: ranks[index]! }))),
  )
