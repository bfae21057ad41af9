/** What the registry says of a code. */
export type ErrorEntry = {
  /** The HTTP status that fits it. */
  status: number
  /** Shown when nobody wrote a better text for the occasion. */
  message: string
  /** When it comes. */
  when: string
  /** What the client should do about it. */
  advice: string
  /** Whose fault it is: the request's, the server's, or that of the moment. */
  fault: 'client' | 'server' | 'moment'
  /** Whether the same request may succeed later; said in `extensions.retryable`. */
  isRetryable?: true
}

/** Every code that an error of the API can carry in `extensions.code`. docs/errors.md is made from it. */
export const errorRegistry = {
  BAD_REQUEST: {
    status: 400,
    message: 'The request cannot be understood.',
    when: 'The method, a header, the body or the name of the operation cannot be used.',
    advice: 'Correct the client; the status says what is wrong: 400, 405, 406 or 415.',
    fault: 'client',
  },
  GRAPHQL_PARSE_FAILED: {
    status: 400,
    message: 'The operation cannot be read.',
    when: 'The text of the operation is not GraphQL.',
    advice: 'Correct the operation at `locations`.',
    fault: 'client',
  },
  GRAPHQL_VALIDATION_FAILED: {
    status: 400,
    message: 'The operation does not fit the schema.',
    when: 'It asks for a field, argument or type that is not there, or leaves out one that must be.',
    advice: 'Correct the operation at `locations`; generate the client anew.',
    fault: 'client',
  },
  BAD_USER_INPUT: {
    status: 400,
    message: 'A value is not acceptable.',
    when: 'A value is not of its type, is out of range, is missing, or breaks a rule that it can be judged by alone.',
    advice: 'Correct the values that `arguments` names.',
    fault: 'client',
  },
  UNAUTHENTICATED: {
    status: 401,
    message: 'Your token is not valid.',
    when: 'The token is malformed, has expired or was revoked.',
    advice: 'Sign in again and repeat the request with the new token.',
    fault: 'client',
  },
  SIGN_IN_AGAIN: {
    status: 403,
    message: 'Sign in again: this needs a sign-in of a moment ago.',
    when: 'What was asked for needs a recent sign-in, and the session is older, or there is none.',
    advice: 'Have the person sign in again, and repeat the request with the new token.',
    fault: 'client',
  },
  FORBIDDEN: {
    status: 403,
    message: 'You may not do that.',
    when: 'No grant or no policy allows it to this kind of caller, or the token may only read.',
    advice: 'Do not repeat it as the same caller.',
    fault: 'client',
  },
  NOT_FOUND: {
    status: 404,
    message: 'There is no such thing, or it is not yours to see or to change.',
    when: 'What is to be changed does not exist for this caller.',
    advice: 'Check the id; read the list again.',
    fault: 'client',
  },
  UNIQUE_VIOLATION: {
    status: 409,
    message: 'That is taken already.',
    when: 'Another row has the same value where each must have its own.',
    advice: 'Choose another value for what `arguments` names, or change the row that is there.',
    fault: 'client',
  },
  EXCLUSION_VIOLATION: {
    status: 409,
    message: 'That collides with something that is there already.',
    when: 'Another row excludes this one, such as a booking of the same time.',
    advice: 'Choose other values for what `arguments` names.',
    fault: 'client',
  },
  FOREIGN_KEY_VIOLATION: {
    status: 409,
    message: 'That refers to something which does not exist.',
    when: 'A reference leads nowhere.',
    advice: 'Correct the id that `arguments` names; what it named may have been deleted.',
    fault: 'client',
  },
  STILL_REFERENCED: {
    status: 409,
    message: 'Other things still refer to that.',
    when: 'A row is to be deleted, or its key changed, while others refer to it.',
    advice: 'Delete or change first what refers to it.',
    fault: 'client',
  },
  IMMUTABLE: {
    status: 409,
    message: 'A record of this kind cannot be changed.',
    when: 'An append-only record is to be changed or deleted.',
    advice: 'Add a new record instead.',
    fault: 'client',
  },
  REFUSED: {
    status: 422,
    message: 'That was refused.',
    when: 'A function of the database raises an error without a code of this list; its message says why.',
    advice: 'Show the message; `sqlstate`, where it is there, is the function’s own code.',
    fault: 'client',
  },
  NOT_DONE: {
    status: 409,
    message: 'This was not done, because another part of the request failed.',
    when: 'A mutation before it failed, and all mutations of a request are one transaction.',
    advice: 'Correct what failed and repeat the whole request: nothing of it was done.',
    fault: 'client',
  },
  RELOAD: {
    status: 410,
    message: 'What happened since cannot be told.',
    when: 'A subscription is resumed behind a cursor that is too old, or the log of changes began anew.',
    advice: 'Subscribe again without a cursor, then read anew what you show.',
    fault: 'moment',
  },
  TOO_MANY_ATTEMPTS: {
    status: 429,
    message: 'Too many attempts.',
    when: 'Something that could be guessed was tried too often; nothing of this attempt was looked at.',
    advice: 'Wait for as many seconds as `retryAfter` says, then try again.',
    fault: 'moment',
    isRetryable: true,
  },
  RETRY: {
    status: 503,
    message: 'Another change was made at the same moment.',
    when: 'Two transactions were in each other’s way. Nothing was changed.',
    advice: 'Repeat the request.',
    fault: 'moment',
    isRetryable: true,
  },
  TIMEOUT: {
    status: 503,
    message: 'That took too long.',
    when: 'A statement ran into its time limit. Nothing was changed.',
    advice: 'Ask for less, or try again later.',
    fault: 'moment',
    isRetryable: true,
  },
  UNAVAILABLE: {
    status: 503,
    message: 'The database cannot be reached at present.',
    when: 'The connection was lost, or Postgres is starting, ending, full or read-only. A change under way may have been made.',
    advice: 'Repeat a query after a moment; before repeating a mutation, look whether it was carried out.',
    fault: 'server',
    isRetryable: true,
  },
  UNREPRESENTABLE: {
    status: 200,
    message: 'GraphQL has no way to write this value.',
    when: 'A stored number is NaN or infinite, or does not fit its type; the field is null.',
    advice: 'Treat the value as unknown; everything else in the answer holds.',
    fault: 'server',
  },
  UNKNOWN_OPERATION: {
    status: 400,
    message: 'Only operations that were registered are accepted here, by their id.',
    when: 'The server accepts the operations of a manifest alone, and this is none of them.',
    advice: 'Send the `documentId` of an operation in the manifest that the server was given.',
    fault: 'client',
  },
  LIMIT_EXCEEDED: {
    status: 400,
    message: 'The request is too large.',
    when: 'The request is over one of the [limits](limits.md); 413 where it is the body.',
    advice: 'Ask for less at once; `limit`, `value` and `maximum` say of what.',
    fault: 'client',
  },
  INTERNAL: {
    status: 500,
    message: 'Something went wrong on our side.',
    when: 'Nobody foresaw it.',
    advice: 'Report it with its `errorId`, under which the log has the details.',
    fault: 'server',
  },
} as const satisfies Record<string, ErrorEntry>

export type ErrorCode = keyof typeof errorRegistry

/** Whether a text is one of the codes of the registry. */
export const isErrorCode = (code: unknown): code is ErrorCode =>
  typeof code === 'string' && Object.hasOwn(errorRegistry, code)
