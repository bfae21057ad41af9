import { begin, claimSteps, create, report, settleSteps } from './database.ts'
import { act, deviceSteps, hear } from './device.ts'
import { changeSteps, faultSteps } from './faults.ts'
import type { Guards } from './guards.ts'
import { type Bounds, isFinal, type Message, type State } from './state.ts'
import { send, type Step, take } from './step.ts'

/** All that can happen next, in a world with these guards. None: the history is at its end. */
export function* stepsFrom(state: State, guards: Guards, bounds: Bounds): Generator<Step> {
  yield* goodSteps(state, guards, bounds)
  yield* faultSteps(state, guards, bounds)
  yield* changeSteps(state, guards, bounds)
  if (mayTick(state, bounds)) yield tick(state)
}

/** The same in a world without faults, where time passes only when nothing is left to do. */
export function* calmStepsFrom(state: State, guards: Guards, bounds: Bounds): Generator<Step> {
  let isCalm = true
  for (const step of goodSteps(state, guards, bounds)) {
    isCalm = false
    yield step
  }
  if (isCalm && mayTick(state, bounds)) yield tick(state)
}

/** Whether a command that is made now can come to its end before the clock stops. */
const canStillEnd = (now: number, bounds: Bounds) => now + bounds.lifetime + bounds.silence <= bounds.ticks

// A press still under way does not wait for the end of time: what became of it would not be seen.
function mayTick({ now, network }: State, bounds: Bounds): boolean {
  return (
    now < bounds.ticks && (canStillEnd(now + 1, bounds) || network.every(({ kind }) => kind !== 'request'))
  )
}

const tick = (state: State): Step => ({ label: 'time passes', next: { ...state, now: state.now + 1 } })

function* goodSteps(state: State, guards: Guards, bounds: Bounds): Generator<Step> {
  yield* frontEndSteps(state, guards, bounds)
  yield* claimSteps(state, guards)
  yield* settleSteps(state, guards, bounds)
  yield* deviceSteps(state, guards)
  for (const [index, message] of state.network.entries()) {
    // Of two that are alike it does not matter which arrives.
    if (state.network.indexOf(message) !== index) continue
    const step = deliver(take(state, message), message, guards, bounds)
    if (step) yield step
  }
}

function* frontEndSteps(state: State, guards: Guards, bounds: Bounds): Generator<Step> {
  const mayPress = state.presses < bounds.presses && !state.isWaiting && canStillEnd(state.now, bounds)
  if (mayPress)
    yield {
      label: 'the person presses',
      next: send({ ...state, presses: state.presses + 1, isWaiting: true }, { kind: 'request' }),
    }
  if (!guards.oncePerPress && state.isWaiting && !state.hasRepeated && canStillEnd(state.now, bounds))
    yield {
      label: 'the front end asks again',
      next: send({ ...state, hasRepeated: true }, { kind: 'request' }),
    }
  for (const [number, { state: outcome }] of state.commands.entries()) {
    if (state.shown[number] !== null || !isFinal(outcome)) continue
    yield {
      label: `the front end shows ${outcome}`,
      next: { ...state, shown: state.shown.with(number, outcome) },
    }
  }
}

function deliver(state: State, message: Message, guards: Guards, bounds: Bounds): Step | null {
  switch (message.kind) {
    case 'request':
      return { label: 'the database makes a command', next: create(state, guards, bounds) }
    case 'reply':
      return { label: 'the front end hears of its command', next: { ...state, isWaiting: false } }
    case 'event':
      return hear(state, message, guards, bounds)
    case 'claim':
      return { label: `the API begins claim ${message.ask}`, next: begin(state, message) }
    case 'answer':
      return act(state, message, guards, bounds)
    case 'report': {
      const next = report(state, message, guards)
      const word = message.hasOpened ? 'opened' : 'failed'
      return next && { label: `the database hears the report ${word}`, next }
    }
  }
}
