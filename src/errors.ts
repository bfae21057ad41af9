import { codeOf } from './fault.ts'

/** What the registry says of a code. */
export type ErrorEntry = {
  /** The HTTP status that fits it. */
  status: number
  /** Shown when nobody wrote a better text for the occasion. */
  message: string
  /** What the client should do about it. */
  advice: string
  /** SQLSTATEs that become this code: whole ones of five characters, or classes of two. */
  sqlstates: readonly string[]
}

/** Every code that an error of the API can carry in `extensions.code`. docs/errors.md is made from it. */
export const errorRegistry = {
  UNAUTHENTICATED: {
    status: 401,
    message: 'Your token is not valid.',
    advice: 'Sign in again and repeat the request with the new token.',
    sqlstates: ['28000', '28P01'],
  },
  FORBIDDEN: {
    status: 403,
    message: 'You may not do that.',
    advice: 'Do not repeat it as the same caller.',
    sqlstates: ['42501'],
  },
  NOT_FOUND: {
    status: 404,
    message: 'There is no such thing, or you may not see it.',
    advice: 'Check the id; read the list again.',
    sqlstates: ['NTFND', 'P0002'],
  },
  BAD_USER_INPUT: {
    status: 400,
    message: 'A value is not acceptable.',
    advice: 'Correct the value; `argument` names it where it is known.',
    sqlstates: ['22', '23502', '23514'],
  },
  CONFLICT: {
    status: 409,
    message: 'That contradicts what is there already.',
    advice: 'Read the current state, then decide anew.',
    sqlstates: ['23505', '23503', '23P01', '23001'],
  },
  IMMUTABLE: {
    status: 409,
    message: 'A record of this kind cannot be changed.',
    advice: 'Add a new record instead.',
    sqlstates: ['IMMUT'],
  },
  RELOAD: {
    status: 410,
    message: 'What happened since cannot be told.',
    advice: 'Subscribe again without a cursor, then read anew what you show.',
    sqlstates: [],
  },
  TOO_MANY_OPERATIONS: {
    status: 429,
    message: 'Too many operations are under way on this WebSocket.',
    advice: 'Complete some of them first.',
    sqlstates: [],
  },
  RETRY: {
    status: 503,
    message: 'Another change was made at the same moment.',
    advice: 'Repeat the request.',
    sqlstates: ['40001', '40P01', '55P03'],
  },
  TIMEOUT: {
    status: 503,
    message: 'That took too long.',
    advice: 'Ask for less, or try again later.',
    sqlstates: ['57014', '25P03'],
  },
  UNAVAILABLE: {
    status: 503,
    message: 'The database cannot be reached at present.',
    advice: 'Repeat the request after a moment.',
    sqlstates: ['08', '3D000', '53', '57P01', '57P02', '57P03'],
  },
  INTERNAL: {
    status: 500,
    message: 'Something went wrong on our side.',
    advice: 'Report it with its `errorId`, under which the log has the details.',
    sqlstates: [],
  },
} as const satisfies Record<string, ErrorEntry>

export type ErrorCode = keyof typeof errorRegistry

/** An error that clients see as it is: a registered code and a message written for people. */
export class AppError extends Error {
  readonly code: ErrorCode
  /** The argument that is at fault, where there is one. */
  readonly argument: string | undefined

  constructor(code: ErrorCode, message: string, options: { argument?: string; cause?: unknown } = {}) {
    super(message, { cause: options.cause })
    this.name = 'AppError'
    this.code = code
    this.argument = options.argument
  }
}

const codes = Object.entries(errorRegistry) as [ErrorCode, ErrorEntry][]
const lostConnection = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND'])

/** The registered code of a SQLSTATE or a system's network error; INTERNAL for any other. */
export function errorCode(code: string | undefined): ErrorCode {
  if (code === undefined) return 'INTERNAL'
  if (lostConnection.has(code)) return 'UNAVAILABLE'
  const find = (state: string) => codes.find(([, entry]) => entry.sqlstates.includes(state))?.[0]
  return find(code) ?? find(code.slice(0, 2)) ?? 'INTERNAL'
}

/** What a client may know of an error. */
export type PublicError = { code: ErrorCode; message: string; hint?: string; argument?: string }

/**
 * Turns anything thrown into what a client may know of it. Words reach the client only when somebody
 * wrote them for that: in an AppError, or in a `raise` of a SQL function.
 */
export function toPublicError(error: unknown): PublicError {
  if (error instanceof AppError) {
    return { code: error.code, message: error.message, ...(error.argument && { argument: error.argument }) }
  }
  const message = error instanceof Error ? error.message : ''
  // pg and its pool have no code for these.
  const isLost =
    /^(Connection terminated|timeout exceeded when trying to connect|Client has encountered)/.test(message)
  const code = isLost ? 'UNAVAILABLE' : errorCode(codeOf(error))
  const raised = error as { routine?: string; hint?: string; column?: string }
  const isRaised = raised.routine === 'exec_stmt_raise' && code !== 'INTERNAL'
  return {
    code,
    message: isRaised ? message : errorRegistry[code].message,
    ...(isRaised && raised.hint && { hint: raised.hint }),
    ...(code !== 'INTERNAL' && raised.column && { argument: camelCase(raised.column) }),
  }
}

const camelCase = (name: string) => name.replace(/_+([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
