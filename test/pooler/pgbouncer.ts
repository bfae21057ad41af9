import { type ChildProcess, spawn } from 'node:child_process'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { withConnection } from '../../src/database/connection.ts'
import { seedDemo } from '../../src/database/demo.ts'
import { makeApi, type TestApi } from '../support/api.ts'
import { makeDatabase, type TestDatabase } from '../support/database.ts'
import { eventually } from '../support/eventually.ts'

// Run by .ci/through-pgbouncer, which sees to it that there is one: `npm test` needs nothing installed.

let database: TestDatabase
let pooler: ChildProcess
let folder: string
let api: TestApi
beforeAll(async () => {
  database = await makeDatabase()
  await seedDemo(database.ownerUrl)
  const { hostname, port: serverPort } = new URL(database.authenticatorUrl)
  const port = await freePort()
  folder = await mkdtemp(join(tmpdir(), 'plinth-pgbouncer-'))
  await chmod(folder, 0o755)
  await writeFile(
    join(folder, 'pgbouncer.ini'),
    `[databases]
${database.name} = host=${hostname} port=${serverPort} user=plinth_authenticator password=plinth_authenticator
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 2
`,
  )
  const asUser = process.getuid?.() === 0 ? ['-u', 'postgres'] : []
  pooler = spawn('pgbouncer', ['-q', ...asUser, join(folder, 'pgbouncer.ini')], {
    stdio: 'inherit',
    env: { PATH: '/usr/sbin:/usr/bin:/bin' },
  })
  const url = new URL(database.authenticatorUrl)
  url.port = String(port)
  await eventually(() => withConnection(url.toString(), (client) => client.query('select 1')))
  api = await makeApi(database, { AUTHENTICATOR_DATABASE_URL: url.toString(), PREPARED_STATEMENTS: 'off' })
})
afterAll(async () => {
  await api.close()
  const ended = new Promise((resolve) => pooler.once('exit', resolve))
  pooler.kill('SIGKILL')
  await ended
  await rm(folder, { recursive: true, force: true })
  await eventually(() => database.drop())
})

const signIn = `mutation ($email: String!) {
  signIn(input: { email: $email, password: "open sesame" }) { result { token } }
}`

test('many callers behind a transaction pooler never see through each other’s eyes', async () => {
  const names = { ada: 'Ada Winter', ben: 'Ben Okafor', dina: 'Dina Roth' }
  const callers = await Promise.all(
    Object.entries(names).map(async ([who, name]) => {
      const { data } = await api.ask(signIn, { variables: { email: `${who}@example.com` } })
      return { name, token: data!.signIn.result.token as string }
    }),
  )

  const answers = await Promise.all(
    Array.from({ length: 400 }, async (_, n) => {
      if (n % 4 === 3) {
        const { data } = await api.ask('{ currentPerson { name } doors { nodes { name } } }')
        return { expected: null, data: data! }
      }
      const { name, token } = callers[n % 3]!
      const query =
        n % 5 === 0 ? '{ currentPerson { name } doors { nodes { id } } }' : '{ currentPerson { name } }'
      const { data } = await api.ask(query, { token })
      return { expected: { name }, data: data! }
    }),
  )

  for (const { expected, data } of answers) expect(data.currentPerson).toEqual(expected)
})

test('a mutation of several statements is whole behind a transaction pooler', async () => {
  const { data } = await api.ask(signIn, { variables: { email: 'ada@example.com' } })
  const token = data!.signIn.result.token as string

  const made = await api.ask(
    `mutation { createOrganization(input: { name: "Pooled" }) { result { name memberships { nodes { role } } } } }`,
    { token },
  )

  expect(made.data!.createOrganization.result).toEqual({
    name: 'Pooled',
    memberships: { nodes: [{ role: 'owner' }] },
  })
})

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}
