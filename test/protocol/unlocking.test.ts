import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { codeOf } from '../../src/fault.ts'
import { makeDatabase, type TestDatabase } from '../support/database.ts'
import { makePlayer, type Player } from './histories.ts'
import { Violation } from './referee.ts'

let database: TestDatabase
let player: Player
beforeAll(async () => {
  database = await makeDatabase()
  player = await makePlayer(database)
})
afterAll(async () => {
  await player.close()
  await database.drop()
})

const histories = 200
/** How many are tried before a missing guard counts as not missed: the rarest of them is needed once in hundreds. */
const searched = 3000

test('in random histories no door opens that should not, and every command has its outcome', async () => {
  for (let seed = 1; seed <= histories; seed++) {
    await player.play(seed).catch((cause: unknown) => {
      throw new Error(`The history of seed ${seed} is bad: ${String(cause)}`, { cause })
    })
  }

  // That it found nothing must not be for want of trying.
  expect(player.tally.histories).toBe(histories)
  expect(player.tally.transactions).toBeGreaterThan(histories * 8)
  expect(player.tally.waits).toBeGreaterThan(histories / 4)
  expect(player.tally.grants).toBeGreaterThan(histories / 2)
}, 300_000)

/**
 * A guard: the function that has it, its text, and what stands there without it. That a pass ends is missed so seldom
 * here that test/database/guestDecisionsProperties.test.ts takes it away instead.
 */
type Guard = [name: string, of: string, text: string, without: string]
const claim = 'app_public.claim_unlock(uuid)'
const report = 'app_public.report_unlock(uuid, boolean)'
const decide = 'app_private.decide_door(uuid, uuid, timestamptz, uuid)'
const settle = 'app_private.settle_unlock(uuid)'
const guards: Guard[] = [
  ['that a claim needs a pending command', claim, `v_command.state = 'pending'`, 'v_command.id is not null'],
  ['whose command it is', claim, 'and unlock_commands.device_id = app_hidden.current_device_id()', ''],
  ['the lock of the command', claim, 'for no key update', ''],
  ['the lock of the device', claim, 'where devices.id = v_command.device_id for share', ''],
  ['the lock of the office', claim, 'for share of offices', ''],
  ['the lock of the membership', claim, 'pass_id)\n      )\n    for share', 'pass_id)\n      )'],
  ['that the door still has the device', claim, 'and doors.device_id = v_command.device_id', ''],
  ['that the device is not revoked', claim, 'and devices.revoked_at is null', ''],
  [
    'that the command is of this enrolment',
    claim,
    'and devices.enrolled_at = v_command.device_enrolled_at',
    '',
  ],
  [
    'that it is decided again',
    claim,
    `and (
        app_private.decide_door(doors.id, v_command.person_id, clock_timestamp(), v_command.pass_id)
      ).is_allowed`,
    '',
  ],
  [
    'the lock of the pass',
    claim,
    'where guest_passes.id = v_command.pass_id for no key update',
    'where guest_passes.id = v_command.pass_id',
  ],
  ['that a use is counted', claim, 'set used_count = guest_passes.used_count + 1', 'set used_count = 0'],
  ['that a pass has its uses', decide, 'when pass.used_count >= pass.uses then', 'when false then'],
  ['that a pass can be revoked', decide, 'pass.revoked_at is not null or', ''],
  ['that a pass is for its doors', decide, 'and guest_pass_doors.door_id = doors.id', ''],
  ['the expiry', claim, 'clock_timestamp() >= v_command.expires_at', 'false'],
  ['whose report it is', report, 'and unlock_commands.device_id = app_hidden.current_device_id()', ''],
  ['that a report needs a claim', report, `and unlock_commands.state = 'claimed'`, ''],
  [
    'that only what is pending expires in time',
    settle,
    'unlock_commands.expires_at <= clock_timestamp()',
    'true',
  ],
  [
    'that a claim has its time for a report',
    settle,
    `unlock_commands.claimed_at <= clock_timestamp() - interval '15 seconds'`,
    'true',
  ],
  [
    'that an outcome stays',
    settle,
    `interval '15 seconds'\n    end`,
    `interval '15 seconds'\n      else true\n    end`,
  ],
  [
    'that a door is given away under the lock of its office',
    'app_private.tg__lock_office()',
    'for no key update',
    '',
  ],
]

/** What the referee finds, or Postgres, whose checks on the table know states that cannot be. */
const isFound = (error: unknown) => error instanceof Violation || codeOf(error) === '23514'

describe('without one guard', () => {
  test.each(guards)('%s, it is found out', async (_, of, text, without) => {
    const [row] = await player.owner('select pg_get_functiondef($1::regprocedure) as text', [of])
    const whole = row!.text as string
    expect(whole).toContain(text)
    await player.owner(whole.replaceAll(text, without))

    let violation: unknown = null
    let seed = 0
    while (violation === null && seed < searched) {
      await player.play(++seed).catch((error: unknown) => (violation = error))
    }
    await player.owner(whole)

    // What it was instead says more than that it was not.
    expect(isFound(violation) ? 'found' : String(violation)).toBe('found')
  })
})
