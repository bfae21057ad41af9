import { randomUUID } from 'node:crypto'
import type { Run } from './database.ts'
import { offices, roles, type Question, type World } from './doorOracle.ts'

/** Has the database decide all of some questions, by one statement, about a world that is written into it. */
export async function decideInDatabase(owner: Run, world: World, questions: Question[]): Promise<string[]> {
  const organizationId = randomUUID()
  const elsewhereId = randomUUID()
  const [officeIds, doorIds, personIds, membershipIds] = [world.zones, offices, roles, roles].map((all) =>
    all.map(() => randomUUID() as string),
  ) as [string[], string[], string[], string[]]

  const rules = idsByRank(world.rules).map((id, index) => ({ id, ...world.rules[index]! }))
  await write(
    owner,
    'people',
    ['id', 'name'],
    personIds.map((id) => ({ id, name: 'Somebody' })),
  )
  await write(
    owner,
    'organizations',
    ['id', 'name'],
    [
      { id: organizationId, name: 'Studio' },
      { id: elsewhereId, name: 'Elsewhere' },
    ],
  )
  await write(
    owner,
    'memberships',
    ['organization_id', 'id', 'person_id', 'role'],
    roles.map((role, person) => ({
      organization_id: role ? organizationId : elsewhereId,
      id: membershipIds[person],
      person_id: personIds[person],
      role: role ?? 'owner',
    })),
  )
  await write(
    owner,
    'offices',
    ['organization_id', 'id', 'name', 'time_zone'],
    world.zones.map((zone, office) => ({
      organization_id: organizationId,
      id: officeIds[office],
      name: zone,
      time_zone: zone,
    })),
  )
  await write(
    owner,
    'doors',
    ['organization_id', 'id', 'office_id', 'name'],
    offices.map((office, door) => ({
      organization_id: organizationId,
      id: doorIds[door],
      office_id: officeIds[office],
      name: `Door ${door}`,
    })),
  )
  await write(
    owner,
    'access_rules',
    [
      ...[
        'organization_id',
        'id',
        'office_id',
        'name',
        'role',
        'membership_id',
        'is_whole_office',
        'weekdays',
      ],
      ...['starts_at', 'ends_at', 'valid_from', 'valid_until', 'holds_on_closures'],
    ],
    rules.map((rule) => ({
      organization_id: organizationId,
      id: rule.id,
      office_id: officeIds[rule.office],
      name: `rule ${rule.rank}`,
      role: rule.role,
      membership_id: rule.member === null ? null : membershipIds[rule.member],
      is_whole_office: rule.doors === null,
      weekdays: rule.weekdays,
      starts_at: toTime(rule.startsAt),
      ends_at: toTime(rule.endsAt),
      valid_from: toDate(rule.validFrom),
      valid_until: toDate(rule.validUntil),
      holds_on_closures: rule.holdsOnClosures,
    })),
  )
  await write(
    owner,
    'access_rule_doors',
    ['organization_id', 'rule_id', 'door_id'],
    rules.flatMap(({ id, doors }) =>
      (doors ?? []).map((door) => ({ organization_id: organizationId, rule_id: id, door_id: doorIds[door] })),
    ),
  )
  await write(
    owner,
    'closures',
    ['organization_id', 'id', 'office_id', 'name', 'starts_on', 'ends_on'],
    idsByRank(world.closures).map((id, index) => {
      const { rank, office, startsOn, endsOn } = world.closures[index]!
      return {
        organization_id: organizationId,
        id,
        office_id: officeIds[office],
        name: `closure ${rank}`,
        starts_on: toDate(startsOn),
        ends_on: toDate(endsOn),
      }
    }),
  )
  await write(
    owner,
    'lockdowns',
    ['organization_id', 'id', 'office_id', 'reason', 'started_at', 'ended_at'],
    idsByRank(world.lockdowns).map((id, index) => {
      const { rank, office, startedAt, endedAt } = world.lockdowns[index]!
      return {
        organization_id: organizationId,
        id,
        office_id: officeIds[office],
        reason: `lockdown ${rank}`,
        started_at: new Date(startedAt),
        ended_at: endedAt === null ? null : new Date(endedAt),
      }
    }),
  )

  const passIds = world.passes.map(() => randomUUID() as string)
  await write(
    owner,
    'guest_passes',
    [
      ...['organization_id', 'id', 'office_id', 'host_id', 'guest_name', 'guest_email'],
      ...['starts_at', 'ends_at', 'uses', 'used_count', 'created_at', 'revoked_at'],
    ],
    world.passes.map(({ host, doors, startsAt, endsAt, uses, used, isRevoked }, index) => ({
      ...{ organization_id: organizationId, id: passIds[index], office_id: officeIds[offices[doors[0]!]!] },
      ...{
        host_id: host === null ? null : personIds[host],
        guest_name: 'Gus',
        guest_email: 'gus@example.org',
      },
      ...{ starts_at: new Date(startsAt), ends_at: new Date(endsAt), uses, used_count: used },
      ...{ created_at: new Date(startsAt), revoked_at: isRevoked ? new Date(startsAt) : null },
    })),
  )
  await write(
    owner,
    'guest_pass_doors',
    ['organization_id', 'pass_id', 'door_id'],
    world.passes.flatMap(({ doors }, index) =>
      doors.map((door) => ({
        organization_id: organizationId,
        pass_id: passIds[index],
        door_id: doorIds[door],
      })),
    ),
  )

  const rows = await owner(
    `select answer.is_allowed, answer.rule, answer.reason
     from rows from (jsonb_to_recordset($1) as (door_id uuid, person_id uuid, at timestamptz, pass_id uuid))
       with ordinality as question (door_id, person_id, at, pass_id, number)
     cross join lateral app_private.decide_door(
       question.door_id, question.person_id, question.at, question.pass_id
     ) as answer
     order by question.number`,
    [
      JSON.stringify(
        questions.map(({ person, pass, door, at }) => ({
          door_id: doorIds[door],
          person_id: pass === null ? personIds[person] : null,
          pass_id: pass === null ? null : passIds[pass],
          at: new Date(at),
        })),
      ),
    ],
  )
  return rows.map(toWord)
}

