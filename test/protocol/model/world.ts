import { type Guards, allGuards } from './guards.ts'
import { missingAtEnd, notOpenedAtEnd } from './promises.ts'
import type { Bounds, State } from './state.ts'
import type { Step } from './step.ts'
import { calmStepsFrom, stepsFrom } from './steps.ts'

/** What is searched: which rules hold, how far, what can happen, and how a history may not end. */
export type World = {
  guards: Guards
  bounds: Bounds
  next(state: State, guards: Guards, bounds: Bounds): Iterable<Step>
  wrongAtEnd(state: State): string | null
}

/** One press, around which a thing goes wrong and a right changes: small enough to see all of it in seconds. */
export const near: Bounds = {
  ticks: 4,
  lifetime: 2,
  patience: 1,
  silence: 2,
  presses: 1,
  asks: 2,
  faults: 1,
  changes: 1,
}

/** Finer time, two presses and much trouble: too much to see all of it. */
export const far: Bounds = {
  ticks: 20,
  lifetime: 5,
  patience: 2,
  silence: 7,
  presses: 2,
  asks: 4,
  faults: 8,
  changes: 4,
}

/** One in which anything can happen. */
export const troubled = (guards: Guards = allGuards, bounds: Partial<Bounds> = {}): World => ({
  guards,
  bounds: { ...near, ...bounds },
  next: stepsFrom,
  wrongAtEnd: missingAtEnd,
})

/** One in which nothing goes wrong, and nothing is slow. */
export const calm: World = {
  guards: allGuards,
  bounds: { ...near, presses: 2, faults: 0, changes: 0 },
  next: calmStepsFrom,
  wrongAtEnd: notOpenedAtEnd,
}
