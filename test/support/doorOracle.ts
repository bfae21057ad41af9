/** An office's rules, closures and lockdowns, and who and what there is to ask about: as numbers, without SQL. */
export type World = {
  /** The time zones of two offices. Doors 0 and 1 lead into the first, door 2 into the second. */
  zones: [string, string]
  rules: Rule[]
  closures: Closure[]
  lockdowns: Lockdown[]
  passes: Pass[]
}

/** Days count from 1970-01-01, minutes from midnight. What has a lower rank was made earlier. */
export type Rule = {
  rank: number
  office: number
  role: Role | null
  /** A person, see `roles`. */
  member: number | null
  doors: number[] | null
  weekdays: number[]
  startsAt: number
  endsAt: number
  validFrom: number | null
  validUntil: number | null
  holdsOnClosures: boolean
}
export type Closure = { rank: number; office: number; startsOn: number; endsOn: number }
/** Moments are milliseconds since 1970; null for one under way. */
export type Lockdown = { rank: number; office: number; startedAt: number; endedAt: number | null }

/** The host is a person; one who left has none any more, and the pass is revoked. */
export type Pass = {
  host: number | null
  doors: readonly number[]
  startsAt: number
  endsAt: number
  uses: number
  used: number
  isRevoked: boolean
}

export type Role = 'owner' | 'manager' | 'member'
/** Persons 0 to 3 by their role; the last is a member of another organization alone. */
export const roles: readonly (Role | null)[] = ['owner', 'manager', 'member', null]
/** Doors 0 to 2 by their office. */
export const offices: readonly number[] = [0, 0, 1]

/** Who asks, or with which pass, about which door at which moment, in milliseconds since 1970. */
export type Question = { person: number; pass: number | null; door: number; at: number }

/** Which day and which millisecond of it the clocks of a time zone show. */
export function clocksOf(zone: string, at: number): { day: number; time: number } {
  const parts = Object.fromEntries(
    formatOf(zone)
      .formatToParts(at)
      .map(({ type, value }) => [type as string, Number(value)]),
  ) as Record<'year' | 'month' | 'day' | 'hour' | 'minute' | 'second' | 'fractionalSecond', number>
  return {
    day: Date.UTC(parts.year, parts.month - 1, parts.day) / dayMs,
    time: ((parts.hour * 60 + parts.minute) * 60 + parts.second) * 1000 + parts.fractionalSecond,
  }
}

/** What is decided about a guest: `let in`, or what is in the way. */
export function decideGuest(world: World, { pass: number, door, at }: Question): string {
  const pass = world.passes[number!]!
  if (!pass.doors.includes(door)) return 'no such door'
  const isLockedDown = world.lockdowns.some((it) => it.office === offices[door] && isDuring(it, at))
  if (isLockedDown) return 'lockdown'
  if (pass.isRevoked || pass.host === null) return 'revoked'
  if (at < pass.startsAt) return 'not yet'
  if (at >= pass.endsAt) return 'over'
  if (pass.used >= pass.uses) return 'used up'
  if (roles[pass.host] !== 'member') return 'let in'
  return decide(world, { person: pass.host, pass: null, door, at }).startsWith('rule')
    ? 'let in'
    : 'host may not'
}

/** What is decided, in a word and the rank of what decided it: `rule 2`, `lockdown 0`, `closure 1`, `none`, `nobody`. */
export function decide(world: World, { person, door, at }: Question): string {
  const role = roles[person]
  const office = offices[door]!
  if (!role) return 'nobody'
  const lockdown = first(world.lockdowns.filter((it) => it.office === office && isDuring(it, at)))
  if (lockdown) return `lockdown ${lockdown.rank}`

  const { day, time } = clocksOf(world.zones[office]!, at)
  const closure = first(
    world.closures.filter((it) => it.office === office && it.startsOn <= day && day <= it.endsOn),
  )
  const rule = first(
    world.rules
      .filter((it) => it.office === office)
      .filter((it) => it.role === null || it.role === role)
      .filter((it) => it.member === null || it.member === person)
      .filter((it) => it.doors === null || it.doors.includes(door))
      .filter((it) => it.holdsOnClosures || !closure)
      .filter((it) => isOpen(it, day, time)),
  )
  if (rule) return `rule ${rule.rank}`
  return closure ? `closure ${closure.rank}` : 'none'
}

const dayMs = 86_400_000
const minuteMs = 60_000

const first = <Ranked extends { rank: number }>(all: Ranked[]): Ranked | undefined =>
  all.toSorted((one, other) => one.rank - other.rank)[0]

const isDuring = ({ startedAt, endedAt }: Lockdown, at: number) =>
  startedAt <= at && (endedAt === null || at < endedAt)

function isOpen(rule: Rule, day: number, time: number): boolean {
  const [startsAt, endsAt] = [rule.startsAt * minuteMs, rule.endsAt * minuteMs]
  if (startsAt < endsAt) return time >= startsAt && time < endsAt && isDayOf(rule, day)
  if (time >= startsAt) return isDayOf(rule, day)
  return time < endsAt && isDayOf(rule, day - 1)
}

function isDayOf({ weekdays, validFrom, validUntil }: Rule, day: number): boolean {
  const weekday = new Date(day * dayMs).getUTCDay() || 7
  return (
    weekdays.includes(weekday) &&
    (validFrom === null || day >= validFrom) &&
    (validUntil === null || day <= validUntil)
  )
}

const formats = new Map<string, Intl.DateTimeFormat>()
function formatOf(timeZone: string): Intl.DateTimeFormat {
  let format = formats.get(timeZone)
  if (!format) {
    const number = 'numeric'
    format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      year: number,
      month: number,
      day: number,
      hour: number,
      minute: number,
      second: number,
      fractionalSecondDigits: 3,
    })
    formats.set(timeZone, format)
  }
  return format
}
