import type { Pool } from 'pg'
import { randomNonce, randomPKCECodeVerifier, randomState } from 'openid-client'
import type { OpenIdConfig } from '../../src/config.ts'
import { AppError } from '../../src/errors.ts'
import type { Log } from '../../src/log.ts'
import { beginAttempt, type Begun, type Caller, makeAttempts, requestOf, type Session } from './attempts.ts'
import type { Refusal } from './faults.ts'
import { makeProvider } from './providers.ts'

/** What signing in with others is made with. */
export type OpenIdOptions = {
  /** Null: there is nobody to sign in with. */
  openId: OpenIdConfig | null
  /** How long each answer of a provider may take. */
  timeoutMs: number
  /** Signed in as the API, and no caller. */
  pool: Pool
  log: Log
}

/** A sign-in that waits for the person to come back. */
export type BegunSignIn = Begun & { url: string }

/** How a sign-in ended: with a session, with a reason, or with neither where an account was linked. */
export type Finished = { result: Session | null; refusal: Refusal | null }

const refused = (refusal: Refusal): Finished => ({ result: null, refusal })

/** Signing in with others, in its two halves. */
export function makeSignIn({ openId, timeoutMs, pool, log }: OpenIdOptions) {
  const { providers: settings, redirectUrl } = openId ?? { providers: [], redirectUrl: '' }
  const providers = settings.map((each) => makeProvider(each, redirectUrl, timeoutMs))
  const attempts = makeAttempts(pool)

  return {
    providers: providers.map(({ name, title }) => ({ name, title })),

    async begin(caller: Caller, name: string, isLink: boolean): Promise<BegunSignIn> {
      const provider = providers.find((each) => each.name === name)
      if (!provider) {
        throw new AppError('BAD_USER_INPUT', 'There is no such provider; `signInProviders` lists them.', {
          argument: ['input', 'provider'],
        })
      }
      const checks = {
        state: randomState(),
        nonce: randomNonce(),
        verifier: randomPKCECodeVerifier(),
      }
      const url = await provider.authorizationUrl(checks)
      return { ...(await beginAttempt(caller, { ...checks, provider: name, isLink })), url }
    },

    async finish(caller: Caller, id: string, callbackUrl: string): Promise<Finished> {
      if (!URL.canParse(callbackUrl)) {
        throw new AppError('BAD_USER_INPUT', 'That is not the address of a page.', {
          argument: ['input', 'callbackUrl'],
        })
      }
      const { searchParams } = new URL(callbackUrl)
      const request = await requestOf(caller)
      const state = searchParams.get('state') ?? ''
      const attempt = await attempts.take(id, state)
      const provider = providers.find((each) => each.name === attempt?.provider)
      if (!attempt || !provider) return refused('EXPIRED')

      const identity = await provider.identify(searchParams, { ...attempt, state })
      if ('refusal' in identity) {
        log.warn({ provider: provider.name, ...identity }, 'sign-in refused')
        return refused(identity.refusal)
      }
      if (attempt.sessionId !== null) {
        const isTheirs = await attempts.link(attempt.sessionId, identity, request)
        return isTheirs ? { result: null, refusal: null } : refused(isTheirs === null ? 'EXPIRED' : 'TAKEN')
      }
      const session = await attempts.signIn(identity, request)
      return session ? { result: session, refusal: null } : refused('UNVERIFIED')
    },
  }
}
