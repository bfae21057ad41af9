import { GraphQLError } from 'postgraphile/graphql'
import type { MaskError } from './maskError.ts'

/** Which request an error belongs to, for those that are masked where that is not known. */
const requestIds = new WeakMap<Error, string>()

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

/** The most characters of a message. */
const longest = 1000

/**
 * Adds to what an error is masked as the id of its request. A word that is near to one of the schema is
 * left out unless `isTalkative`.
 */
export const withRequestId =
  (mask: MaskError, { isTalkative }: { isTalkative: boolean }): MaskError =>
  (error) => {
    const shown = mask(error)
    const requestId = requestIds.get(error)
    // GraphQL quotes what it was sent, however long that is.
    const message = shown.message.length > longest ? `${shown.message.slice(0, longest)}…` : shown.message
    return withExtensions(
      shown,
      requestId === undefined ? {} : { requestId },
      isTalkative ? message : message.replace(/ Did you mean [^?]{1,300}\?/g, ''),
    )
  }
