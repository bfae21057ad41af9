import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { useTransaction } from '../support/database.ts'
import { decideGuest } from '../support/doorOracle.ts'
import { decideInDatabase } from '../support/doorWorldRows.ts'
import { makeCases } from '../support/doorWorlds.ts'

const as = useTransaction()
const cases = makeCases(80, true)

/** That the database decides about guests as the oracle does. What it decided is told. */
const agreement = (told: (answer: string) => void = () => {}) =>
  fc.asyncProperty(cases, async ({ world, questions }) => {
    const expected = questions.map((question) => decideGuest(world, question))

    const answers = await decideInDatabase(as.owner, world, questions)

    answers.forEach(told)
    expect(answers).toEqual(expected)
  })

test('a guest is let in exactly when a naive reading of the pass and of the host’s rules says so', async () => {
  const tally: Record<string, number> = {}

  await fc.assert(
    agreement((word) => (tally[word] = (tally[word] ?? 0) + 1)),
    { numRuns: 100 },
  )

  // None of these is so rare that its agreement would say little.
  const words = [
    'let in',
    'no such door',
    'lockdown',
    'revoked',
    'not yet',
    'over',
    'used up',
    'host may not',
  ]
  expect(Math.min(...words.map((word) => tally[word] ?? 0))).toBeGreaterThan(50)
}, 60_000)

const source = readFileSync(
  join(import.meta.dirname, '../../migrations/fixtures/functions/app_private/decide_door.sql'),
  'utf8',
)

/** What is taken out of the function or turned around, and what stands there instead. */
const mutants: [string, string][] = [
  [
    'when pass.id is not null then case\n          when lockdown.id is not null then',
    'when pass.id is not null then case\n          when false then',
  ],
  ['pass.revoked_at is not null or memberships.id is null', 'memberships.id is null'],
  ['(decide_door.at >= pass.starts_at) is not true', 'false'],
  ['(decide_door.at >= pass.starts_at) is not true', '(decide_door.at > pass.starts_at) is not true'],
  ['(decide_door.at < pass.ends_at) is not true', 'false'],
  ['(decide_door.at < pass.ends_at) is not true', '(decide_door.at <= pass.ends_at) is not true'],
  ['pass.used_count >= pass.uses', 'pass.used_count > pass.uses'],
  [`memberships.role in ('owner', 'manager') or rule.id is not null`, 'rule.id is not null'],
  [
    `memberships.role in ('owner', 'manager') or rule.id is not null`,
    `memberships.role in ('owner', 'manager')`,
  ],
  [`memberships.role in ('owner', 'manager') or rule.id is not null`, 'true'],
  [`memberships.role in ('owner', 'manager')`, `memberships.role = 'owner'`],
  ['and guest_pass_doors.pass_id = pass.id', ''],
  ['and guest_pass_doors.door_id = doors.id', ''],
  ['else pass.host_id end', 'else decide_door.person_id end'],
]

describe('the oracle', () => {
  test.each(mutants)(
    'notices when “%s” becomes “%s”',
    async (original, instead) => {
      expect(source.split(original)).toHaveLength(2)
      await as.owner(source.replace(original, instead))

      const { failed } = await fc.check(agreement(), { seed: 20_261_122, numRuns: 150, endOnFailure: true })

      expect(failed).toBe(true)
    },
    60_000,
  )
})