/** What guests are told, and how the oracle says it. */
const guestWords: Record<string, string> = {
  'You are let in by your pass.': 'let in',
  'There is no such door, or your pass is not for it.': 'no such door',
  'The office is locked down.': 'lockdown',
  'Your pass has been revoked.': 'revoked',
  'Your pass is not valid yet.': 'not yet',
  'Your pass has expired.': 'over',
  'Your pass is used up.': 'used up',
  'Your host may not open this door at this time.': 'host may not',
}

/** As the oracle would say it; whatever does not fit together is said in full. */
function toWord({ is_allowed, rule, reason }: Record<string, unknown>): string {
  if (is_allowed === true && reason === `You are let in by the rule “${String(rule)}”.`) return String(rule)
  const guestWord = guestWords[String(reason)]
  if (guestWord && is_allowed === (guestWord === 'let in') && (rule === 'Guest pass') === is_allowed)
    return guestWord
  const word = /: (lockdown|closure) (\d)$/.exec(String(reason))
  if (is_allowed === false && rule === null) {
    if (word) return `${word[1]} ${word[2]}`
    if (String(reason).startsWith('No rule')) return 'none'
    if (String(reason).startsWith('There is no such door')) return 'nobody'
  }
  return JSON.stringify({ is_allowed, rule, reason })
}

const write = (owner: Run, table: string, columns: string[], rows: object[]) =>
  owner(
    `insert into app_public.${table} (${columns.join()})
     select ${columns.join()} from jsonb_populate_recordset(null::app_public.${table}, $1)`,
    [JSON.stringify(rows)],
  )

/** Ids whose order is that of the ranks. */
function idsByRank(all: { rank: number }[]): string[] {
  const ids = all.map(() => randomUUID() as string).sort()
  return all.map(({ rank }) => ids[rank]!)
}

const toTime = (minutes: number) =>
  [Math.floor(minutes / 60), minutes % 60].map((part) => String(part).padStart(2, '0')).join(':')
const toDate = (day: number | null) =>
  day === null ? null : new Date(day * 86_400_000).toISOString().slice(0, 10)
