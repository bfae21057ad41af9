import { z } from 'zod'
import { limitSettings } from './limitSettings.ts'
import { isBareAddress, openIdProviders } from './openIdProviders.ts'
import { httpUrl, integer, isHttpUrl, origins, postgresUrl, proxies, role, setting } from './settingShapes.ts'

/**
 * Every setting there is, by its name in the environment; as a flag, `PORT` is written `--port`. One list, however
 * long: its order is that of `--help` and of .env.example.
 */
export const settings = {
  MODE: setting({
    schema: z.enum(['development', 'production']).optional(),
    expected: '"development" or "production"',
    about: 'development serves GraphiQL; production hides it. Must be set when HOST is not this machine.',
  }),
  INTROSPECTION: setting({
    schema: z.enum(['on', 'off']).optional(),
    expected: '"on" or "off"',
    about: 'Whether clients may ask for the schema (in development on, in production off).',
  }),
  TRUSTED_DOCUMENTS: setting({
    schema: z.string().min(1).optional(),
    expected: 'the file that `plinth documents` wrote',
    about: 'Accept the operations of this manifest alone, by their ids.',
  }),
  ALLOWED_ORIGINS: setting({
    schema: origins,
    expected: 'origins such as https://app.example.com, separated by commas, or *',
    about: 'Websites whose pages may use the API from the browser. Unset: those served from its own host.',
  }),
  TRUSTED_PROXIES: setting({
    schema: proxies,
    expected: 'addresses, subnets, loopback, linklocal or uniquelocal, separated by commas',
    about: 'Proxies whose X-Forwarded-For is believed. Unset: none, and a client is whoever connects.',
  }),
  HOST: setting({
    schema: z
      .string()
      .regex(/^[\w.:-]+$/)
      .default('127.0.0.1'),
    expected: 'an address to listen on, such as 127.0.0.1 or 0.0.0.0',
    about: 'The address to listen on.',
  }),
  PORT: setting({
    schema: integer(0, 65535, 4000),
    expected: 'a port from 0 to 65535 (0: any free one)',
    about: 'The port to listen on; 0 takes any free one.',
  }),
  DATABASE_URL: setting({
    schema: postgresUrl,
    expected: 'postgres://user:password@host:5432/database',
    about: 'The database, as its owner. Unset: Plinth runs a Postgres of its own under DATA_DIR.',
    isSecret: true,
  }),
  AUTHENTICATOR_DATABASE_URL: setting({
    schema: postgresUrl,
    expected: 'postgres://user:password@host:5432/database',
    about: 'The same database as the API signs in to it: a role that owns nothing.',
    isSecret: true,
  }),
  DATA_DIR: setting({
    schema: z.string().min(1).default('.plinth'),
    expected: 'a folder',
    about: 'Where the embedded Postgres and the local mailbox are kept.',
  }),
  SCHEMAS: setting({
    schema: z
      .string()
      .regex(/^[^\s,]+(\s*,\s*[^\s,]+)*$/)
      .transform((text) => text.split(/\s*,\s*/))
      .optional(),
    expected: 'names of schemas, separated by commas',
    about: 'Serve these schemas of a database as it is: no migrations, no worker.',
  }),
  ROLE_ANONYMOUS: setting({
    schema: role,
    expected: 'the name of a role (lower case, digits, _)',
    about: 'Role of callers without a token (plinth_anonymous; with SCHEMAS: the role that signed in).',
  }),
  ROLE_PERSON: setting({
    schema: role,
    expected: 'the name of a role (lower case, digits, _)',
    about: 'Role of people who are signed in (plinth_person).',
  }),
  ROLE_DEVICE: setting({
    schema: role,
    expected: 'the name of a role (lower case, digits, _)',
    about: 'Role of devices (plinth_device).',
  }),
  JWT_SECRET: setting({
    schema: z.string().min(32).optional(),
    expected: 'at least 32 characters',
    about: 'With SCHEMAS: accept tokens signed (HS256/384/512) with this secret.',
    isSecret: true,
  }),
  JWT_JWKS_URL: setting({
    schema: httpUrl,
    expected: 'an http(s) address',
    about: 'With SCHEMAS: accept tokens signed by a key that this address lists.',
  }),
  JWT_AUDIENCE: setting({
    schema: z.string().min(1).optional(),
    expected: 'a text',
    about: 'Refuse tokens made for another audience.',
  }),
  JWT_ISSUER: setting({
    schema: z.string().min(1).optional(),
    expected: 'a text',
    about: 'Refuse tokens made by another issuer.',
  }),
  JWT_ROLE_CLAIM: setting({
    schema: z.string().min(1).default('role'),
    expected: 'the name of a claim',
    about: 'The claim that names the Postgres role to act as.',
  }),
  OPENID_PROVIDERS: setting({
    schema: openIdProviders,
    expected: '[{"name", "title", "issuer", "clientId", "clientSecret", "scope"}, …] in JSON',
    about: 'Providers that people may sign in with. See docs/sign-in-with-others.md.',
    isSecret: true,
    hasParts: true,
  }),
  OPENID_REDIRECT_URL: setting({
    schema: z.string().refine(isBareAddress).optional(),
    expected: 'an https address (http on this machine alone), without ? and #',
    about: 'The page of the front end to which those providers send people back.',
  }),
  BREACHED_PASSWORDS_URL: setting({
    schema: httpUrl,
    expected: 'an http(s) address, such as https://api.pwnedpasswords.com/range/',
    about: 'A list of leaked passwords, asked with five digits of a new one’s SHA-1. Unset: none is asked.',
  }),
  SMTP_URL: setting({
    schema: z
      .string()
      .refine((text) => /^smtps?:\/\/./.test(text) && URL.canParse(text))
      .optional(),
    expected: 'smtp://user:password@host:587',
    about: 'Mail server. Unset: mail is written to files under DATA_DIR/mailbox.',
    isSecret: true,
  }),
  MAIL_FROM: setting({
    schema: z
      .string()
      .regex(/^[^\r\n]*[^\s@]+@[^\s@]+$|^[^\r\n]*<[^\s@]+@[^\s@]+>$/)
      .default('Plinth <plinth@localhost.localdomain>'),
    expected: 'an address, such as Plinth <office@example.com>',
    about: 'The sender of mail.',
  }),
  PUBLIC_URL: setting({
    schema: z
      .string()
      .refine((text) => isHttpUrl(text) && !/[?#@]/.test(text))
      .optional(),
    expected: 'an http(s) address without ?, # and @',
    about: 'Where the front end is; links in mails lead there. Unset: mails have codes and no links.',
  }),
  LOG_LEVEL: setting({
    schema: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
    expected: 'debug, info, warn, error or silent',
    about: 'The least severe message to log.',
  }),
  POOL_SIZE: setting({
    schema: integer(2, 1000, 20),
    expected: 'a number from 2 to 1000',
    about: 'How many connections to Postgres the API opens at most.',
  }),
  PREPARED_STATEMENTS: setting({
    schema: z
      .enum(['on', 'off'])
      .default('on')
      .transform((text) => text === 'on'),
    expected: '"on" or "off"',
    about: 'off for an API behind a pooler that hands out connections by the transaction (PgBouncer).',
  }),
  WORKER_CONCURRENCY: setting({
    schema: integer(1, 100, 4),
    expected: 'a number from 1 to 100',
    about: 'How many jobs a worker runs at a time.',
  }),
  SECURITY_LOG_DAYS: setting({
    schema: integer(1, 36_500, 365),
    expected: 'a number of days from 1 to 36500',
    about: 'How long the security log of accounts is kept.',
  }),
  ...limitSettings,
}

export type SettingName = keyof typeof settings

/** The names of all settings, in the order in which they are documented. */
export const settingNames = Object.keys(settings) as SettingName[]

/** `PORT` as a flag: `port`. */
export const flagOf = (name: string): string => name.toLowerCase().replaceAll('_', '-')
