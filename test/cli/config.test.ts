// Longer than most: a list of settings, and of what can be wrong with each.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { describe, expect, test } from '@jest/globals'
import { type Config, loadConfig, type RawSettings } from '../../src/config.ts'
import { Fault } from '../../src/fault.ts'
import { limitNames, limitSetting, limitTable } from '../../src/limits.ts'
import { type SettingName, settingNames, settings } from '../../src/settings.ts'

const url = 'postgres://ann:hush@db.example.com/office'
const secret = 'a secret of more than thirty-two characters'

/** What a loading is refused with: one line for each fault. */
function faultsOf(raw: RawSettings): readonly string[] {
  try {
    loadConfig(raw)
  } catch (error) {
    if (error instanceof Fault) return error.advice
    throw error
  }
  return []
}

describe('no settings', () => {
  test('a newcomer who sets nothing gets a development server on this machine alone', () => {
    const config = loadConfig({ env: {} })

    expect(config).toEqual({
      mode: 'development',
      introspection: true,
      trustedDocuments: null,
      allowedOrigins: [],
      trustedProxies: [],
      limits: Object.fromEntries(
        limitNames.map((name) => [name, limitTable[name].default]),
      ) as Config['limits'],
      host: '127.0.0.1',
      port: 4000,
      dataDir: join(process.cwd(), '.plinth'),
      isProject: true,
      schemas: ['app_public'],
      databaseUrl: null,
      authenticatorDatabaseUrl: null,
      anonymousRole: 'plinth_anonymous',
      personRole: 'plinth_person',
      deviceRole: 'plinth_device',
      jwt: null,
      openId: null,
      breachedPasswordsUrl: null,
      smtpUrl: null,
      mailFrom: 'Plinth <plinth@localhost.localdomain>',
      publicUrl: null,
      serverUrl: 'http://localhost:4000',
      slack: null,
      slackApiUrl: 'https://slack.com/api/',
      encryptionKeys: [],
      logLevel: 'info',
      poolSize: 20,
      preparedStatements: true,
      workerConcurrency: 4,
      retention: { securityLogDays: 365, doorLogMonths: 24, guestDays: 30 },
    } satisfies Config)
  })

  test('an empty text counts as nothing, in the environment and in .env', () => {
    const env = Object.fromEntries(settingNames.map((name) => [name, '']))

    expect(loadConfig({ env, file: env })).toEqual(loadConfig({ env: {} }))
  })
})

