import pLimit from 'p-limit'
import { AppError } from './errors.ts'

/** Runs something when it is its turn. Throws UNAVAILABLE where too many wait already. */
export type InTurn = <Result>(run: () => Promise<Result>) => Promise<Result>

/** Turns for what takes long: at most `atOnce` at a time, while `waiting` others wait. */
export function makeTurns({ atOnce, waiting }: { atOnce: number; waiting: number }, what: string): InTurn {
  const limited = pLimit(atOnce)
  return async (run) => {
    if (limited.pendingCount >= waiting) throw new AppError('UNAVAILABLE', `Too many ${what} at present.`)
    return limited(run)
  }
}
