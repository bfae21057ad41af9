/**
 * Something the person at the keyboard can put right: shown as its message alone, without a stack.
 * The message says what failed and where; `advice` says what to do, one line each.
 */
export class Fault extends Error {
  readonly advice: readonly string[]

  constructor(message: string, advice: readonly string[] = [], options?: ErrorOptions) {
    super(message, options)
    this.name = 'Fault'
    this.advice = advice
  }
}

/** Postgres or system error code of anything thrown, or undefined. */
export function codeOf(error: unknown): string | undefined {
  if (typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string') {
    return error.code
  }
  return undefined
}

/** What an error says, whatever was thrown; an AggregateError (a refused connection) says its first part. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return messageOf(error.errors[0])
  return error instanceof Error ? error.message : String(error)
}
