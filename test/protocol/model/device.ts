import { tell } from './database.ts'
import type { Guards } from './guards.ts'
import { send, type Step } from './step.ts'
import { type Bounds, type Message, type State, wallClock } from './state.ts'

/** What the door controller does; it knows nothing but what it is told, and loses that when it restarts. */

/** A change of a command reaches it, perhaps late or again. */
export function hear(
  state: State,
  event: Extract<Message, { kind: 'event' }>,
  guards: Guards,
  bounds: Bounds,
): Step {
  const { command } = event
  const name = `command ${command + 1}`
  const label = `the device hears that ${name} is ${event.state}`
  const asks = state.commands[command]!.asks
  if (event.state === 'pending') {
    if (asks >= bounds.asks) return { label, next: state }
    const ask = asks + 1
    const asked = { command, ask, wallClock: wallClock(state) }
    const commands = state.commands.map((one, number) => (number === command ? { ...one, asks: ask } : one))
    return {
      label: `${label}, and sends claim ${ask}`,
      next: send(
        { ...state, commands, asks: [...state.asks, { ...asked, at: state.now }] },
        { kind: 'claim', by: 'ours', ...asked },
      ),
    }
  }
  if (event.state === 'claimed') {
    if (!guards.grantOnly) return open(state, command, null, label)
    const isRemembered = [...state.asks, ...state.reports].some((memory) => memory.command === command)
    if (!guards.noGuess && !isRemembered) {
      return {
        label: `${label}, and takes it for failed`,
        next: { ...state, reports: [...state.reports, { command, hasOpened: false }] },
      }
    }
  }
  return { label, next: state }
}

/** The grant of a claim reaches it. */
export function act(
  state: State,
  answer: Extract<Message, { kind: 'answer' }>,
  guards: Guards,
  bounds: Bounds,
): Step {
  const { command, ask, decidedAt, by } = answer
  if (by === 'stray')
    return {
      label: 'the stray device is granted the command, and opens its own door',
      next: state,
      opened: { command, by, decidedAt },
    }

  const label = `the device is granted claim ${ask} for command ${command + 1}`
  const ofCommand = state.asks.filter((one) => one.command === command)
  const asked = guards.ownAnswer ? ofCommand.find((one) => one.ask === ask) : ofCommand.at(-1)
  if (!asked) return { label: `${label}, and does not know why`, next: state }
  const rest = guards.answeredOnce ? state.asks.filter((one) => one !== asked) : state.asks
  const after = { ...state, asks: rest }

  const took = guards.monotonicClock ? state.now - asked.at : wallClock(state) - asked.wallClock
  if (!guards.twoSeconds || took < bounds.patience) return open(after, command, decidedAt, label)
  return {
    label: `${label}, too late`,
    next: { ...after, reports: [...after.reports, { command, hasOpened: false }] },
  }
}

function open(state: State, command: number, decidedAt: number | null, label: string): Step {
  const commands = state.commands.map((one, number) =>
    number === command ? { ...one, hasOpened: true } : one,
  )
  return {
    label: `${label}, and opens the lock`,
    next: {
      ...state,
      commands,
      openings: state.openings + 1,
      reports: [...state.reports, { command, hasOpened: true }],
    },
    opened: { command, by: 'ours', decidedAt },
  }
}

/** What it does by itself. */
export function* deviceSteps(state: State, guards: Guards): Generator<Step> {
  for (const due of state.isConnected ? state.reports : []) {
    const { command, hasOpened } = due
    yield {
      label: `the device reports ${hasOpened ? 'opened' : 'failed'}`,
      next: send(
        { ...state, reports: state.reports.filter((one) => one !== due) },
        { kind: 'report', by: 'ours', command, hasOpened },
      ),
    }
  }
  if (!state.isConnected && !state.isRevoked) {
    // What it may have missed is told again, as it is by now.
    let next: State = { ...state, isConnected: true }
    for (const [command, { state: now }] of state.commands.entries()) next = tell(next, command, now, guards)
    yield { label: 'the device connects again and resumes', next }
  }
}
