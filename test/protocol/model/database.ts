import type { Guards } from './guards.ts'
import { send, type Step } from './step.ts'
import type { Bounds, Claim, Command, CommandState, Message, State, Verdict } from './state.ts'

/** What the SQL functions and the job do, each transaction step by step. */

/** unlock_door: decides and makes the command. */
export function create(state: State, guards: Guards, bounds: Bounds): State {
  const isAllowed =
    (state.isMember && !state.isPassRevoked && !state.isLockedDown) || !guards.allowedAtCreation
  const replied = isHeeded(state, guards, bounds) ? send(state, { kind: 'reply' }) : state
  if (!isAllowed || !state.isAssigned || state.isRevoked) return replied
  const made: Command = {
    state: 'pending',
    expiresAt: state.now + bounds.lifetime,
    claimedAt: 0,
    asks: 0,
    hasOpened: false,
  }
  const number = state.commands.length
  const after = { ...replied, commands: [...state.commands, made], shown: [...state.shown, null] }
  return tell(after, number, 'pending', guards)
}

// A reply that changes nothing for anybody would only multiply the states.
const isHeeded = ({ presses }: State, { oncePerPress }: Guards, bounds: Bounds) =>
  presses < bounds.presses || !oncePerPress

/** claim_unlock begins; it may have to wait for its locks. */
export function begin(state: State, { kind: _, ...asked }: Extract<Message, { kind: 'claim' }>): State {
  return {
    ...state,
    claims: [...state.claims, { ...asked, begunAt: state.now, verdict: null, decidedAt: 0 }],
  }
}

/** What claims under way can do next. */
export function* claimSteps(state: State, guards: Guards): Generator<Step> {
  for (const claim of state.claims) {
    const others = state.claims.filter((other) => other !== claim)
    if (claim.verdict === null) {
      if (isHeld(state, claim.command, guards)) continue
      const verdict = decide(state, claim, guards)
      yield {
        label: `the database decides ${nameOf(claim)}: ${verdict}`,
        next: { ...state, claims: [...others, { ...claim, verdict, decidedAt: state.now }] },
      }
    } else {
      yield {
        label: `the database commits ${nameOf(claim)}: ${claim.verdict}`,
        next: commit({ ...state, claims: others }, claim, claim.verdict, guards),
        granted: claim.verdict === 'granted' ? claim : undefined,
      }
    }
  }
}

function decide(state: State, claim: Claim, guards: Guards): Verdict {
  const command = state.commands[claim.command]!
  if (guards.thisDevice && claim.by !== 'ours') return 'ignored'
  if (guards.claimedOnce && command.state !== 'pending') return 'ignored'
  const clock = guards.clockAfterLocks ? state.now : claim.begunAt
  const now = guards.databaseClock ? clock : claim.wallClock
  if (guards.inTime && now >= command.expiresAt) return 'expired'
  const isRefused =
    (guards.doorStillHasDevice && !state.isAssigned) ||
    (guards.deviceNotRevoked && state.isRevoked) ||
    (guards.stillMember && !state.isMember) ||
    (guards.passHolds && state.isPassRevoked) ||
    (guards.noLockdown && state.isLockedDown)
  return isRefused ? 'refused' : 'granted'
}

// Only a grant is answered: a refusal makes nobody do anything, as if it were lost.
function commit(state: State, claim: Claim, verdict: Verdict, guards: Guards): State {
  const { command, ask, by, decidedAt } = claim
  if (verdict === 'ignored') return state
  if (verdict !== 'granted') return put(state, command, { state: verdict })
  const answered = send(state, { kind: 'answer', command, ask, by, decidedAt })
  return tell(put(answered, command, { state: 'claimed', claimedAt: decidedAt }), command, 'claimed', guards)
}

/** report_unlock, one statement. Null while somebody holds the command. */
export function report(
  state: State,
  { command, by, hasOpened }: Extract<Message, { kind: 'report' }>,
  guards: Guards,
): State | null {
  if (isHeld(state, command, guards)) return null
  if (guards.reportThisDevice && by !== 'ours') return state
  if (guards.reportFromClaimed && state.commands[command]!.state !== 'claimed') return state
  return put(state, command, { state: hasOpened ? 'opened' : 'failed' })
}

/** unlock_command__settle, for what is due. */
export function* settleSteps(state: State, guards: Guards, bounds: Bounds): Generator<Step> {
  for (const [number, command] of state.commands.entries()) {
    if (isHeld(state, number, guards)) continue
    const name = `command ${number + 1}`
    if (command.state === 'pending' && state.now >= command.expiresAt) {
      yield { label: `the job lets ${name} expire`, next: put(state, number, { state: 'expired' }) }
    } else if (command.state === 'claimed' && state.now >= command.claimedAt + bounds.silence) {
      yield guards.unknownIsFinal
        ? { label: `the job gives ${name} up as unknown`, next: put(state, number, { state: 'unknown' }) }
        : {
            label: `the job tries ${name} again`,
            next: tell(
              put(state, number, { state: 'pending', expiresAt: state.now + bounds.lifetime }),
              number,
              'pending',
              guards,
            ),
          }
    }
  }
}

/** Whether a claim has decided about the command and holds its row. */
function isHeld(state: State, command: number, guards: Guards): boolean {
  return (
    guards.commandHeld && state.claims.some((other) => other.command === command && other.verdict !== null)
  )
}

function put(state: State, command: number, changed: Partial<Command>): State {
  const commands = state.commands.map((one, number) => (number === command ? { ...one, ...changed } : one))
  return { ...state, commands }
}

/** The subscription tells the device, when it is there, of what it would act upon. */
export function tell(state: State, command: number, to: CommandState, guards: Guards): State {
  const isHeeded = to === 'pending' || (to === 'claimed' && !(guards.grantOnly && guards.noGuess))
  return state.isConnected && isHeeded ? send(state, { kind: 'event', command, state: to }) : state
}

const nameOf = ({ ask, by, command }: Claim) =>
  `claim ${by === 'ours' ? ask : 'of the stray device'} for command ${command + 1}`
