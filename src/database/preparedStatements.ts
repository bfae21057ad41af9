import type { ClientBase } from 'pg'
import type { ProtocolConnection } from './statementBatch.ts'

/** How many statements stay prepared on a connection; a typical one takes some 20 to 200 kB there. */
export const maxPrepared = 100

/** The statements that are prepared on one connection, the least recently used of them first. */
export type PreparedStatements = {
  /** The name to bind; parses the statement first where it is not prepared. */
  use(connection: ProtocolConnection, text: string, plan: string | null): string
  /** Forgets a statement. */
  drop(text: string, plan: string | null): void
  /** Tells Postgres to forget what was forgotten here, as part of a batch. */
  closeDropped(connection: ProtocolConnection): void
}

const ofClient = new WeakMap<ClientBase, PreparedStatements>()

/** The prepared statements of a connection. */
export function preparedStatementsOf(client: ClientBase): PreparedStatements {
  let prepared = ofClient.get(client)
  if (!prepared) ofClient.set(client, (prepared = makePreparedStatements()))
  return prepared
}

function makePreparedStatements(): PreparedStatements {
  const names = new Map<string, string>()
  const dropped: string[] = []
  let count = 0

  // A name is never given twice on a connection, so nothing has to be known about one that was dropped
  // except that it is to be closed; to close one that was never parsed is no error.
  const forget = (key: string) => {
    const name = names.get(key)
    if (name === undefined) return
    names.delete(key)
    dropped.push(name)
  }

  return {
    use(connection, text, plan) {
      if (plan === null) {
        connection.parse({ text, name: '' })
        return ''
      }
      const key = plan + text
      let name = names.get(key)
      if (name === undefined) {
        connection.parse({ text, name: (name = `s${++count}`) })
        if (names.size >= maxPrepared) forget(names.keys().next().value!)
      } else {
        names.delete(key)
      }
      names.set(key, name)
      return name
    },
    drop(text, plan) {
      if (plan !== null) forget(plan + text)
    },
    closeDropped(connection) {
      for (const name of dropped.splice(0)) connection.close({ type: 'S', name })
    },
  }
}
