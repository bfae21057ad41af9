import { randomUUID } from 'node:crypto'
import { isSafeError, type SafeError } from 'postgraphile/grafast'
import { GraphQLError } from 'postgraphile/graphql'
import { isErrorCode } from '../errorRegistry.ts'
import { type PublicError, toPublicError, withCode } from '../errors.ts'
import type { Log } from '../log.ts'
import type { ArgumentPath, Asked } from './askedArguments.ts'
import { findOffence } from './offendingArguments.ts'
import { requestError } from './requestErrors.ts'

/** What is known of an error beside itself: the operation it came of, and, in development, its explanation. */
export type Circumstances = { asked: Asked; explain?: object }

/** Turns an error into what a client may see of it; one that has been turned stays as it is. */
export type MaskError = (error: Error) => GraphQLError

/**
 * What a client sees of an error: a registered code, the arguments at fault, and words that somebody
 * wrote for people. Of anything unforeseen it sees an id, under which the log has the whole of it.
 */
export function makeMaskError(
  log: Log,
  circumstancesOf: (error: Error) => Circumstances | undefined,
): MaskError {
  const masked = new WeakSet<Error>()

  return (error) => {
    const found = error instanceof GraphQLError ? error : new GraphQLError('', { originalError: error })
    if (masked.has(found)) return found
    const { asked, explain } = circumstancesOf(found) ?? {}
    const { message, arguments: faulty = [], ...shown } = describe(found, asked)
    // What nobody foresaw is to be put right; who was refused may ask why.
    const isToLog = ['INTERNAL', 'UNAVAILABLE', 'FORBIDDEN'].includes(shown.code)
    const errorId = isToLog ? randomUUID() : undefined
    if (errorId) {
      const level = shown.code === 'FORBIDDEN' ? 'info' : 'error'
      log[level](
        { errorId, code: shown.code, err: thrownIn(found) ?? found, path: found.path },
        'request failed',
      )
    }

    const answer = new GraphQLError(message, {
      nodes: found.nodes,
      source: found.source,
      positions: found.positions,
      path: found.path,
      originalError: found,
      extensions: {
        ...(isErrorCode(found.extensions.code) && found.extensions),
        ...shown,
        ...(faulty.length > 0 && { arguments: faulty }),
        ...(errorId && { errorId }),
        ...(explain && { explain }),
      },
    })
    masked.add(answer)
    return answer
  }
}

type Described = PublicError & { arguments?: ArgumentPath[] }

function describe(error: GraphQLError, asked: Asked | undefined): Described {
  const { message, path, extensions } = error
  if (isErrorCode(extensions.code)) return { code: extensions.code, message }

  const thrown = thrownIn(error)
  if (!thrown) {
    if (!path) return { message, ...requestError(error, asked) }
    return withCode(message.includes(' cannot represent ') ? 'UNREPRESENTABLE' : 'INTERNAL')
  }
  if (!asked && thrown instanceof RangeError) {
    return withCode('GRAPHQL_PARSE_FAILED', { message: 'The operation is nested too deeply.' })
  }
  const shown = isNothingDeleted(thrown)
    ? withCode('NOT_FOUND')
    : isSafeError(thrown)
      ? safeError(thrown, path !== undefined)
      : toPublicError(thrown)
  if (!asked || !path) return shown
  const { arguments: faulty, comment } = findOffence(thrown, shown.code, asked, path)
  return { ...shown, ...(comment !== null && { message: comment }), arguments: faulty }
}

// PostGraphile has words for it, and no code.
const isNothingDeleted = ({ message }: Error) => message.startsWith('No values were deleted in collection')

// What grafserv and Grafast throw for clients to read: a body that cannot be used, a cursor that is none.
function safeError({ message, extensions }: SafeError, isInField: boolean): PublicError {
  if (Number(extensions?.statusCode ?? 400) >= 500) return withCode('INTERNAL')
  return withCode(isInField ? 'BAD_USER_INPUT' : 'BAD_REQUEST', { message })
}

/** What was thrown, under the errors that GraphQL made of it; undefined where GraphQL itself found the fault. */
export function thrownIn(error: Error): Error | undefined {
  if (!(error instanceof GraphQLError)) return error
  return error.originalError ? thrownIn(error.originalError) : undefined
}
