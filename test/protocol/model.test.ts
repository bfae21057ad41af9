import { describe, expect, test } from '@jest/globals'
import { makeRandom } from '../support/random.ts'
import { allGuards, type Guard, guards, redundant, without } from './model/guards.ts'
import { exploreAll, findSimplestTrace, told, walk } from './model/search.ts'
import { calm, far, troubled } from './model/world.ts'

/** What happens without a guard: the promise that breaks first. */
const breaks: Record<Exclude<Guard, 'allowedAtCreation'>, string> = {
  claimedOnce: 'opened becomes claimed',
  commandHeld: 'expired becomes claimed',
  inTime: 'a command is granted late',
  databaseClock: 'a command is granted late',
  clockAfterLocks: 'a command is granted late',
  thisDevice: 'a device is granted what was made for another',
  doorStillHasDevice: 'a device is granted a door that it does not have any more',
  deviceNotRevoked: 'a revoked device is granted a command',
  stillMember: 'somebody is let in who is no member any more',
  passHolds: 'a guest is let in by a pass that was revoked',
  noLockdown: 'somebody is let in during a lockdown',
  officeHeld: 'somebody is let in during a lockdown',
  membershipHeld: 'somebody is let in who is no member any more',
  passHeld: 'a guest is let in by a pass that was revoked',
  deviceHeld: 'a revoked device is granted a command',
  reportFromClaimed: 'unknown becomes opened',
  reportThisDevice: 'opened is said of a lock that was not',
  unknownIsFinal: 'pending is said of a lock that was opened',
  twoSeconds: 'the lock is opened on an old decision',
  monotonicClock: 'the lock is opened on an old decision',
  ownAnswer: 'the lock is opened on an old decision',
  answeredOnce: 'the lock is opened twice for one command',
  grantOnly: 'the lock is opened without a grant',
  noGuess: 'failed is said of a lock that was opened',
  oncePerPress: 'the lock is opened twice for one press',
}

describe('the unlock protocol', () => {
  test('keeps its promises in each of a thousand million histories', () => {
    const { histories, depth } = exploreAll(troubled())

    expect(histories).toBeGreaterThan(1_000_000_000n)
    expect(depth).toBeGreaterThan(20)
  })

  test('keeps them when a person presses again before the first press is dealt with', () => {
    const { histories } = exploreAll(troubled(allGuards, { presses: 2, faults: 0, changes: 0 }))

    expect(histories).toBeGreaterThan(1_000_000_000n)
  })

  test('keeps them in longer histories with more trouble, walked at random', () => {
    const random = makeRandom(600)
    const world = troubled(allGuards, far)
    let opened = 0

    for (let walks = 0; walks < 5000; walks++) {
      const walked = walk(world, random)
      if ('broken' in walked) throw new Error(`A promise is broken:\n${told(walked)}`)
      if (walked.end.openings > 0) opened++
    }

    expect(opened).toBeGreaterThan(1000)
  })

  test('opens the door, once, whenever nothing goes wrong', () => {
    const { histories } = exploreAll(calm)

    expect(histories).toBeGreaterThan(1n)
  })

  test.each(Object.entries(breaks))('without %s, is caught: %s', (name, broken) => {
    const trace = findSimplestTrace(troubled(without(name as Guard)))

    expect(trace?.broken ?? `nothing, without "${guards[name as Guard]}"`).toBe(broken)
  })

  test.each(Object.entries(redundant))('does not need %s: %s', (name) => {
    expect(findSimplestTrace(troubled(without(name as Guard)))).toBeNull()
  })

  test('has no guard that is not tried', () => {
    expect([...Object.keys(breaks), ...Object.keys(redundant)].sort()).toEqual(Object.keys(guards).sort())
  })
})
