import { hash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createRemoteJWKSet, errors, type JWTPayload, jwtVerify, type JWTVerifyGetKey } from 'jose'
import type { Config, JwtConfig } from '../config.ts'
import type { CallerSettings } from '../database/callerClient.ts'
import { AppError } from '../errors.ts'
import { answerError } from './app.ts'

/** From the value of an Authorization header to the settings to run under. Throws UNAUTHENTICATED. */
export type Identify = (authorization: string | undefined) => Promise<CallerSettings>

declare module 'http' {
  interface IncomingMessage {
    /** Under which settings this request runs; set by `identifyRequest`. */
    callerSettings?: CallerSettings
  }
}

/**
 * Settles who is calling before GraphQL begins, so that a token that cannot count is a plain 401.
 * False when the request has been answered so.
 */
export async function identifyRequest(
  identify: Identify,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<boolean> {
  try {
    request.callerSettings = await identify(request.headers.authorization)
    return true
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    answerError(request, response, error)
    return false
  }
}

/** The way callers are told apart under this configuration. */
export function makeIdentify(config: Config): Identify {
  if (config.isProject) return identifyByToken
  if (config.jwt) return makeIdentifyByJwt(config.jwt, config.anonymousRole)
  const settings: CallerSettings = config.anonymousRole ? { role: config.anonymousRole } : {}
  return () => Promise.resolve(settings)
}

/**
 * Bearer token of an Authorization header (RFC 6750), or null when there is none. Throws
 * UNAUTHENTICATED when there is a header that is not one.
 */
export function bearerToken(authorization: string | undefined): string | null {
  if (authorization === undefined || authorization === '') return null
  const token = /^Bearer +([\w\-.~+/]+=*)$/i.exec(authorization)?.[1]
  if (token === undefined) {
    throw new AppError('UNAUTHENTICATED', 'The Authorization header is not of the form "Bearer <token>".')
  }
  return token
}

// Hashed here already: what the database sees, and might log, is of no use to whoever reads it.
const identifyByToken: Identify = async (authorization) => {
  const token = bearerToken(authorization)
  return { tokenHash: token === null ? '' : hash('sha256', token) }
}

function makeIdentifyByJwt(jwt: JwtConfig, anonymousRole: string | null): Identify {
  const key = jwt.secret ? new TextEncoder().encode(jwt.secret) : remoteKeys(new URL(jwt.jwksUrl ?? ''))
  const options = {
    // Which algorithms count is decided here and never by the token.
    algorithms: jwt.secret
      ? ['HS256', 'HS384', 'HS512']
      : ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'],
    ...(jwt.audience && { audience: jwt.audience }),
    ...(jwt.issuer && { issuer: jwt.issuer }),
  }

  return async (authorization) => {
    const token = bearerToken(authorization)
    if (token === null) return claimSettings(anonymousRole ? { [jwt.roleClaim]: anonymousRole } : {}, jwt)
    try {
      const { payload } =
        typeof key === 'function'
          ? await jwtVerify(token, key, options)
          : await jwtVerify(token, key, options)
      return { ...(anonymousRole && { role: anonymousRole }), ...claimSettings(payload, jwt) }
    } catch (cause) {
      if (cause instanceof AppError) throw cause
      const isExpired = cause instanceof errors.JWTExpired
      throw new AppError('UNAUTHENTICATED', `Your token ${isExpired ? 'has expired' : 'is not valid'}.`, {
        cause,
      })
    }
  }
}

/** Keys from an address. A token that names none of them is at fault itself; all else is ours. */
function remoteKeys(url: URL): JWTVerifyGetKey {
  const keys = createRemoteJWKSet(url)
  const faultsOfTokens = [errors.JWKSNoMatchingKey, errors.JWKSMultipleMatchingKeys, errors.JOSENotSupported]
  return (header, token) =>
    keys(header, token).catch((cause: unknown) => {
      if (faultsOfTokens.some((fault) => cause instanceof fault)) throw cause
      throw new AppError('UNAVAILABLE', 'The keys that tokens are checked with cannot be had at present.', {
        cause,
      })
    })
}

/**
 * Claims as settings, in both spellings that policies are written in: the whole as JSON in
 * `request.jwt.claims`, and each claim as `jwt.claims.<name>`; and the role. A claim never names any other
 * setting, nor that of another claim: Postgres takes `SUB` for `sub`.
 */
function claimSettings(payload: JWTPayload, { roleClaim }: JwtConfig): CallerSettings {
  // Two things that JSON can say and no text in Postgres can hold: U+0000 and half a surrogate pair.
  const json = JSON.stringify(payload).replace(/\\(?:u0000|ud[89a-f]..|.)/g, (escape) =>
    escape.length > 2 ? '\ufffd' : escape,
  )
  const claims = JSON.parse(json) as JWTPayload
  const settings: CallerSettings = { 'request.jwt.claims': json }
  const names = ['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti', roleClaim, ...Object.keys(claims)]
  const isAmbiguous = (name: string) =>
    name !== name.toLowerCase() &&
    names.some((other) => other !== name && other.toLowerCase() === name.toLowerCase())
  for (const [name, value] of Object.entries(claims)) {
    if (!/^[a-z_][a-z0-9_]{0,50}$/i.test(name) || value === null || isAmbiguous(name)) continue
    settings[`jwt.claims.${name}`] = typeof value === 'string' ? value : JSON.stringify(value)
  }
  const role = claims[roleClaim]
  // As a name of Postgres's own, "none" is whoever signed in.
  if (role === 'none') throw new AppError('FORBIDDEN', 'The role that your token names cannot be used here.')
  return typeof role === 'string' && role !== '' ? { ...settings, role } : settings
}
