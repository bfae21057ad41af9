import {
  AuthorizationResponseError,
  ClientError,
  ResponseBodyError,
  WWWAuthenticateChallengeError,
} from 'openid-client'
import { AppError } from '../../src/errors.ts'
import { messageOf } from '../../src/fault.ts'

/** Why somebody was not signed in, as an answer of the API. */
export type Refusal = 'DECLINED' | 'EXPIRED' | 'INVALID' | 'TAKEN' | 'UNVERIFIED'

/** A sign-in that was refused; `detail` is for the log. */
export type Refused = { refusal: Refusal; detail: string }

// What openid-client calls an answer that is not what it should be. Everything else is the provider's
// trouble, or the network's, or a setting.
const untrusted = new Set([
  'OAUTH_INVALID_RESPONSE',
  'OAUTH_JWT_TIMESTAMP_CHECK_FAILED',
  'OAUTH_JWT_CLAIM_COMPARISON_FAILED',
  'OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED',
  'OAUTH_KEY_SELECTION_FAILED',
  'OAUTH_UNSUPPORTED_OPERATION',
])

/** What a failure in speaking with a provider means for the one who signs in. */
export function judge(error: unknown, title: string) {
  const detail = describe(error)
  const refusal = refusalOf(error)
  // Not the error itself: what it carries has codes and tokens in it, and the log keeps all it is given.
  const unavailable = new AppError('UNAVAILABLE', `Signing in with ${title} is not possible at present.`, {
    cause: new Error(detail),
  })
  return {
    throw(): never {
      throw unavailable
    },
    refuse(): Refused {
      if (refusal === null) throw unavailable
      return { refusal, detail }
    },
  }
}

function refusalOf(error: unknown): Refusal | null {
  if (error instanceof AuthorizationResponseError) return error.error === 'access_denied' ? 'DECLINED' : null
  if (error instanceof ResponseBodyError) return error.error === 'invalid_grant' ? 'INVALID' : null
  return error instanceof ClientError && untrusted.has(error.code ?? '') ? 'INVALID' : null
}

/** What may be written down of an error: its kind and the code it names, which somebody else chose. */
function describe(error: unknown): string {
  const isNamed = error instanceof AuthorizationResponseError || error instanceof ResponseBodyError
  if (isNamed) return `the provider answered ${printable(error.error)}`
  if (error instanceof WWWAuthenticateChallengeError) {
    return `the provider answered ${error.cause.map(({ parameters }) => printable(parameters.error ?? '')).join()}`
  }
  if (error instanceof ClientError) return `${error.code ?? 'openid-client'}: ${error.message}`
  return messageOf(error)
}

const printable = (code: string): string => code.slice(0, 100).replace(/[^\x20-\x7e]/g, '?')
