import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import Provider, { type KoaContextWithOIDC } from 'oidc-provider'

/** What a provider knows of somebody. */
export type Claims = { email?: string; email_verified?: boolean | string; name?: string }

/** A provider of OpenID Connect on this machine, and what can be made to go wrong in it. */
export type TestProvider = {
  issuer: string
  clientId: string
  clientSecret: string
  /** Who has an account there, by their subject. */
  people: Map<string, Claims>
  /** Changes what it answers to a request for a path, such as /token. */
  tamper: Map<string, (answer: Record<string, unknown>) => unknown>
  /** Paths to which it never answers. */
  silent: Set<string>
  /** The paths it was asked for. */
  asked: string[]
  /** Goes down, or comes up again at the same address. */
  stop(): Promise<void>
  start(): Promise<void>
}

/** Where the front end of a test is; nothing listens there. */
export const redirectUrl = 'https://app.example.com/signed-in'

/**
 * Starts a provider. The person who signs in there is told by the user agent of the test; `hasFullTokens`
 * says whether what is known of them stands in the ID token or is to be asked for.
 */
export async function startProvider({ hasFullTokens = true } = {}): Promise<TestProvider> {
  const server = createServer()
  await listen(server, 0)
  const { port } = server.address() as AddressInfo
  const issuer = `http://127.0.0.1:${port}`
  const clientId = 'plinth'
  const clientSecret = `a secret for port ${port}`
  const people: TestProvider['people'] = new Map()
  const tamper: TestProvider['tamper'] = new Map()
  const silent = new Set<string>()
  const asked: string[] = []

  // It warns of keeping everything in memory, under keys that all know: for a test, both are right.
  const { warn } = console
  console.warn = () => {}
  const provider = new Provider(issuer, {
    clients: [{ client_id: clientId, client_secret: clientSecret, redirect_uris: [redirectUrl] }],
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
    conformIdTokenClaims: !hasFullTokens,
    cookies: { keys: ['of a test'] },
    features: { devInteractions: { enabled: false } },
    findAccount: (_context, accountId) => ({
      accountId,
      claims: () => ({ sub: accountId, ...people.get(accountId) }),
    }),
    interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
    // Nobody is asked whether this application may know them.
    async loadExistingGrant(context) {
      const { client, session } = context.oidc
      const grant = new context.oidc.provider.Grant({
        clientId: client!.clientId,
        accountId: session!.accountId!,
      })
      grant.addOIDCScope('openid email profile')
      await grant.save()
      return grant
    },
    pkce: { required: () => true },
    ttl: {
      AccessToken: 600,
      AuthorizationCode: 600,
      Grant: 600,
      IdToken: 600,
      Interaction: 600,
      Session: 600,
    },
  })
  console.warn = warn
  provider.use(async (context: KoaContextWithOIDC, next: () => Promise<unknown>) => {
    asked.push(context.path)
    if (silent.has(context.path)) context.respond = false
    else await next()
    const change = tamper.get(context.path)
    if (change) context.body = change(context.body as Record<string, unknown>)
  })

  const handle = provider.callback()
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    if (!request.url?.startsWith('/interaction/')) return void handle(request, response)
    const who = request.headers['x-person'] as string | undefined
    const result = who === undefined ? { error: 'access_denied' } : { login: { accountId: who } }
    void provider.interactionFinished(request, response, result)
  })

  return {
    issuer,
    clientId,
    clientSecret,
    people,
    tamper,
    silent,
    asked,
    start: () => listen(server, port),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

const listen = (server: Server, port: number) =>
  new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })

/**
 * Goes through a provider's pages as a browser does: follows where it is sent, keeps cookies, signs in as
 * `person`, or declines where there is none. The answer is the address at which it leaves the provider.
 */
export async function visit(url: string, person?: string): Promise<string> {
  const cookies = new Map<string, string>()
  for (let at = new URL(url), step = 0; step < 10; step++) {
    const response = await fetch(at, {
      redirect: 'manual',
      headers: {
        Cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; '),
        ...(person !== undefined && { 'X-Person': person }),
      },
    })
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? []
      cookies.set(name, value)
    }
    const location = response.headers.get('Location')
    if (location === null) throw new Error(`The provider answered ${response.status} at ${at.href}`)
    at = new URL(location, at)
    if (at.href.startsWith(redirectUrl)) return at.href
  }
  throw new Error('The provider sends people in circles.')
}
