import type { ClientBase } from 'pg'
import { serialize } from 'pg-protocol'
import type { Columns } from './statementBatch.ts'

/** How many statements stay prepared on a connection; a typical one takes some 20 to 200 kB there. */
export const maxPrepared = 100

/** A statement to bind by its name, '' where it is not to stay; its columns once they are known. */
export type Prepared = { name: string; columns?: Columns }

/** The statements that are prepared on one connection, the least recently used of them first. */
export type PreparedStatements = {
  /** The statement to bind; adds the message that parses it where it is not prepared. */
  use(text: string, plan: string | null, messages: Buffer[]): Prepared
  /** Forgets a statement. */
  drop(text: string, plan: string | null): void
  /** The messages that have Postgres forget what was forgotten here; a batch begins with them. */
  closeDropped(): Buffer[]
}

const ofClient = new WeakMap<ClientBase, PreparedStatements>()

/** The prepared statements of a connection. */
export function preparedStatementsOf(client: ClientBase): PreparedStatements {
  let prepared = ofClient.get(client)
  if (!prepared) ofClient.set(client, (prepared = makePreparedStatements()))
  return prepared
}

function makePreparedStatements(): PreparedStatements {
  const known = new Map<string, Prepared>()
  const dropped: string[] = []
  let count = 0

  // A name is never given twice on a connection, so nothing has to be known about one that was dropped
  // except that it is to be closed; to close one that was never parsed is no error.
  const forget = (key: string) => {
    const statement = known.get(key)
    if (statement === undefined) return
    known.delete(key)
    dropped.push(statement.name)
  }

  return {
    use(text, plan, messages) {
      if (plan === null) {
        messages.push(serialize.parse({ text }))
        return { name: '' }
      }
      const key = plan + text
      let statement = known.get(key)
      if (statement === undefined) {
        statement = { name: `s${++count}` }
        messages.push(serialize.parse({ text, name: statement.name }))
        if (known.size >= maxPrepared) forget(known.keys().next().value!)
      } else {
        known.delete(key)
      }
      known.set(key, statement)
      return statement
    },
    drop(text, plan) {
      if (plan !== null) forget(plan + text)
    },
    closeDropped() {
      return dropped.splice(0).map((name) => serialize.close({ type: 'S', name }))
    },
  }
}
