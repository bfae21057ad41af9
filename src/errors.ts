import { type ErrorCode, type ErrorEntry, errorRegistry } from './errorRegistry.ts'
import { codeOf } from './fault.ts'
import { codeOfState } from './postgresErrors.ts'

/** An error that clients see as it is: a registered code and a message written for people. */
export class AppError extends Error {
  readonly code: ErrorCode
  /** The argument that is at fault, where it is known: as SQL calls it, or as the path of it in the request. */
  readonly argument: string | readonly (string | number)[] | undefined
  /** The value that is at fault, where only that is known. */
  readonly value: unknown
  /** What to do, in words for people. */
  readonly hint: string | undefined
  /** Seconds to wait before trying again, where that is known. */
  readonly retryAfter: number | undefined

  constructor(
    code: ErrorCode,
    message: string,
    {
      argument,
      value,
      hint,
      retryAfter,
      cause,
    }: Partial<Pick<AppError, 'argument' | 'value' | 'hint' | 'retryAfter' | 'cause'>> = {},
  ) {
    super(message, { cause })
    this.name = 'AppError'
    this.code = code
    this.argument = argument
    this.value = value
    this.hint = hint
    this.retryAfter = retryAfter
  }
}

const lostConnection = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN'])

/** The registered code of a SQLSTATE or a system's network error; INTERNAL for any other. */
export function errorCode(code: string | undefined, isRaised = true): ErrorCode {
  if (code === undefined) return 'INTERNAL'
  if (lostConnection.has(code)) return 'UNAVAILABLE'
  return codeOfState(code, isRaised) ?? 'INTERNAL'
}

/** What pg says of an error of the database, as far as it is looked at here. */
export type DatabaseFault = {
  code: string
  message: string
  schema?: string
  table?: string
  column?: string
  constraint?: string
  dataType?: string
  detail?: string
  hint?: string
  routine?: string
}

/** The error as one that Postgres reported, or null when it is not one. */
export function databaseFault(error: unknown): DatabaseFault | null {
  const isOne = error instanceof Error && 'severity' in error && codeOf(error) !== undefined
  return isOne ? (error as unknown as DatabaseFault) : null
}

/** What a client may know of an error. */
export type PublicError = {
  code: ErrorCode
  message: string
  hint?: string
  retryable?: true
  /** Seconds to wait before trying again. */
  retryAfter?: number
  /** The code that a function of the database gave it, where the registry has none. */
  sqlstate?: string
}

/**
 * Turns anything thrown into what a client may know of it. Words reach the client only when somebody
 * wrote them for that: in an AppError, or in a `raise` of a SQL function.
 */
export function toPublicError(error: unknown): PublicError {
  if (error instanceof AppError) {
    const { code, message, hint, retryAfter } = error
    return withCode(code, {
      message,
      ...(hint !== undefined && { hint }),
      ...(retryAfter !== undefined && { retryAfter }),
    })
  }
  const fault = databaseFault(error)
  if (fault?.routine === 'exec_stmt_raise') return raisedError(fault)

  const message = error instanceof Error ? error.message : ''
  // pg and its pool have no code for these.
  const isLost =
    /^(Connection terminated|timeout exceeded when trying to connect|Client has encountered)/.test(message)
  // Postgres has one state for both, and says it in words alone.
  const isReferenced = fault?.code === '23503' && fault.message.startsWith('update or delete')
  const code = isLost ? 'UNAVAILABLE' : isReferenced ? 'STILL_REFERENCED' : errorCode(codeOf(error), false)
  return withCode(code)
}

function raisedError({ code: state, message, hint }: DatabaseFault): PublicError {
  const known = codeOfState(state, true)
  if (known === 'INTERNAL') return withCode(known)
  return withCode(known ?? 'REFUSED', { message, ...(hint && { hint }), ...(!known && { sqlstate: state }) })
}

/** A code with what the registry says of it, and better words where there are some. */
export function withCode(code: ErrorCode, words: Partial<PublicError> = {}): PublicError {
  const { message, isRetryable }: ErrorEntry = errorRegistry[code]
  return { code, message, ...(isRetryable && { retryable: true }), ...words }
}
