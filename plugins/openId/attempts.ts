import { hash } from 'node:crypto'
import type { Pool } from 'pg'
import type { WithPgClient } from 'postgraphile/@dataplan/pg'
import type { Checks, Identity } from './providers.ts'

/** Who asks, and with what they reach the database as themselves. */
export type Caller = { withPgClient: WithPgClient; pgSettings: Record<string, string | undefined> | null }

/** A sign-in that was begun. */
export type Begun = { id: string; expiresAt: string }

/** What was kept of a sign-in; `sessionId` is the session to link to, null to sign in. */
export type Attempt = { provider: string; nonce: string; verifier: string; sessionId: string | null }

/** A session that has just begun, with its columns. */
export type Session = { token: string; expires_at: string }

const toHash = (state: string): Buffer => hash('sha256', state, 'buffer')

/** Keeps what the provider's answer will be checked by. As the caller, whose request it is. */
export async function beginAttempt(
  { withPgClient, pgSettings }: Caller,
  { provider, state, nonce, verifier, isLink }: Checks & { provider: string; isLink: boolean },
): Promise<Begun> {
  const { rows } = await withPgClient(pgSettings, (client) =>
    client.query<Begun>({
      text: `select id, to_json(expires_at) #>> '{}' as "expiresAt"
             from app_hidden.begin_open_id_attempt($1, $2, $3, $4, $5)`,
      values: [provider, toHash(state), nonce, verifier, isLink],
    }),
  )
  return rows[0]!
}

/**
 * What the server does itself with sign-ins, without becoming the caller: nobody whom a request can speak
 * for may say who they are to a provider.
 */
export function makeAttempts(pool: Pool) {
  return {
    /** Takes an attempt, which nobody can take again; null when there is none. */
    async take(id: string, state: string): Promise<Attempt | null> {
      const { rows } = await pool.query<Attempt>(
        `select provider, nonce, verifier, session_id as "sessionId"
         from app_private.take_open_id_attempt($1, $2)`,
        [id, toHash(state)],
      )
      return rows[0] ?? null
    },

    /** Starts a session for somebody; null when they are new and the provider does not vouch for their address. */
    async signIn(identity: Identity, request: string): Promise<Session | null> {
      const { issuer, subject, email, isEmailVerified, name } = identity
      const { rows } = await pool.query<Session>(
        `select token, to_json(expires_at) #>> '{}' as expires_at
         from app_private.sign_in_with_open_id($1, $2, $3, $4, $5, $6) where token is not null`,
        [issuer, subject, email, isEmailVerified, name, request],
      )
      return rows[0] ?? null
    },

    /** Links an account to the person of a session; false when it is another's, null when the session has ended. */
    async link(sessionId: string, identity: Identity, request: string): Promise<boolean | null> {
      const { issuer, subject, email } = identity
      const { rows } = await pool.query<{ result: boolean | null }>(
        'select app_private.link_open_id($1, $2, $3, $4, $5) as result',
        [sessionId, issuer, subject, email, request],
      )
      return rows[0]!.result
    },
  }
}

/** What the server knows of the caller's request, for the record of what is done without becoming the caller. */
export async function requestOf({ withPgClient, pgSettings }: Caller): Promise<string> {
  const text = `select coalesce(current_setting('plinth.request', true), '') as request`
  const { rows } = await withPgClient(pgSettings, (client) =>
    client.query<{ request: string }>({ name: text, text }),
  )
  return rows[0]!.request
}
