import { begin, report } from './database.ts'
import type { Guards } from './guards.ts'
import type { Bounds, State } from './state.ts'
import { send, type Step, take } from './step.ts'

/** What may go wrong, at any moment: each once more costs one of the faults that a history has. */
export function* faultSteps(state: State, guards: Guards, bounds: Bounds): Generator<Step> {
  if (state.faults >= bounds.faults) return
  const worse = { ...state, faults: state.faults + 1 }

  for (const [index, message] of state.network.entries()) {
    if (state.network.indexOf(message) !== index) continue
    yield { label: `the network loses the ${message.kind}`, next: take(worse, message) }
    // A press is sent over one connection, which repeats nothing; all else is sent again by somebody.
    if (message.kind !== 'request' && message.kind !== 'reply')
      yield { label: `the network repeats the ${message.kind}`, next: send(worse, { ...message }) }
  }

  yield {
    label: 'the API crashes and restarts',
    next: { ...worse, network: [], claims: [], isConnected: false },
  }
  if (state.claims.length > 0)
    yield { label: 'the database crashes and recovers', next: { ...worse, claims: [] } }
  yield {
    label: 'the device crashes and restarts',
    next: { ...worse, asks: [], reports: [], isConnected: false },
  }
  if (state.isConnected) {
    const kept = state.network.filter(({ kind }) => kind !== 'event')
    yield { label: 'the connection breaks', next: { ...worse, network: kept, isConnected: false } }
  }
  // While nobody goes by the wall clock, what it shows would only multiply the states.
  if (!state.wallClockIsBehind && !(guards.databaseClock && guards.monotonicClock))
    yield { label: 'the wall clock of the device is set back', next: { ...worse, wallClockIsBehind: true } }

  // Its messages may take as long as they like: it sends them when they arrive.
  for (const command of state.commands.keys()) {
    const stray = { kind: 'claim', command, ask: 0, by: 'stray', wallClock: state.now } as const
    yield { label: 'a stray device claims', next: begin(worse, stray) }
    for (const hasOpened of [true, false]) {
      const next = report(worse, { kind: 'report', command, by: 'stray', hasOpened }, guards)
      if (next) yield { label: `a stray device reports ${hasOpened ? 'opened' : 'failed'}`, next }
    }
  }
}

/** How rights may change meanwhile. A change waits while a claim that has decided holds what it changes. */
export function* changeSteps(state: State, guards: Guards, bounds: Bounds): Generator<Step> {
  if (state.changes >= bounds.changes) return
  const changed = { ...state, changes: state.changes + 1 }
  const isDeciding = state.claims.some(({ verdict }) => verdict !== null)
  const mayChange = (isHeld: boolean) => !isHeld || !isDeciding

  if (mayChange(guards.officeHeld)) {
    yield {
      label: state.isLockedDown ? 'the lockdown ends' : 'a lockdown starts',
      next: { ...changed, isLockedDown: !state.isLockedDown },
    }
    if (state.isAssigned)
      yield { label: 'the door gets another device', next: { ...changed, isAssigned: false } }
  }
  if (mayChange(guards.membershipHeld) && state.isMember)
    yield { label: 'the person is removed', next: { ...changed, isMember: false } }
  if (mayChange(guards.passHeld) && !state.isPassRevoked)
    yield { label: 'the pass is revoked', next: { ...changed, isPassRevoked: true } }
  if (mayChange(guards.deviceHeld) && !state.isRevoked)
    yield { label: 'the device is revoked', next: { ...changed, isRevoked: true } }
}