describe('right settings', () => {
  test('an operator sets everything about a deployment of the project', () => {
    const config = loadConfig({
      env: {
        MODE: 'production',
        TRUSTED_DOCUMENTS: '/var/lib/office/operations.json',
        ALLOWED_ORIGINS: 'https://app.example.com , http://localhost:5173',
        TRUSTED_PROXIES: 'loopback, 10.1.0.0/16,fd00::1',
        LIMIT_DEPTH: '9',
        HOST: '0.0.0.0',
        PORT: '0',
        DATABASE_URL: url,
        AUTHENTICATOR_DATABASE_URL: 'postgresql://api@db.example.com/office',
        DATA_DIR: '/var/lib/office',
        ROLE_ANONYMOUS: 'visitor',
        ROLE_PERSON: 'person',
        ROLE_DEVICE: 'device',
        SMTP_URL: 'smtps://mail.example.com',
        MAIL_FROM: 'office@example.com',
        PUBLIC_URL: 'https://app.example.com/office/',
        SERVER_URL: 'https://office.example.com/',
        LOG_LEVEL: 'warn',
        POOL_SIZE: '2',
        PREPARED_STATEMENTS: 'off',
        WORKER_CONCURRENCY: '100',
        SECURITY_LOG_DAYS: '30',
        DOOR_LOG_MONTHS: '12',
        GUEST_DAYS: '7',
      },
    })

    expect(config).toMatchObject({
      mode: 'production',
      introspection: false,
      trustedDocuments: '/var/lib/office/operations.json',
      allowedOrigins: ['https://app.example.com', 'http://localhost:5173'],
      trustedProxies: ['loopback', '10.1.0.0/16', 'fd00::1'],
      limits: { depth: 9, fields: limitTable.fields.default },
      host: '0.0.0.0',
      port: 0,
      databaseUrl: url,
      authenticatorDatabaseUrl: 'postgresql://api@db.example.com/office',
      dataDir: '/var/lib/office',
      anonymousRole: 'visitor',
      personRole: 'person',
      deviceRole: 'device',
      smtpUrl: 'smtps://mail.example.com',
      mailFrom: 'office@example.com',
      publicUrl: 'https://app.example.com/office/',
      serverUrl: 'https://office.example.com',
      logLevel: 'warn',
      poolSize: 2,
      preparedStatements: false,
      workerConcurrency: 100,
      retention: { securityLogDays: 30, doorLogMonths: 12, guestDays: 7 },
    })
  })

  test('an operator serves a database as it is, which nothing of the project is assumed about', () => {
    const config = loadConfig({
      env: { SCHEMAS: 'shop , stock', DATABASE_URL: url, JWT_SECRET: secret, JWT_AUDIENCE: 'shop' },
    })

    expect(config).toMatchObject({
      isProject: false,
      schemas: ['shop', 'stock'],
      databaseUrl: url,
      authenticatorDatabaseUrl: url,
      anonymousRole: null,
      jwt: { secret, jwksUrl: null, audience: 'shop', issuer: null, roleClaim: 'role' },
    })
  })

  test('a flag wins over the environment, and that over .env', () => {
    const file = { PORT: '1', POOL_SIZE: '11', LOG_LEVEL: 'error' }
    const env = { PORT: '2', POOL_SIZE: '12' }

    const { port, poolSize, logLevel } = loadConfig({ file, env, flags: { port: '3' } })

    expect({ port, poolSize, logLevel }).toEqual({ port: 3, poolSize: 12, logLevel: 'error' })
  })

  test('a reader of the settings cannot change them, nor does reading change what they came from', () => {
    const raw = { file: { PORT: '1' }, env: { HOST: 'localhost' }, flags: { 'pool-size': '3' } }
    const before = structuredClone(raw)

    const config = loadConfig(raw)

    expect(Object.isFrozen(config)).toBe(true)
    expect(loadConfig(raw)).toEqual(config)
    expect(raw).toEqual(before)
  })
})

