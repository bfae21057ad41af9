import { type Bounds, type Command, isFinal, type State } from './state.ts'
import type { Step } from './step.ts'

/**
 * Says which promise a step breaks, or null.
 *
 * The lock is opened only within two seconds after the database has decided, hence before expires_at plus two
 * seconds; only on such a decision; once for one command and one press; and only the door of the command. At
 * the moment that a claim commits, the command is not yet expired (when it was decided), and the person is a
 * member (a guest: the pass holds), there is no lockdown, the door has the device, and that is not revoked. What is said of an outcome is
 * true, and stays.
 */
export function brokenBy(before: State, step: Step, bounds: Bounds): string | null {
  return brokenByOpening(before, step, bounds) ?? brokenByGrant(before, step) ?? brokenByOutcome(before, step)
}

function brokenByOpening(before: State, { opened, next }: Step, bounds: Bounds): string | null {
  if (!opened) return null
  const command = before.commands[opened.command]!
  if (opened.by === 'stray') return 'another door is opened'
  if (command.hasOpened) return 'the lock is opened twice for one command'
  if (next.openings > before.presses) return 'the lock is opened twice for one press'
  if (opened.decidedAt === null) return 'the lock is opened without a grant'
  if (before.now >= command.expiresAt + bounds.patience) return 'the lock is opened late'
  if (before.now >= opened.decidedAt + bounds.patience) return 'the lock is opened on an old decision'
  return null
}

function brokenByGrant(before: State, { granted }: Step): string | null {
  if (!granted) return null
  if (granted.by === 'stray') return 'a device is granted what was made for another'
  if (granted.decidedAt >= before.commands[granted.command]!.expiresAt) return 'a command is granted late'
  if (!before.isMember) return 'somebody is let in who is no member any more'
  if (before.isPassRevoked) return 'a guest is let in by a pass that was revoked'
  if (before.isLockedDown) return 'somebody is let in during a lockdown'
  if (!before.isAssigned) return 'a device is granted a door that it does not have any more'
  if (before.isRevoked) return 'a revoked device is granted a command'
  return null
}

function brokenByOutcome(before: State, { next }: Step): string | null {
  for (const [number, command] of next.commands.entries()) {
    const was = before.commands[number]?.state
    if (was !== undefined && isFinal(was) && was !== command.state) return `${was} becomes ${command.state}`
    if (isFalse(command)) return `${command.state} is said of a lock that ${did(command)}`
  }
  return null
}

// Claimed and unknown promise nothing.
const isFalse = ({ state, hasOpened }: Command) =>
  state === 'opened' ? !hasOpened : state !== 'claimed' && state !== 'unknown' && hasOpened
const did = ({ hasOpened }: Command) => (hasOpened ? 'was opened' : 'was not')

/** Says what is wrong with the end of a history, or null: each command has an outcome, and it was shown. */
export function missingAtEnd({ commands, shown }: State): string | null {
  const open = commands.findIndex(({ state }, number) => !isFinal(state) || shown[number] !== state)
  return open === -1 ? null : `command ${open + 1} ends as ${commands[open]!.state}, shown as ${shown[open]}`
}

/** The same where nothing goes wrong: each press has opened the door, once and for all to see. */
export function notOpenedAtEnd({ commands, shown, presses, openings }: State): string | null {
  const isOpened = presses > 0 && [commands.length, openings].every((count) => count === presses)
  return isOpened && shown.every((outcome) => outcome === 'opened') ? null : 'the lock is not opened'
}
