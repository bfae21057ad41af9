import { resolve } from 'node:path'
import type { z } from 'zod'
import { Fault } from './fault.ts'
import { limitNames, type Limits, limitSetting } from './limits.ts'
import { isLoopback, type OpenIdProvider } from './openIdProviders.ts'
import { flagOf, type SettingName, settingNames, settings } from './settings.ts'
import { unknownSettings } from './unknownSettings.ts'

/** Where settings come from, the later ones winning: the .env file, the environment, flags. */
export type RawSettings = {
  file?: Readonly<Record<string, string | undefined>>
  env: Readonly<Record<string, string | undefined>>
  /** Flags as written, without the dashes: `{ 'database-url': 'postgres://…' }`. */
  flags?: Readonly<Record<string, string | undefined>>
}

/** How tokens made elsewhere are verified. */
export type JwtConfig = Readonly<{
  secret: string | null
  jwksUrl: string | null
  audience: string | null
  issuer: string | null
  roleClaim: string
}>

/** With whom people may sign in, and where those send them back to. */
export type OpenIdConfig = Readonly<{ providers: readonly OpenIdProvider[]; redirectUrl: string }>

/** What the process was told, checked. Built once, at the entry, by `loadConfig`. */
export type Config = Readonly<{
  mode: 'development' | 'production'
  /** Whether clients may ask for the schema. */
  introspection: boolean
  /** Absolute path of the manifest of the only operations that are accepted; null: any is. */
  trustedDocuments: string | null
  /** Websites whose pages may use the API; `*` stands for all. */
  allowedOrigins: readonly string[]
  /** Addresses, subnets and names of ranges whose word on where a request comes from is taken. */
  trustedProxies: readonly string[]
  limits: Limits
  host: string
  port: number
  /** Absolute path. */
  dataDir: string
  /** Whether this project's migrations are served; false for a database that is served as it is. */
  isProject: boolean
  schemas: readonly string[]
  /** As the owner; null: the embedded Postgres. */
  databaseUrl: string | null
  /** As the API; null: derived for the embedded Postgres. */
  authenticatorDatabaseUrl: string | null
  /** Null: act as the role that signed in. */
  anonymousRole: string | null
  personRole: string
  deviceRole: string
  jwt: JwtConfig | null
  /** Null: people sign in here alone. */
  openId: OpenIdConfig | null
  /** Where leaked passwords are listed; null: nowhere. */
  breachedPasswordsUrl: string | null
  smtpUrl: string | null
  mailFrom: string
  /** Address of the front end; null: mails have no links. */
  publicUrl: string | null
  logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent'
  poolSize: number
  /** Whether statements may stay prepared on a connection. */
  preparedStatements: boolean
  workerConcurrency: number
  /** How many days a line of the security log is kept. */
  securityLogDays: number
}>

type Values = { [Name in SettingName]: z.output<(typeof settings)[Name]['schema']> }

