import { describe, expect, test } from '@jest/globals'
import { loadConfig } from '../../src/config.ts'
import { Fault } from '../../src/fault.ts'
import { settings } from '../../src/settings.ts'

const google = {
  name: 'google',
  title: 'Google',
  issuer: 'https://accounts.google.com',
  clientId: 'us',
  clientSecret: 'hush-hush',
}
const redirectUrl = 'https://app.example.com/signed-in'

function load(providers: unknown, others: Record<string, string> = { OPENID_REDIRECT_URL: redirectUrl }) {
  const text = typeof providers === 'string' ? providers : JSON.stringify(providers)
  return loadConfig({ env: { OPENID_PROVIDERS: text, ...others } })
}

function faultsOf(...given: Parameters<typeof load>): readonly string[] {
  try {
    load(...given)
  } catch (error) {
    if (error instanceof Fault) return error.advice
    throw error
  }
  return []
}

describe('the providers that people may sign in with', () => {
  test('an operator names them, with a title and a scope or without', () => {
    const { openId } = load([
      google,
      {
        name: 'staff-1',
        issuer: 'https://login.example.com/staff',
        clientId: 'us',
        clientSecret: 's',
        scope: 'openid email',
      },
    ])

    expect(openId).toEqual({
      redirectUrl,
      providers: [
        { ...google, scope: 'openid email profile' },
        {
          name: 'staff-1',
          title: 'staff-1',
          issuer: 'https://login.example.com/staff',
          clientId: 'us',
          clientSecret: 's',
          scope: 'openid email',
        },
      ],
    })
  })

  test.each(['http://localhost:8080', 'http://127.0.0.1:8080/here', 'http://[::1]:8080'])(
    'a developer signs in with one on the same machine, %s',
    (issuer) => {
      const { openId } = load([{ ...google, issuer }], { OPENID_REDIRECT_URL: 'http://localhost:3000/back' })

      expect(openId?.providers[0]?.issuer).toBe(issuer)
    },
  )

  const at = (place: string, fault: string) => [`OPENID_PROVIDERS${place}: ${fault}.`]
  const address = 'expected an https address (http on this machine alone), without ? and #'

  test.each([
    ['no JSON', '[hush-hush', at('', `expected ${settings.OPENID_PROVIDERS.expected}`)],
    ['no list', google, at('', `expected ${settings.OPENID_PROVIDERS.expected}`)],
    ['something else in the list', ['google'], at('[0]', 'expected an object')],
    [
      'several faults, all of which are told',
      [
        { ...google, name: 'Google', clientSecret: undefined },
        { ...google, issuer: 'accounts.google.com' },
      ],
      [
        ...at('[0].name', 'expected a name of lower-case letters, digits, - and _'),
        ...at('[0].clientSecret', 'expected the secret that the provider gave you'),
        ...at('[1].issuer', address),
      ],
    ],
    [
      'an empty id',
      [{ ...google, clientId: ' ' }],
      at('[0].clientId', 'expected the id that the provider gave you'),
    ],
    [
      'an address that others can listen to',
      [{ ...google, issuer: 'http://accounts.google.com' }],
      at('[0].issuer', address),
    ],
    [
      'an address that looks local',
      [{ ...google, issuer: 'http://127.0.0.1.example.com' }],
      at('[0].issuer', address),
    ],
    [
      'an address with a password',
      [{ ...google, issuer: 'https://me:hush@example.com' }],
      at('[0].issuer', address),
    ],
    [
      'an address with a question',
      [{ ...google, issuer: 'https://example.com?a' }],
      at('[0].issuer', address),
    ],
    [
      'a scope with which nobody signs in',
      [{ ...google, scope: 'email profile' }],
      at('[0].scope', 'expected scopes separated by blanks, openid among them'),
    ],
    [
      'a field that does not exist',
      [{ ...google, secret: 'hush-hush' }],
      at('[0]', 'there is no field secret'),
    ],
    [
      'a name twice',
      [google, { ...google, issuer: 'https://example.com' }],
      at('[1].name', 'another one has this name'),
    ],
  ])('an operator is told of %s', (_, providers, faults) => {
    expect(faultsOf(providers)).toEqual(faults)
    expect(faults.join()).not.toContain('hush')
  })

  test.each([
    ['nowhere to come back to', [google], {}, 'go together'],
    ['a way back from nobody', [], { OPENID_REDIRECT_URL: redirectUrl }, 'go together'],
    [
      'a database that is served as it is',
      [google],
      { OPENID_REDIRECT_URL: redirectUrl, SCHEMAS: 'shop', DATABASE_URL: 'postgres://a@b/c' },
      'is for the project',
    ],
  ])('an operator is told that they do not go with %s', (_, providers, others, fault) => {
    expect(faultsOf(providers, others as Record<string, string>)).toEqual([expect.stringContaining(fault)])
  })

  test.each([
    'http://app.example.com/back',
    'https://app.example.com/back?a=1',
    'https://app.example.com/#back',
    'back',
  ])('an operator is told that nobody can come back to %s', (url) => {
    expect(faultsOf([google], { OPENID_REDIRECT_URL: url })).toEqual([
      expect.stringMatching(/^OPENID_REDIRECT_URL: expected an https address/),
    ])
  })
})
