import { isSafeError } from 'postgraphile/grafast'
import { GraphQLError } from 'postgraphile/graphql'
import type { ErrorCode } from '../errors.ts'

/** Which request an error belongs to, for those that are masked where that is not known. */
const requestIds = new WeakMap<GraphQLError, string>()

/** Remembers which request an error belongs to until it is masked. */
export function rememberRequest(error: GraphQLError, requestId: string | undefined): void {
  if (requestId !== undefined) requestIds.set(error, requestId)
}

/** The same error, with more or other extensions. Errors may be shared by requests, so none is changed. */
export const withExtensions = (
  error: GraphQLError,
  extensions: object,
  message: string = error.message,
): GraphQLError =>
  new GraphQLError(message, {
    nodes: error.nodes,
    source: error.source,
    positions: error.positions,
    path: error.path,
    originalError: error.originalError,
    extensions: { ...error.extensions, ...extensions },
  })

/**
 * Adds to what an error is masked as: the id of its request, and a code where GraphQL itself found the fault,
 * which has none. A word that is near to one of the schema is left out unless `isTalkative`.
 */
export function completeMask(
  mask: (error: GraphQLError) => GraphQLError,
  { isTalkative }: { isTalkative: boolean },
): (error: GraphQLError) => GraphQLError {
  const masked = (error: GraphQLError): GraphQLError => {
    const { originalError } = error
    // What a library wrote for clients to read, such as that a cursor is none.
    const isWritten = originalError !== undefined && isSafeError(originalError)
    return isWritten
      ? new GraphQLError(originalError.message, { nodes: error.nodes, path: error.path })
      : mask(error)
  }

  return (error) => {
    const shown = masked(error)
    const requestId = requestIds.get(error)
    const extensions = {
      code: shown.extensions.code ?? codeOf(error),
      ...(requestId !== undefined && { requestId }),
    }
    return withExtensions(
      shown,
      extensions,
      isTalkative ? shown.message : shown.message.replace(/ Did you mean [^?]*\?/g, ''),
    )
  }
}

// Without a path it is about the variables; with one, an answer that breaks a promise of the schema.
const codeOf = ({ path, originalError }: GraphQLError): ErrorCode =>
  path === undefined || (originalError && isSafeError(originalError)) ? 'BAD_USER_INPUT' : 'INTERNAL'
