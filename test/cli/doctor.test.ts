import { existsSync } from 'node:fs'
import { afterEach, describe, expect, test } from '@jest/globals'
import { makeDatabase } from '../support/database.ts'
import { usePlinth } from '../support/process.ts'

const plinth = usePlinth(afterEach)

/** What was found, by what it is about: its mark and the text. */
function findings(stdout: string): Record<string, string> {
  const lines = [...stdout.matchAll(/^([✓·✗]) (\S+) +(.*)$/gm)]
  return Object.fromEntries(
    lines.map(([, mark = '', about = '', text = '']): [string, string] => [about, `${mark} ${text}`]),
  )
}

describe('doctor', () => {
  test('before the first start, all is well and nothing is made', async () => {
    const dataDir = plinth.dataDir()

    const { code, stdout, stderr } = await plinth.run(['doctor', '--data-dir', dataDir])

    expect(findings(stdout)).toMatchObject({
      Node: `✓ ${process.versions.node}`,
      Settings: '✓ development, this project',
      Port: expect.stringMatching(/^[✓·] 4000 is (free|taken)/),
      Data: `✓ ${dataDir}`,
      Postgres: expect.stringMatching(/^· embedded, not running/),
    })
    expect(findings(stdout)).not.toHaveProperty('Proxies')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(existsSync(dataDir)).toBe(false)
  })

  test('beside a server that runs, it says who that is and how its database is', async () => {
    const dataDir = plinth.dataDir()
    const server = await plinth.start(dataDir)
    const { port } = new URL(server.url)

    const { code, stdout } = await plinth.run(['doctor', '--data-dir', dataDir, '--port', port])

    expect(findings(stdout)).toEqual({
      Node: `✓ ${process.versions.node}`,
      Settings: '✓ development, this project',
      Port: `· ${port} is taken by node (process ${server.pid})`,
      Address: `✓ http://localhost:${port}`,
      Data: `· ${dataDir}, in use by "plinth start" (process ${server.pid})`,
      Postgres: expect.stringMatching(/^✓ embedded, running on port \d+$/),
      Durability: '✓ what is confirmed is on disk',
      Migrations: '✓ up to date',
      Jobs: expect.stringMatching(/^✓ \d+ waiting, none failed for good$/),
      Mail: expect.stringMatching(/^· to a local folder/),
    })
    expect(code).toBe(0)
  })

  test.each([
    [
      { HOST: '0.0.0.0', MODE: 'production' },
      '· http://localhost:4000, which is no address for links in mails',
    ],
    [{ HOST: '0.0.0.0', MODE: 'production', SERVER_URL: 'https://a.example' }, '✓ https://a.example'],
    [
      {
        SLACK_CLIENT_ID: '1.2',
        SLACK_CLIENT_SECRET: '0'.repeat(32),
        SLACK_SIGNING_SECRET: '0'.repeat(32),
        ENCRYPTION_KEYS: `a:${Buffer.alloc(32).toString('base64')}`,
      },
      '· http://localhost:4000; Slack takes none but https',
    ],
  ])('an operator with %j reads which address others are given', async (env, text) => {
    const { stdout } = await plinth.run(['doctor', '--data-dir', plinth.dataDir()], { env })

    expect(findings(stdout)).toMatchObject({ Address: text })
  })

  test('a database that cannot be reached is a fault, told without its password', async () => {
    const { code, stdout, stderr } = await plinth.run(['doctor', '--data-dir', plinth.dataDir()], {
      env: {
        DATABASE_URL: 'postgres://ann:hush@127.0.0.1:1/office',
        AUTHENTICATOR_DATABASE_URL: 'postgres://api:hush@127.0.0.1:1/office',
      },
    })

    expect(findings(stdout)).toMatchObject({
      DATABASE_URL: '✗ No database answers at 127.0.0.1:1: is Postgres running there?',
      AUTHENTICATOR_DATABASE_URL: '✗ No database answers at 127.0.0.1:1: is Postgres running there?',
    })
    expect(stdout).toContain('Check DATABASE_URL: postgres://ann@127.0.0.1:1/office')
    expect(stdout + stderr).not.toContain('hush')
    expect(code).toBe(1)
  })

  test('a database that is behind is a fault, told with what brings it up to date', async () => {
    const database = await makeDatabase('template0')

    const { code, stdout } = await plinth.run(['doctor', '--data-dir', plinth.dataDir()], {
      env: { DATABASE_URL: database.ownerUrl, AUTHENTICATOR_DATABASE_URL: database.authenticatorUrl },
    })
    await database.drop()

    expect(findings(stdout).Migrations).toMatch(/^✗ pending: 000001\S*\.sql, 000002/)
    expect(stdout).toContain('npx plinth db migrate')
    expect(code).toBe(1)
  })

  test.each([
    ['with a front end elsewhere', { PUBLIC_URL: 'https://office.example.com' }],
    ['on an address that others reach', { HOST: '0.0.0.0', MODE: 'production' }],
  ])('an operator %s learns what it means that no proxy is trusted', async (_, env) => {
    const trusting = { ...env, TRUSTED_PROXIES: '10.0.0.0/8, loopback' }
    const [alone, behind] = await Promise.all(
      [env, trusting].map((env) => plinth.run(['doctor', '--data-dir', plinth.dataDir()], { env })),
    )

    expect(findings(alone!.stdout).Proxies).toBe(
      '· none is trusted; behind one, everybody counts as one network',
    )
    expect(alone!.stdout).toContain('set TRUSTED_PROXIES to its address')
    expect(findings(behind!.stdout).Proxies).toBe('✓ 10.0.0.0/8, loopback may say where a request comes from')
    expect(behind!.stdout).not.toContain('TRUSTED_PROXIES')
    expect([alone!.code, behind!.code]).toEqual([0, 0])
  })

  test('wrong settings are told as everywhere', async () => {
    const { code, stdout, stderr } = await plinth.run(['doctor', '--port', 'x'])

    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain('--port: expected a port')
  })
})
