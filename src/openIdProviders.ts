import { isIP } from 'node:net'
import { z } from 'zod'

/** Somebody whose word on who a person is counts: a provider of OpenID Connect, and who we are to it. */
export type OpenIdProvider = Readonly<{
  /** What the API calls it. */
  name: string
  /** What people call it. */
  title: string
  issuer: string
  clientId: string
  clientSecret: string
  scope: string
}>

/** Whether only this machine can reach what listens on a host. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))

/** Whether what is sent to an address is safe on the way: it is https, or does not leave this machine. */
export function isSafeAddress(text: string): boolean {
  if (!/^https?:\/\/./.test(text) || !URL.canParse(text)) return false
  const { protocol, hostname, username, password } = new URL(text)
  const isAnonymous = username === '' && password === ''
  return isAnonymous && (protocol === 'https:' || isLoopback(hostname.replace(/^\[(.*)\]$/, '$1')))
}

/** An address without anything behind its path, to which parameters can be added. */
export const isBareAddress = (text: string): boolean => isSafeAddress(text) && !/[?#]/.test(text)

const field = (expected: string, isRight: (text: string) => boolean = (text) => text.trim() !== '') => {
  const error = `expected ${expected}`
  return z.string({ error }).refine(isRight, { error })
}

const provider = z
  .strictObject(
    {
      name: field('a name of lower-case letters, digits, - and _', (text) =>
        /^[a-z][a-z0-9_-]{0,39}$/.test(text),
      ),
      title: field('what people call it').optional(),
      issuer: field('an https address (http on this machine alone), without ? and #', isBareAddress),
      clientId: field('the id that the provider gave you'),
      clientSecret: field('the secret that the provider gave you'),
      scope: field('scopes separated by blanks, openid among them', (text) =>
        text.split(' ').includes('openid'),
      ).default('openid email profile'),
    },
    {
      error: ({ code, keys }) =>
        code === 'unrecognized_keys' ? `there is no field ${keys.join(', ')}` : 'expected an object',
    },
  )
  .transform((given): OpenIdProvider => ({ ...given, title: given.title ?? given.name }))

/** The setting OPENID_PROVIDERS; its faults say which provider and which field they are about. */
export const openIdProviders = z
  .string()
  .transform((text, context): unknown => {
    try {
      return JSON.parse(text)
    } catch {
      context.addIssue('expected JSON') // in no more words: JSON.parse would quote the text, secrets and all
      return z.NEVER
    }
  })
  .pipe(z.array(provider, { error: 'expected a list' }))
  .superRefine((providers, context) => {
    for (const [index, { name }] of providers.entries()) {
      if (providers.findIndex((other) => other.name === name) < index) {
        context.addIssue({ code: 'custom', path: [index, 'name'], message: 'another one has this name' })
      }
    }
  })
  .default([])