/** Reads the settings. Throws one Fault that lists everything that is wrong with them. */
export function loadConfig({ file = {}, env, flags = {} }: RawSettings): Config {
  const faults = [...unknownSettings({ file, env, flags })]
  const values: Partial<Record<SettingName, unknown>> = {}

  for (const name of settingNames) {
    const flag = flags[flagOf(name)]
    const shown = flag === undefined ? name : `--${flagOf(name)}`
    const text = flag ?? (env[name] || file[name] || undefined)
    const parsed = settings[name].schema.safeParse(text)
    if (parsed.success) values[name] = parsed.data
    else if (settings[name].hasParts && parsed.error.issues.every(({ path }) => path.length > 0)) {
      faults.push(...faultsOfParts(shown, parsed.error))
    } else {
      const got = settings[name].isSecret ? '' : `, got ${JSON.stringify(text)}`
      faults.push(`${shown}: expected ${settings[name].expected}${got}.`)
    }
  }

  const value = values as Values
  if (faults.length === 0) faults.push(...contradictions(value))
  if (faults.length > 0) {
    throw new Fault(
      faults.length === 1 ? 'A setting is wrong.' : `${faults.length} settings are wrong.`,
      faults,
    )
  }

  const isProject = value.SCHEMAS === undefined
  return Object.freeze({
    mode: value.MODE ?? 'development',
    introspection: (value.INTROSPECTION ?? (value.MODE === 'production' ? 'off' : 'on')) === 'on',
    trustedDocuments: value.TRUSTED_DOCUMENTS === undefined ? null : resolve(value.TRUSTED_DOCUMENTS),
    allowedOrigins: value.ALLOWED_ORIGINS,
    trustedProxies: value.TRUSTED_PROXIES,
    limits: Object.fromEntries(limitNames.map((name) => [name, value[limitSetting(name)]])) as Limits,
    host: value.HOST,
    port: value.PORT,
    dataDir: resolve(value.DATA_DIR),
    isProject,
    schemas: value.SCHEMAS ?? ['app_public'],
    databaseUrl: value.DATABASE_URL ?? null,
    authenticatorDatabaseUrl:
      value.AUTHENTICATOR_DATABASE_URL ?? (isProject ? null : (value.DATABASE_URL ?? null)),
    anonymousRole: value.ROLE_ANONYMOUS ?? (isProject ? 'plinth_anonymous' : null),
    personRole: value.ROLE_PERSON ?? 'plinth_person',
    deviceRole: value.ROLE_DEVICE ?? 'plinth_device',
    jwt:
      value.JWT_SECRET === undefined && value.JWT_JWKS_URL === undefined
        ? null
        : {
            secret: value.JWT_SECRET ?? null,
            jwksUrl: value.JWT_JWKS_URL ?? null,
            audience: value.JWT_AUDIENCE ?? null,
            issuer: value.JWT_ISSUER ?? null,
            roleClaim: value.JWT_ROLE_CLAIM,
          },
    openId:
      value.OPENID_REDIRECT_URL === undefined
        ? null
        : { providers: value.OPENID_PROVIDERS, redirectUrl: value.OPENID_REDIRECT_URL },
    breachedPasswordsUrl: value.BREACHED_PASSWORDS_URL ?? null,
    smtpUrl: value.SMTP_URL ?? null,
    mailFrom: value.MAIL_FROM,
    publicUrl: value.PUBLIC_URL ?? null,
    logLevel: value.LOG_LEVEL,
    poolSize: value.POOL_SIZE,
    preparedStatements: value.PREPARED_STATEMENTS,
    workerConcurrency: value.WORKER_CONCURRENCY,
    securityLogDays: value.SECURITY_LOG_DAYS,
  })
}

/** What is wrong with the parts of a setting: `OPENID_PROVIDERS[0].issuer: expected …`. */
const faultsOfParts = (shown: string, { issues }: z.ZodError): string[] =>
  issues.map(({ path, message }) => {
    const place = path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('')
    return `${shown}${place}: ${message}.`
  })

function* contradictions(value: Values): Generator<string> {
  if (value.MODE === undefined && !isLoopback(value.HOST)) {
    yield `HOST is ${value.HOST}, which other machines can reach: set MODE=production, or MODE=development if they may use GraphiQL too.`
  }
  if (value.SCHEMAS !== undefined) {
    if (value.DATABASE_URL === undefined && value.AUTHENTICATOR_DATABASE_URL === undefined) {
      yield 'SCHEMAS serves a database as it is: set DATABASE_URL to say which.'
    }
  } else {
    if (value.DATABASE_URL !== undefined && value.AUTHENTICATOR_DATABASE_URL === undefined) {
      yield 'AUTHENTICATOR_DATABASE_URL is missing: with DATABASE_URL the API needs a role of its own, one that owns nothing. To serve a database as it is, without migrations, set SCHEMAS.'
    }
    if (value.DATABASE_URL === undefined && value.AUTHENTICATOR_DATABASE_URL !== undefined) {
      yield 'AUTHENTICATOR_DATABASE_URL is set, but DATABASE_URL is not.'
    }
    if (value.JWT_SECRET !== undefined || value.JWT_JWKS_URL !== undefined) {
      yield 'JWT_SECRET and JWT_JWKS_URL go with SCHEMAS: the project has tokens of its own.'
    }
  }
  if (value.OPENID_PROVIDERS.length > 0 !== (value.OPENID_REDIRECT_URL !== undefined)) {
    yield 'OPENID_PROVIDERS and OPENID_REDIRECT_URL go together: set both or neither.'
  } else if (value.OPENID_PROVIDERS.length > 0 && value.SCHEMAS !== undefined) {
    yield 'OPENID_PROVIDERS is for the project: with SCHEMAS, callers bring tokens made elsewhere.'
  }
  if (value.LIMIT_DEFAULT_PAGE_SIZE > value.LIMIT_PAGE_SIZE) {
    yield 'LIMIT_DEFAULT_PAGE_SIZE is above LIMIT_PAGE_SIZE.'
  }
  if (value.JWT_SECRET !== undefined && value.JWT_JWKS_URL !== undefined) {
    yield 'JWT_SECRET and JWT_JWKS_URL exclude each other: set one.'
  }
}
