import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { SMTPServer } from 'smtp-server'
import { withConnection } from '../../src/database/connection.ts'
import { makeLog } from '../../src/log.ts'
import { mailboxFolder, type Mailer, makeMailer } from '../../src/mailer.ts'
import { startWorker } from '../../worker/runner.ts'
import { makeDatabase, type TestDatabase } from '../support/database.ts'
import { eventually } from '../support/eventually.ts'
import { workerConfig } from '../support/taskServices.ts'

let database: TestDatabase
let dataDir: string
beforeAll(async () => {
  database = await makeDatabase()
  dataDir = await mkdtemp(join(tmpdir(), 'plinth-mail-'))
})
afterAll(async () => {
  await database.drop()
  await rm(dataDir, { recursive: true, force: true })
})

const log = makeLog({ logLevel: 'silent' }, false)
const mailFrom = 'Plinth <plinth@example.com>'

async function working(mailer: Mailer, during: () => Promise<void>): Promise<void> {
  const worker = await startWorker({
    ownerUrl: database.ownerUrl,
    mailer,
    config: workerConfig,
    log,
  })
  try {
    await during()
  } finally {
    await worker.close()
    mailer.close()
  }
}

const signUp = (email: string, name: string) =>
  withConnection(database.ownerUrl, (client) =>
    client.query('select app_public.sign_up($1, $2, $3)', [
      email,
      name,
      '$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
    ]),
  )

const jobsLeft = async () => {
  const { rows } = await withConnection(database.ownerUrl, (client) =>
    client.query<{ locked_by: string | null }>('select locked_by from graphile_worker.jobs'),
  )
  return rows
}

const mailsIn = async (folder: string) =>
  (await readdir(folder)).filter((file) => file.endsWith('.eml')).sort()

const openMail = async (name: string) =>
  // Undoes quoted-printable as far as these mails use it.
  (await readFile(join(mailboxFolder({ dataDir }), name), 'utf8')).replaceAll('=\r\n', '')

describe('the local mailbox', () => {
  test('a newcomer finds a code in it, then a welcome, and of a second sign-up a notice', async () => {
    await working(makeMailer({ smtpUrl: null, mailFrom, dataDir }), async () => {
      const arrived = (count: number) =>
        eventually(async () => expect(await mailsIn(mailboxFolder({ dataDir }))).toHaveLength(count))
      await signUp('zoe@example.com', 'Zoe')
      await arrived(1)
      await withConnection(database.ownerUrl, (client) =>
        client.query(`select app_private.make_person('Zoe', 'zoe@example.com')`),
      )
      await arrived(2)
      await signUp('zoe@example.com', 'Somebody else')
      await arrived(3)
    })

    const [code, welcome, notice] = await Promise.all(
      (await mailsIn(mailboxFolder({ dataDir }))).map(openMail),
    )
    expect(code).toMatch(/Subject: Your code to join Plinth\r\n[^]*\r\n {4}\w{4}-\w{4}\r\n/)
    expect(code).not.toContain('Zoe')
    expect(welcome).toMatch(
      /^From: Plinth <plinth@example.com>\r\nTo: zoe@example.com\r\nSubject: Welcome to Plinth\r\n/m,
    )
    expect(welcome).toContain('Hello Zoe,')
    expect(notice).toContain('Subject: You already have a Plinth account')
    expect(notice).toContain('Hello Zoe,')
    expect(await jobsLeft()).toEqual([])
  })

  test('a sign-up that is rolled back sends nothing', async () => {
    await withConnection(database.ownerUrl, async (client) => {
      await client.query('begin')
      await client.query(`select graphile_worker.add_job('person__send_welcome', '{}')`)
      await client.query('rollback')
    })

    expect(await jobsLeft()).toEqual([])
  })
})

/** Has a mail server listen; the port that it got. */
const portOf = (server: SMTPServer): Promise<number> =>
  new Promise((resolve) => {
    const listening = server.listen(0, '127.0.0.1', () => {
      resolve((listening.address() as AddressInfo).port)
    })
  })

describe('a mail server', () => {
  test('gets the code of somebody who signs up', async () => {
    const received: { to: string[]; text: string }[] = []
    const server = new SMTPServer({
      authOptional: true,
      disabledCommands: ['STARTTLS'],
      onData(stream, session, done) {
        const chunks: Buffer[] = []
        stream.on('data', (chunk: Buffer) => chunks.push(chunk))
        stream.on('end', () => {
          received.push({
            to: session.envelope.rcptTo.map(({ address }) => address),
            text: Buffer.concat(chunks).toString(),
          })
          done()
        })
      },
    })
    const port = await portOf(server)

    try {
      await working(makeMailer({ smtpUrl: `smtp://127.0.0.1:${port}`, mailFrom, dataDir }), async () => {
        await signUp('sam@example.com', 'Sam')
        await eventually(() => expect(received).toHaveLength(1))
      })
    } finally {
      await new Promise<void>((resolve) => server.close(resolve))
    }

    expect(received[0]!.to).toEqual(['sam@example.com'])
    expect(received[0]!.text).toContain('Subject: Your code to join Plinth\r\n')
    expect(received[0]!.text).toContain('Auto-Submitted: auto-generated\r\n')
    expect(received[0]!.text).toContain('Content-Type: text/html; charset=utf-8')
  })

  test('that refuses an address is heard, and the address is not written down', async () => {
    const server = new SMTPServer({
      authOptional: true,
      disabledCommands: ['STARTTLS'],
      onRcptTo: ({ address }, _session, done) =>
        done(new Error(`No <${address}> here: ${address.toUpperCase()}`)),
    })
    const port = await portOf(server)
    const mailer = makeMailer({ smtpUrl: `smtp://127.0.0.1:${port}`, mailFrom, dataDir })

    const error: unknown = await mailer
      .send({ to: 'sam@example.com', subject: 'Hello', text: 'K7QF-2MXD', html: '' })
      .catch((error: unknown) => error)
    mailer.close()
    await new Promise<void>((resolve) => server.close(resolve))

    expect((error as Error).message).toMatch(/^The mail was not taken: .*550 No <…> here: …$/)
    expect(inspect(error)).not.toMatch(/sam@example.com|K7QF/i)
  })

  test('that is down keeps the job for later', async () => {
    await working(makeMailer({ smtpUrl: 'smtp://127.0.0.1:1', mailFrom, dataDir }), async () => {
      await signUp('later@example.com', 'Lee')
      await eventually(async () => {
        const { rows } = await withConnection(database.ownerUrl, (client) =>
          client.query('select attempts, last_error is not null as has_failed from graphile_worker.jobs'),
        )
        expect(rows).toEqual([{ attempts: 1, has_failed: true }])
      })
    })

    expect(await jobsLeft()).toEqual([{ locked_by: null }])
  })
})
