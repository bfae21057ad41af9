import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { useTransaction } from '../support/database.ts'
import { decide } from '../support/doorOracle.ts'
import { decideInDatabase } from '../support/doorWorldRows.ts'
import { makeCases } from '../support/doorWorlds.ts'

const as = useTransaction()
const cases = makeCases(80)

/** That the database decides as the oracle does. What it decided is told, so that one can see what was tried. */
const agreement = (told: (answer: string) => void = () => {}) =>
  fc.asyncProperty(cases, async ({ world, questions }) => {
    const expected = questions.map((question) => decide(world, question))

    const answers = await decideInDatabase(as.owner, world, questions)

    answers.forEach(told)
    expect(answers).toEqual(expected)
  })

describe('app_private.decide_door', () => {
  test('a door opens exactly when a naive reading of the rules says so, and for that reason', async () => {
    const tally: Record<string, number> = {}
    const told = (answer: string) => {
      const word = answer.split(' ')[0]!
      tally[word] = (tally[word] ?? 0) + 1
    }

    await fc.assert(agreement(told), { numRuns: 200 })

    // None of these is so rare that its agreement would say little.
    const rarest = Math.min(
      ...['rule', 'lockdown', 'closure', 'none', 'nobody'].map((word) => tally[word] ?? 0),
    )
    expect(rarest).toBeGreaterThan(500)
  }, 60_000)
})

const source = readFileSync(
  join(import.meta.dirname, '../../migrations/fixtures/functions/app_private/decide_door.sql'),
  'utf8',
)

/** What is taken out of the function or turned around, and what stands there instead. */
const mutants: [string, string][] = [
  [
    `and memberships.person_id =
          case when decide_door.pass_id is null then decide_door.person_id else pass.host_id end`,
    '',
  ],
  ['at time zone offices.time_zone', `at time zone 'UTC'`],
  ['where doors.id = decide_door.door_id', ''],

  ['and lockdowns.office_id = doors.office_id', ''],
  ['and lockdowns.started_at <= decide_door.at', ''],
  ['and lockdowns.started_at <= decide_door.at', 'and lockdowns.started_at < decide_door.at'],
  ['and (lockdowns.ended_at is null or lockdowns.ended_at > decide_door.at)', ''],
  ['lockdowns.ended_at is null or', ''],
  ['lockdowns.ended_at > decide_door.at', 'lockdowns.ended_at >= decide_door.at'],
  ['lockdowns.ended_at > decide_door.at', 'false'],
  ['order by lockdowns.id', 'order by lockdowns.id desc'],
  ['when lockdown.id is not null then\n          (', 'when false then\n          ('],

  ['and closures.office_id = doors.office_id', ''],
  ['between closures.starts_on and closures.ends_on', '>= closures.starts_on'],
  ['between closures.starts_on and closures.ends_on', '<= closures.ends_on'],
  ['between closures.starts_on and closures.ends_on', '= closures.starts_on'],
  ['order by closures.id', 'order by closures.id desc'],
  ['when closure.id is not null', 'when false'],

  ['and access_rules.office_id = doors.office_id', ''],
  ['and (access_rules.role is null or access_rules.role = memberships.role)', ''],
  ['access_rules.role is null or', ''],
  ['and (access_rules.membership_id is null or access_rules.membership_id = memberships.id)', ''],
  ['access_rules.membership_id is null or', ''],
  ['access_rules.is_whole_office', 'false'],
  ['access_rules.is_whole_office', 'true'],
  ['and access_rule_doors.rule_id = access_rules.id', ''],
  ['and access_rule_doors.door_id = doors.id', ''],
  ['and (access_rules.holds_on_closures or closure.id is null)', ''],
  ['access_rules.holds_on_closures or', ''],
  ['or closure.id is null', ''],
  ['order by access_rules.id', 'order by access_rules.id desc'],
  ['when rule.id is not null', 'when rule.id is not null and closure.id is null'],

  [', (here.local_at::date - 1)', ''],
  ['(here.local_at::date), ', ''],
  ['opening.day + access_rules.starts_at <= here.local_at', 'true'],
  [
    'opening.day + access_rules.starts_at <= here.local_at',
    'opening.day + access_rules.starts_at < here.local_at',
  ],
  ['> here.local_at', '>= here.local_at'],
  ['> here.local_at', 'is not null'],
  ['(access_rules.ends_at < access_rules.starts_at)::int', '0'],
  ['(access_rules.ends_at < access_rules.starts_at)::int', '1'],
  ['and extract(isodow from opening.day) = any (access_rules.weekdays)', ''],
  ['isodow from opening.day', 'isodow from here.local_at'],
  ['and (access_rules.valid_from is null or access_rules.valid_from <= opening.day)', ''],
  ['access_rules.valid_from <= opening.day', 'access_rules.valid_from < opening.day'],
  ['access_rules.valid_from <= opening.day', 'access_rules.valid_from <= here.local_at::date'],
  ['and (access_rules.valid_until is null or access_rules.valid_until >= opening.day)', ''],
  ['access_rules.valid_until >= opening.day', 'access_rules.valid_until > opening.day'],
  ['access_rules.valid_until >= opening.day', 'access_rules.valid_until >= here.local_at::date'],
]

describe('the oracle of app_private.decide_door', () => {
  test.each(mutants)(
    'notices when “%s” becomes “%s”',
    async (original, instead) => {
      expect(source.split(original)).toHaveLength(2)
      await as.owner(source.replace(original, instead))

      const { failed } = await fc.check(agreement(), { seed: 20_261_122, numRuns: 250, endOnFailure: true })

      expect(failed).toBe(true)
    },
    60_000,
  )
})
