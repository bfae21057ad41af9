import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ClientBase } from 'pg'
import { Fault, messageOf } from '../../fault.ts'
import { accessFolder, type Actor, type Oracle } from './oracle.ts'

/** An actor as Postgres knows them. */
export type Player = Actor & { settings: Readonly<Record<string, string>> & { role: string } }

/** A database with the seeded rows in it, and who tries their rights there. */
export type Stage = { client: ClientBase; oracle: Oracle; players: readonly Player[] }

/** A statement to try: a query with one value, or something that is done and may be looked at. */
export type Attempt = { settings: Readonly<Record<string, string>> } & (
  { read: string } | { run: string; look?: string }
)

/** What became of it: the SQLSTATE, the rows that `run` concerned, and what `read` or `look` gave. */
export type Outcome = { state: string; message: string; count: number; seen: unknown }

/**
 * Seeds the rows and signs everybody in, on a superuser's connection: row-level security does not concern it,
 * and it may act as each role. It begins a transaction, which is to be rolled back.
 */
export async function setStage(
  client: ClientBase,
  oracle: Oracle,
  placeholders: Readonly<Record<string, string>>,
): Promise<Stage> {
  await client.query('begin')
  await client.query(readFileSync(join(import.meta.dirname, 'attempts.sql'), 'utf8'))
  const named = (text: string) => text.replace(/:ROLE_[A-Z]+\b/g, (name) => placeholders[name] ?? name)
  try {
    await client.query(named(readFileSync(join(accessFolder, 'seed.sql'), 'utf8')))
  } catch (error) {
    throw new Fault(`migrations/access/seed.sql fails: ${messageOf(error)}`, [], { cause: error })
  }

  const players: Player[] = []
  for (const actor of oracle.actors) {
    const settings = actor.role ? { role: named(actor.role) } : await signIn(client, actor)
    players.push({ ...actor, settings })
  }
  return { client, oracle, players }
}

/** The settings that the API would run an actor's statements under. */
async function signIn(client: ClientBase, { name, token }: Actor): Promise<Player['settings']> {
  try {
    const { rows } = await client.query<{ settings: Player['settings'] }>(
      `select jsonb_object_agg(setting, value) as settings from app_private.identify(decode($1, 'hex'))`,
      [token ? hash('sha256', token) : null],
    )
    return rows[0]!.settings
  } catch (error) {
    const advice = `The actor "${name}" of actors.json5 has no session in seed.sql with their token.`
    throw new Fault(`Nobody can sign in as ${name}: ${messageOf(error)}`, [advice], { cause: error })
  }
}

/** Tries statements, each by itself and undone again. The outcomes come in their order. */
export async function attempt(client: ClientBase, attempts: readonly Attempt[]): Promise<Outcome[]> {
  const { rows } = await client.query<Outcome>(
    `select state, message, row_count::int as count, seen from pg_temp.attempt($1)`,
    [JSON.stringify(attempts)],
  )
  return rows
}

/** The roles that the actors act as, in the order of the actors. */
export const rolesOn = ({ players }: Pick<Stage, 'players'>): string[] => [
  ...new Set(players.map(({ settings }) => settings.role)),
]