describe('wrong settings', () => {
  const key = Buffer.alloc(32).toString('base64')
  // One or more wrong values for each setting that has any.
  const wrong: Partial<Record<SettingName, string[]>> = {
    MODE: ['prod', 'Development'],
    INTROSPECTION: ['true', 'ON'],
    ALLOWED_ORIGINS: ['app.example.com', 'https://app.example.com/', 'https://a.com,,https://b.com'],
    TRUSTED_PROXIES: ['localhost', '10.0.0.0/33', '0.0.0.0/0', '10.0.0.1,', 'loopback 10.0.0.1', '300.1.1.1'],
    ...Object.fromEntries(limitNames.map((name) => [limitSetting(name), ['0', '-1', '1e3', 'none']])),
    HOST: ['http://0.0.0.0', 'two words'],
    PORT: ['65536', '-1', '80.5', '4000x', '0x50', '1e3', ' '],
    DATABASE_URL: ['mysql://hush@host/db', 'hush', 'postgres://', 'postgres://ann:hush@host:port/db'],
    AUTHENTICATOR_DATABASE_URL: ['http://hush@host', 'postgres:hush'],
    SCHEMAS: ['a,,b', ',', 'a b'],
    ROLE_ANONYMOUS: ['Visitor', '1st', 'a-b', 'x'.repeat(64)],
    ROLE_PERSON: ['person; drop table people'],
    ROLE_DEVICE: ['"device"'],
    JWT_SECRET: ['hush', 'hush'.repeat(7)],
    JWT_JWKS_URL: ['ftp://example.com', 'example.com/keys', 'https://'],
    OPENID_PROVIDERS: ['hush', '{"name":"hush"}', '"hush"'],
    OPENID_REDIRECT_URL: ['app.example.com', 'http://app.example.com', 'https://app.example.com?a'],
    BREACHED_PASSWORDS_URL: ['api.pwnedpasswords.com', 'ftp://example.com'],
    SMTP_URL: ['mail.example.com', 'http://hush@mail.example.com', 'smtp://'],
    MAIL_FROM: ['nobody', 'Office <office>', 'a@example.com\nBcc: b@example.com'],
    PUBLIC_URL: [
      'app.example.com',
      'javascript:alert(1)',
      'https://a.example/?b',
      'https://a.example/#',
      'https://ann@a.example',
    ],
    SERVER_URL: [
      'office.example.com',
      'ftp://office.example.com',
      'https://office.example.com/pass',
      'https://office.example.com/?a',
      'https://user:hush@office.example.com',
    ],
    SLACK_CLIENT_ID: ['A012', '12'],
    SLACK_CLIENT_SECRET: ['hush', 'HUSH'.repeat(8)],
    SLACK_SIGNING_SECRET: ['hush'],
    SLACK_API_URL: ['slack.com', 'http://slack.com/api/', 'https://ann:pw@slack.com'],
    ENCRYPTION_KEYS: [
      'hush',
      `:${key}`,
      'a:hush',
      `a:${key},`,
      `a:${key},a:${key}`,
      `A:${key}`,
      `a:${key}AAAA`,
    ],
    LOG_LEVEL: ['verbose', 'INFO'],
    POOL_SIZE: ['1', '1001', 'many'],
    PREPARED_STATEMENTS: ['true', 'no', 'OFF'],
    WORKER_CONCURRENCY: ['0', '101', '2.5'],
    SECURITY_LOG_DAYS: ['0', '36501', 'forever'],
    DOOR_LOG_MONTHS: ['0', '1201', '1.5'],
    GUEST_DAYS: ['0', '36501', 'forever'],
  }
  const cases = Object.entries(wrong).flatMap(([name, values]) =>
    values.map((value) => [name as SettingName, value] as const),
  )

  test.each(cases)('%s=%j is one fault, which says what was expected and what was got', (name, value) => {
    const faults = faultsOf({ env: { [name]: value } })

    const got = settings[name].isSecret ? '' : `, got ${JSON.stringify(value)}`
    expect(faults).toEqual([`${name}: expected ${settings[name].expected}${got}.`])
  })

  test.each(cases)(
    '%s=%j is the same fault in .env, and as a flag by the name of the flag',
    (name, value) => {
      const flag = name.toLowerCase().replaceAll('_', '-')

      const inFile = faultsOf({ env: {}, file: { [name]: value } })
      const asFlag = faultsOf({ env: {}, flags: { [flag]: value } })

      expect(inFile).toEqual(faultsOf({ env: { [name]: value } }))
      expect(asFlag).toEqual([expect.stringMatching(new RegExp(`^--${flag}: expected `))])
    },
  )

  test('every setting is tried that can be wrong', () => {
    const untried = settingNames.filter((name) => wrong[name] === undefined)

    expect(untried).toEqual(['TRUSTED_DOCUMENTS', 'DATA_DIR', 'JWT_AUDIENCE', 'JWT_ISSUER', 'JWT_ROLE_CLAIM'])
  })

  test('a flag without a value is a fault', () => {
    const free = settingNames.filter((name) => settings[name].schema.safeParse('').success)

    expect(free).toEqual([])
  })

  test('nothing of a secret is repeated', () => {
    const secrets = settingNames.filter((name) => settings[name].isSecret)
    const env = Object.fromEntries(secrets.map((name) => [name, 'hush']))

    const faults = faultsOf({ env })

    expect(secrets).toEqual([
      'DATABASE_URL',
      'AUTHENTICATOR_DATABASE_URL',
      'JWT_SECRET',
      'OPENID_PROVIDERS',
      'SMTP_URL',
      'SLACK_CLIENT_SECRET',
      'SLACK_SIGNING_SECRET',
      'ENCRYPTION_KEYS',
    ])
    expect(faults).toHaveLength(secrets.length)
    expect(faults.join('\n')).not.toContain('hush')
  })

  test('somebody who got everything wrong learns of everything at once', () => {
    const env = Object.fromEntries(Object.entries(wrong).map(([name, [value]]) => [name, value]))

    const faults = faultsOf({ env: { ...env, JWT_ISUER: 'x' }, file: { NAME: 'x' }, flags: { prot: '1' } })

    const named = faults.map((fault) => /^[\w-]+/.exec(fault)?.[0])
    expect(named.toSorted()).toEqual([...Object.keys(wrong), 'JWT_ISUER', 'NAME', '--prot'].toSorted())
  })

  test('one fault and several are announced as what they are', () => {
    expect(() => loadConfig({ env: { PORT: 'x' } })).toThrow('A setting is wrong.')
    expect(() => loadConfig({ env: { PORT: 'x', HOST: '/' } })).toThrow('2 settings are wrong.')
  })
})

