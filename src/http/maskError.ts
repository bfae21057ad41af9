import { randomUUID } from 'node:crypto'
import { GraphQLError } from 'postgraphile/graphql'
import { toPublicError } from '../errors.ts'
import type { Log } from '../log.ts'

/**
 * What a client sees of an error: what GraphQL itself says of a request, and registered codes. Of
 * anything else it sees an id, under which the log has the whole of it.
 */
export function makeMaskError(log: Log): (error: GraphQLError) => GraphQLError {
  return (error) => {
    const { originalError } = error
    if (!originalError || originalError instanceof GraphQLError) return error

    const { message, ...extensions } = toPublicError(originalError)
    const isOurs = extensions.code === 'INTERNAL'
    const errorId = isOurs || extensions.code === 'UNAVAILABLE' ? randomUUID() : undefined
    if (errorId) log.error({ errorId, err: originalError, path: error.path }, 'request failed')
    return new GraphQLError(message, {
      nodes: error.nodes,
      path: error.path,
      originalError,
      extensions: { ...extensions, ...(errorId && { errorId }) },
    })
  }
}
