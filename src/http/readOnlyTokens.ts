import type { WithPgClient } from 'postgraphile/@dataplan/pg'
import { GraphQLError } from 'postgraphile/graphql'
import type { CallerSettings } from '../database/callerClient.ts'
import { AppError } from '../errors.ts'
import { codeOf } from '../fault.ts'
import { thrownIn } from './maskError.ts'

/** How a request gets at the database, and as whom. */
export type Access = { withPgClient?: WithPgClient; pgSettings?: CallerSettings }

/**
 * Tells a token that may only read from a server that cannot write at present: Postgres refuses a change in
 * the same words. Where it was the token, its errors become FORBIDDEN. Ask once the request's transaction has
 * ended: the server itself is asked, with a connection of its own.
 */
export async function tellReadOnlyToken(
  errors: readonly GraphQLError[],
  { withPgClient, pgSettings }: Access,
): Promise<readonly GraphQLError[]> {
  if (!withPgClient || !pgSettings?.tokenHash || !errors.some(isReadOnly)) return errors
  if (await isServerReadOnly(withPgClient)) return errors
  return errors.map((error) => (isReadOnly(error) ? forbidden(error) : error))
}

const isReadOnly = (error: GraphQLError): boolean => codeOf(thrownIn(error)) === '25006'

async function isServerReadOnly(withPgClient: WithPgClient): Promise<boolean> {
  const text = `select pg_is_in_recovery() or current_setting('default_transaction_read_only')::boolean as is`
  try {
    const { rows } = await withPgClient(null, (client) => client.query<{ is: boolean }>({ text }))
    return rows[0]!.is
  } catch {
    return true // it cannot even be asked
  }
}

const forbidden = ({ message, nodes, source, positions, path, originalError: cause }: GraphQLError) =>
  new GraphQLError(message, {
    nodes,
    source,
    positions,
    path,
    originalError: new AppError('FORBIDDEN', 'This token may only read.', { cause }),
  })