describe('unknown settings', () => {
  test.each([
    ['DATABSE_URL', 'DATABASE_URL'],
    ['DATABASE_URI', 'DATABASE_URL'],
    ['database_url', 'DATABASE_URL'],
    ['AUTHENTICATOR_DATABSE_URL', 'AUTHENTICATOR_DATABASE_URL'],
    ['LOG_LEVLE', 'LOG_LEVEL'],
    ['WORKER_CONCURENCY', 'WORKER_CONCURRENCY'],
    ['JWT_SERCET', 'JWT_SECRET'],
  ])('a slip in the environment, %s, is a fault that suggests %s', (slip, name) => {
    expect(faultsOf({ env: { [slip]: 'x' } })).toEqual([
      `${slip}: there is no such setting. Did you mean ${name}?`,
    ])
  })

  test('what is merely in the environment is nobody’s fault', () => {
    const env = {
      PATH: '/bin',
      HOME: '/root',
      HOSTNAME: 'box',
      HOSTTYPE: 'x86_64',
      SHELL: '/bin/sh',
      EDITOR: 'vi',
      NODE_ENV: 'test',
      NODE_OPTIONS: '',
      TMPDIR: '/tmp',
      TZ: 'UTC',
      MODEL: 'x',
      PROT: 'x',
      XDG_DATA_DIRS: '/usr/share',
      DATABASE_USER: 'somebody',
      DATABASE_NAME: 'something',
      DATABASE_HOST: 'somewhere',
      DATABASE_PORT: '5432',
      TEST_DATABASE_URL: url,
      PGDATABASE: 'x',
      npm_config_user_agent: 'npm',
      GRAPHILE_ENV: 'development',
    }

    expect(faultsOf({ env })).toEqual([])
  })

  test('a name that is near to one that is set too is taken for another program’s', () => {
    const env = { LOGLEVEL: 'debug' }

    expect(faultsOf({ env })).toHaveLength(1)
    expect(faultsOf({ env: { ...env, LOG_LEVEL: 'info' } })).toEqual([])
    expect(faultsOf({ env, file: { LOG_LEVEL: 'info' } })).toEqual([])
    expect(faultsOf({ env, flags: { 'log-level': 'info' } })).toEqual([])
  })

  test('a stranger in .env is a fault, with a suggestion where one is near', () => {
    const file = { PROT: '4000', Host: 'localhost', SOMETHING: 'x' }

    expect(faultsOf({ env: {}, file })).toEqual([
      'PROT (in .env): there is no such setting. Did you mean PORT?',
      'Host (in .env): there is no such setting. Did you mean HOST?',
      'SOMETHING (in .env): there is no such setting.',
    ])
  })

  test('an unknown flag is a fault, with a suggestion where one is near', () => {
    const flags = { prot: '4000', databse: 'x', 'databse-url': 'x', something: 'true' }

    expect(faultsOf({ env: {}, flags })).toEqual([
      '--prot: there is no such option. Did you mean --port?',
      '--databse: there is no such option.',
      '--databse-url: there is no such option. Did you mean --database-url?',
      '--something: there is no such option.',
    ])
  })

  test('a name that every object has is as unknown as any other', () => {
    const file = { constructor: 'x', toString: 'x' } as unknown as Record<string, string>

    expect(faultsOf({ env: {}, file })).toHaveLength(2)
  })
})

