import {
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  calculatePKCECodeChallenge,
  type ClientAuth,
  ClientSecretBasic,
  ClientSecretPost,
  type Configuration,
  discovery,
  enableNonRepudiationChecks,
  fetchUserInfo,
} from 'openid-client'
import type { OpenIdProvider } from '../../src/openIdProviders.ts'
import { judge, type Refused } from './faults.ts'

/** What ties the two halves of a sign-in together. */
export type Checks = { state: string; nonce: string; verifier: string }

/** Whom a provider says somebody is. */
export type Identity = {
  issuer: string
  subject: string
  email: string | null
  isEmailVerified: boolean
  name: string | null
}

/** A provider as one speaks with it. Throws UNAVAILABLE when it does not answer as it should. */
export type Provider = Pick<OpenIdProvider, 'name' | 'title'> & {
  /** Where to send somebody who wants to sign in. */
  authorizationUrl(checks: Checks): Promise<string>
  /** Who came back with some parameters, or why that cannot be said. */
  identify(parameters: URLSearchParams, checks: Checks): Promise<Identity | Refused>
}

/** How long what a provider says about itself is believed. */
const believedMs = 3_600_000

/**
 * Makes a provider. It is asked about itself when it is first needed, so that one that is down keeps
 * nobody else from anything, and again after a failure. `timeoutMs` is for each of its answers.
 */
export function makeProvider(
  { name, title, issuer, clientId, clientSecret, scope }: OpenIdProvider,
  redirectUrl: string,
  timeoutMs: number,
): Provider {
  const isLocal = issuer.startsWith('http:') // which the settings allow for this machine alone
  // Without the first, an ID token would be believed for the connection it came by.
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- marked so to be noticed; see above
  const execute = [enableNonRepudiationChecks, ...(isLocal ? [allowInsecureRequests] : [])]
  const discover = () =>
    discovery(new URL(issuer), clientId, undefined, clientAuth(clientSecret), {
      timeout: timeoutMs / 1000,
      execute,
    })
  let known: { configuration: Promise<Configuration>; until: number } | undefined
  const configure = (): Promise<Configuration> => {
    if (!known || known.until < Date.now()) {
      const asked = { configuration: discover(), until: Date.now() + believedMs }
      asked.configuration.catch(() => {
        if (known === asked) known = undefined
      })
      known = asked
    }
    return known.configuration
  }

  return {
    name,
    title,
    async authorizationUrl({ state, nonce, verifier }) {
      const configuration = await configure().catch((error: unknown) => judge(error, title).throw())
      return buildAuthorizationUrl(configuration, {
        redirect_uri: redirectUrl,
        scope,
        state,
        nonce,
        code_challenge: await calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
      }).href
    },
    async identify(parameters, { state, nonce, verifier }) {
      try {
        const configuration = await configure()
        // Of what a client hands on, the parameters alone count: the rest of the address is ours.
        const answered = new URL(redirectUrl)
        answered.search = parameters.toString()
        const tokens = await authorizationCodeGrant(configuration, answered, {
          expectedState: state,
          expectedNonce: nonce,
          pkceCodeVerifier: verifier,
          idTokenExpected: true,
        })
        const { iss, sub, ...claims } = tokens.claims()!
        const isSaid = claims.email !== undefined || !configuration.serverMetadata().userinfo_endpoint
        const about = isSaid ? claims : await fetchUserInfo(configuration, tokens.access_token, sub)
        return { issuer: iss, subject: sub, ...toProfile(about) }
      } catch (error) {
        return judge(error, title).refuse()
      }
    },
  }
}

/** The way to prove who we are that a provider knows; where it does not say, the one that all must know. */
const clientAuth =
  (secret: string): ClientAuth =>
  (server, ...rest) => {
    const methods = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic']
    const prove = methods.includes('client_secret_basic') ? ClientSecretBasic : ClientSecretPost
    prove(secret)(server, ...rest)
  }

function toProfile(claims: Record<string, unknown>): Pick<Identity, 'email' | 'isEmailVerified' | 'name'> {
  return {
    email: textOf(claims.email),
    // Some providers write it as a text.
    isEmailVerified: claims.email_verified === true || claims.email_verified === 'true',
    name: textOf(claims.name),
  }
}

// Postgres has no U+0000, and neither has a name.
const textOf = (claim: unknown): string | null =>
  typeof claim === 'string' ? claim.toWellFormed().replaceAll('\0', '') : null
