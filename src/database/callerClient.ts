import type { Pool } from 'pg'
import { makePgAdaptorWithPgClient, makePgService } from 'postgraphile/adaptors/pg'

/** What a request is to run under: parameters of the settings statement, as text. */
export type CallerSettings = Record<string, string>

/** The statement that turns a caller into settings of the transaction; `$1` is the caller as JSON. */
export type SettingsStatement = string

/**
 * For a project: the token's hash goes to the database with the query, and app_private.identify says
 * what it is worth. Nothing is remembered here, so a session that ends is refused on the next statement.
 */
export const identifyByToken: SettingsStatement = `
  select set_config(caller.setting, caller.value, true)
  from app_private.identify(decode(nullif($1::json->>'tokenHash', ''), 'hex')) as caller`

/** For a database that is served as it is: the settings themselves, from verified claims. */
export const applySettings: SettingsStatement = `
  select set_config(caller.key, caller.value, true) from json_each_text($1::json) as caller`

/**
 * A PostGraphile service on a pool whose every statement runs in a transaction that begins by applying
 * the caller's settings. They last for that transaction alone.
 */
export function makeCallerService(pool: Pool, schemas: readonly string[], statement: SettingsStatement) {
  const service = makePgService({ pool, schemas: [...schemas] })
  const createWithPgClient = () => withCaller(makePgAdaptorWithPgClient(pool), statement)
  return { ...service, adaptor: { ...service.adaptor, createWithPgClient } }
}

type WithClient = ReturnType<typeof makePgAdaptorWithPgClient>

function withCaller(withClient: WithClient, statement: SettingsStatement): WithClient {
  const withCallersClient: WithClient = (settings, callback) => {
    if (settings === null || Object.keys(settings).length === 0) return withClient(null, callback)
    return withClient(null, (client) =>
      client.withTransaction(async (transaction) => {
        await transaction.query({ text: statement, values: [JSON.stringify(settings)], name: 'caller' })
        return callback(transaction)
      }),
    )
  }
  withCallersClient.release = () => withClient.release?.()
  return withCallersClient
}
