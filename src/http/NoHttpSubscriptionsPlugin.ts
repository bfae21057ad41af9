import 'postgraphile'
import { httpError } from 'postgraphile/grafserv'
import { type DocumentNode, getOperationAST, parse } from 'postgraphile/graphql'

/**
 * Refuses a subscription by POST: grafserv would answer with a stream that has no end, and would not hear
 * of a client that has gone.
 */
export const NoHttpSubscriptionsPlugin: GraphileConfig.Plugin = {
  name: 'NoHttpSubscriptionsPlugin',
  version: '1.0.0',
  description: 'Refuses subscriptions by POST.',

  grafserv: {
    middleware: {
      processGraphQLRequestBody(next, { body, request }) {
        const { query, operationName } = body
        // Most operations are told by this alone; what cannot be parsed is answered further on.
        if (request && typeof query === 'string' && query.includes('subscription')) {
          const document = attempt(() => parse(query))
          const operation = document && getOperationAST(document, nameIn(operationName))
          if (String(operation?.operation) === 'subscription')
            throw httpError(400, 'Subscriptions are served by WebSocket.')
        }
        return next()
      },
    },
  },
}

const nameIn = (name: unknown) => (typeof name === 'string' ? name : undefined)

function attempt(run: () => DocumentNode): DocumentNode | null {
  try {
    return run()
  } catch {
    return null
  }
}