describe('settings that contradict each other', () => {
  test.each<[string, Record<string, string>, RegExp]>([
    ['schemas of no database', { SCHEMAS: 'shop' }, /^SCHEMAS .*DATABASE_URL/],
    [
      'a database without a role for the API',
      { DATABASE_URL: url },
      /^AUTHENTICATOR_DATABASE_URL is missing/,
    ],
    [
      'a role for the API without a database',
      { AUTHENTICATOR_DATABASE_URL: url },
      /^AUTHENTICATOR_DATABASE_URL is set, but DATABASE_URL is not/,
    ],
    ['a secret for the project', { JWT_SECRET: secret }, /SCHEMAS/],
    ['keys for the project', { JWT_JWKS_URL: 'https://example.com/keys' }, /SCHEMAS/],
    [
      'a secret and keys',
      {
        SCHEMAS: 'shop',
        DATABASE_URL: url,
        JWT_SECRET: secret,
        JWT_JWKS_URL: 'https://example.com/keys',
      },
      /exclude each other/,
    ],
    ['every address, in no mode', { HOST: '0.0.0.0' }, /^HOST is 0\.0\.0\.0.*MODE=production/],
    ['an address of the network, in no mode', { HOST: '192.168.1.7' }, /^HOST .*MODE/],
    ['a name that only looks like this machine', { HOST: '127.example.com' }, /^HOST .*MODE/],
    ['every IPv6 address, in no mode', { HOST: '::' }, /^HOST .*MODE/],
  ])('%s is one fault', (_about, env, message) => {
    expect(faultsOf({ env })).toEqual([expect.stringMatching(message)])
  })

  test('all of them are told at once', () => {
    const faults = faultsOf({ env: { HOST: '0.0.0.0', DATABASE_URL: url, JWT_SECRET: secret } })

    expect(faults).toHaveLength(3)
    expect(faults.join('\n')).not.toMatch(/hush|thirty-two/)
  })

  test.each([
    { HOST: 'localhost' },
    { HOST: '::1' },
    { HOST: '127.0.0.2' },
    { HOST: '0.0.0.0', MODE: 'production' },
    { HOST: '0.0.0.0', MODE: 'development' },
    { SCHEMAS: 'shop', AUTHENTICATOR_DATABASE_URL: url },
    { SCHEMAS: 'shop', DATABASE_URL: url, JWT_JWKS_URL: 'https://example.com/keys' },
  ])('%j is fine', (env) => {
    expect(faultsOf({ env })).toEqual([])
  })
})

describe('.env.example', () => {
  const example = readFileSync(join(import.meta.dirname, '../../.env.example'), 'utf8')

  test('a reader finds every setting in it, and no other', () => {
    const named = [...example.matchAll(/^#? ?([A-Za-z_]+)=/gm)].map(([, name]) => name)

    expect(named.toSorted()).toEqual(settingNames.toSorted())
  })

  test('a reader sees where each setting ends', () => {
    expect(example).not.toMatch(/^# [A-Z_]+=.*\n#/m)
  })

  test('what it shows is what holds anyway', () => {
    const file = parseEnv(example.replaceAll(/^# ([A-Z_]+=)/gm, '$1'))

    expect(loadConfig({ env: {}, file })).toEqual(loadConfig({ env: {} }))
  })
})
