import type { Random } from '../../support/random.ts'
import { brokenBy } from './promises.ts'
import { initial, keyOf, type State } from './state.ts'
import type { World } from './world.ts'

/** A history that breaks a promise: what happened, one line a step, and the promise. */
export type Trace = { steps: string[]; broken: string }

/** What was looked at: each state and step once, each history by those that it consists of. */
export type Explored = {
  states: number
  steps: number
  /** Ways from the beginning to an end. No step can be taken back, so there are finitely many. */
  histories: bigint
  /** Steps of the longest one. */
  depth: number
}

type Rest = { histories: bigint; depth: number }

/** Looks at every history of a world; throws with the shortest bad one when there is any. */
export function exploreAll(world: World): Explored {
  const { guards, bounds } = world
  const known = new Map<string, Rest>()
  let steps = 0
  const fail = () => {
    throw new Error(`A promise is broken:\n${told(findTrace(world)!)}`)
  }
  const restOf = (state: State): Rest => {
    const key = keyOf(state)
    const before = known.get(key)
    if (before) return before
    const rest: Rest = { histories: 0n, depth: 0 }
    for (const step of world.next(state, guards, bounds)) {
      steps++
      if (brokenBy(state, step, bounds) !== null) fail()
      const after = restOf(step.next)
      rest.histories += after.histories
      rest.depth = Math.max(rest.depth, after.depth + 1)
    }
    if (rest.depth === 0) {
      if (world.wrongAtEnd(state) !== null) fail()
      rest.histories = 1n
    }
    known.set(key, rest)
    return rest
  }
  const { histories, depth } = restOf(initial)
  return { states: known.size, steps, histories, depth }
}

type Reached = { state: State; label: string; from: Reached | null }

/** The shortest history of a world that breaks a promise, or null when none does. */
export function findTrace(world: World): Trace | null {
  const { guards, bounds } = world
  const known = new Set([keyOf(initial)])
  const queue: Reached[] = [{ state: initial, label: '', from: null }]
  for (const reached of queue) {
    let isEnd = true
    for (const step of world.next(reached.state, guards, bounds)) {
      isEnd = false
      const after: Reached = { state: step.next, label: step.label, from: reached }
      const broken = brokenBy(reached.state, step, bounds)
      if (broken !== null) return { steps: stepsTo(after), broken }
      const key = keyOf(step.next)
      if (known.has(key)) continue
      known.add(key)
      queue.push(after)
    }
    const broken = isEnd ? world.wrongAtEnd(reached.state) : null
    if (broken !== null) return { steps: stepsTo(reached), broken }
  }
  return null
}

/** The same with the least trouble: looks where nothing goes wrong before it looks where more and more does. */
export function findSimplestTrace(world: World): Trace | null {
  const { faults, changes } = world.bounds
  for (let trouble = 0; trouble <= faults + changes; trouble++) {
    for (let some = 0; some <= Math.min(trouble, faults); some++) {
      if (trouble - some > changes) continue
      const bounds = { ...world.bounds, faults: some, changes: trouble - some }
      const trace = findTrace({ ...world, bounds })
      if (trace) return trace
    }
  }
  return null
}

/**
 * Walks one history at random, to its end: how it ended and after how many steps, or what it broke. Trouble is
 * rare in it, or nothing would ever come as far as the lock.
 */
export function walk(world: World, random: Random): { end: State; length: number } | Trace {
  const { guards, bounds } = world
  const steps: string[] = []
  for (let state = initial; ;) {
    const choices = [...world.next(state, guards, bounds)]
    if (choices.length === 0) {
      const broken = world.wrongAtEnd(state)
      return broken === null ? { end: state, length: steps.length } : { steps, broken }
    }
    const good = choices.filter((step) => !isTrouble(state, step.next))
    const step = random.pick(good.length === 0 || random.chance(0.2) ? choices : good)
    steps.push(`${state.now} ${step.label}`)
    const broken = brokenBy(state, step, bounds)
    if (broken !== null) return { steps, broken }
    state = step.next
  }
}

// A fault, a change, or time that passes while there is something to do.
const isTrouble = (before: State, after: State) =>
  after.now + after.faults + after.changes > before.now + before.faults + before.changes

/** A trace as a person reads it: the tick, and what happened in it. */
export const told = ({ steps, broken }: Trace): string =>
  [...steps.map((step) => `  ${step}`), `  => ${broken}`].join('\n')

function stepsTo(last: Reached): string[] {
  const steps: string[] = []
  for (let at = last; at.from; at = at.from) steps.unshift(`${at.from.state.now} ${at.label}`)
  return steps
}
