/** Exit codes of the program. */
export const exitCodes = { stopped: 0, failed: 1, misused: 2, notEnrolled: 3 } as const

/** Why the program ends, in words for whoever installs it, and the exit code to end with. */
export class Ended extends Error {
  readonly exitCode: number

  constructor(exitCode: number, message: string, options?: ErrorOptions) {
    super(message, options)
    this.exitCode = exitCode
  }
}

/** What an error says, whatever was thrown. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return messageOf(error.errors[0])
  return error instanceof Error ? error.message : String(error)
}

/** The system's code of an error, like ENOENT, or undefined. */
export function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
}
