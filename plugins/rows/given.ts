import { AppError } from '../../src/errors.ts'

/** The values given for some columns, by the column's name. */
export type Values = Map<string, unknown>

/** What the input of a mutation says: rows to write, or keys of rows and what is to become of them. */
export type Given = {
  meta: Record<string, unknown>
  rows: Values[]
  keys: Values[]
  patch: Values
}

/** What is given before the input has been read. */
export const nothingGiven = (): Given => ({ meta: {}, rows: [], keys: [], patch: new Map() })

/** Adds a set of values to a list, to be filled by the fields of the input. */
export function add(to: Values[]): Values {
  const values: Values = new Map()
  to.push(values)
  return values
}

/** Refuses a list that is longer than a statement should be. */
export function assertFew(list: readonly unknown[], most: number, argument: string): void {
  if (list.length > most) {
    throw new AppError('BAD_USER_INPUT', `At most ${most} at once; these are ${list.length}.`, {
      argument: ['input', argument],
    })
  }
}
