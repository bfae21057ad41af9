import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { mailboxFolder, makeMailer } from '../../src/mailer.ts'
import { makeMailServices } from '../../worker/mail.ts'

let dataDir: string
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'plinth-mailer-'))
})
afterEach(() => rm(dataDir, { recursive: true, force: true }))

const makeLocal = (mailFrom = 'Plinth <plinth@example.com>', publicUrl: string | null = null) =>
  makeMailServices(makeMailer({ smtpUrl: null, mailFrom, dataDir }), {
    publicUrl,
    serverUrl: 'https://office.example.com',
  })

/** The mails in the mailbox, oldest first: headers by name, unfolded, and all that was written. */
async function mailbox() {
  const folder = mailboxFolder({ dataDir })
  const files = (await readdir(folder)).filter((file) => file.endsWith('.eml')).sort()
  return Promise.all(
    files.map(async (file) => {
      const raw = await readFile(join(folder, file), 'utf8')
      const [head = ''] = raw.split('\r\n\r\n', 1)
      const lines = head.replace(/\r\n[ \t]+/g, ' ').split('\r\n')
      const headers = Object.fromEntries(
        lines.map((line) => /^([^:]+): (.*)$/.exec(line)?.slice(1) ?? [line]),
      )
      return { raw, headers: headers as Record<string, string> }
    }),
  )
}

const invitation = {
  inviter: 'Ada Park',
  organization: 'Atelier Nord',
  role: 'member',
  token: 'f00d',
  link: null,
  days: 14,
}

describe('a mail', () => {
  test('has a text and an HTML form, and says that a program wrote it', async () => {
    await makeLocal().mail('welcome', 'zoe@example.com', { name: 'Zoë', link: null })

    const [{ raw, headers } = { raw: '', headers: {} }] = await mailbox()
    expect(headers).toMatchObject({
      From: 'Plinth <plinth@example.com>',
      To: 'zoe@example.com',
      Subject: 'Welcome to Plinth',
      'Auto-Submitted': 'auto-generated',
      'Content-Type': expect.stringContaining('multipart/alternative'),
    })
    expect(raw.match(/^Content-Type: text\/.*$/gm)).toEqual([
      'Content-Type: text/plain; charset=utf-8',
      'Content-Type: text/html; charset=utf-8',
    ])
  })

  test('can be looked at in a browser, and read by nobody else on the machine', async () => {
    await makeLocal().mail('welcome', 'zoe@example.com', { name: 'Zoë', link: null })

    const folder = mailboxFolder({ dataDir })
    const files = (await readdir(folder)).sort()
    expect(files.map((file) => file.slice(file.lastIndexOf('.')))).toEqual(['.eml', '.html'])
    expect(files[0]!.replace('.eml', '.html')).toBe(files[1])
    expect(await readFile(join(folder, files[1]!), 'utf8')).toContain('Hello Zoë,')
    for (const file of files) expect((await stat(join(folder, file))).mode & 0o077).toBe(0)
  })

  test('that is sent again by the same job is the same mail, and to nobody else', async () => {
    const { mail } = makeLocal()
    const values = { name: 'Zoe', link: null }

    await mail('welcome', 'zoe@example.com', values, { key: '7' })
    await mail('welcome', 'zoe@example.com', values, { key: '7' })
    await mail('welcome', 'zoe@example.com', values, { key: '8' })
    await mail('welcome', 'sam@example.com', values, { key: '7' })
    await mail('already-registered', 'zoe@example.com', values, { key: '7' })
    await mail('welcome', 'zoe@example.com', values)
    await mail('welcome', 'zoe@example.com', values)

    const [first, again, ...others] = (await mailbox()).map(({ headers }) => headers['Message-ID'])
    expect(first).toMatch(/^<[0-9a-f]{32}@example\.com>$/)
    expect(again).toBe(first)
    expect(new Set([first, ...others]).size).toBe(6)
  })

  test('can bring a file', async () => {
    const attachments = [
      { name: 'pass.ics', contentType: 'text/calendar; method=REQUEST', content: 'BEGIN:VCALENDAR' },
    ]

    await makeLocal().mail('welcome', 'zoe@example.com', { name: 'Zoe', link: null }, { attachments })

    const [{ raw } = { raw: '' }] = await mailbox()
    expect(raw).toMatch(/Content-Type: text\/calendar;.*method=REQUEST/)
    expect(raw).toMatch(/Content-Disposition: attachment;\s+filename=pass\.ics/)
  })

  test.each([
    'zoe@example.com, eve@evil.example',
    'zoe@example.com\r\nBcc: eve@evil.example',
    'Zoe <eve@evil.example>',
    '"zoe@example.com"@evil.example',
    'zoe@example.com@evil.example',
    'friends: eve@evil.example;',
    'zoe',
    '',
  ])('is not sent to %j, which is not one address', async (to) => {
    const sending = makeLocal().mail('welcome', to, { name: 'Zoe', link: null })

    await expect(sending).rejects.toThrow('A mail goes to one address')
    await expect(readdir(mailboxFolder({ dataDir }))).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('cannot be given headers by the name of a person', async () => {
    const inviter = 'Eve\r\nBcc: victim@example.com\r\nContent-Type: text/html\r\n\r\n<h1>Hi</h1>'

    await makeLocal().mail('invitation', 'zoe@example.com', { ...invitation, inviter })

    const headers = (await mailbox())[0]?.headers ?? {}
    expect(Object.keys(headers).sort()).toEqual(
      [
        'Auto-Submitted',
        'Content-Type',
        'Date',
        'From',
        'MIME-Version',
        'Message-ID',
        'Subject',
        'To',
      ].sort(),
    )
    expect(headers['Content-Type']).toContain('multipart/alternative')
  })

  test.each([
    ['Plinth <plinth@example.com>', 'Welcome to Plinth'],
    ['"The Office, Ltd" <office@example.com>', 'Welcome to The Office, Ltd'],
    ['office@example.com', 'Welcome to example.com'],
    ['<office@example.com>', 'Welcome to example.com'],
  ])('from %s is signed by that name', async (mailFrom, subject) => {
    await makeLocal(mailFrom).mail('welcome', 'zoe@example.com', { name: 'Zoe', link: null })

    expect((await mailbox())[0]?.headers.Subject).toBe(subject)
  })
})

describe('a link', () => {
  test('leads to the front end, with what is secret behind the #', () => {
    const { link } = makeLocal(undefined, 'https://example.com/app/')

    expect(link('sign-up', 'id=1&code=K7QF-2MXD')).toBe('https://example.com/app/sign-up#id=1&code=K7QF-2MXD')
    expect(link('sign-in')).toBe('https://example.com/app/sign-in')
    expect(link('', 'a b"<c>')).toBe('https://example.com/app/#a%20b%22%3Cc%3E')
  })

  test('is none where nobody said where the front end is', () => {
    expect(makeLocal().link('sign-up', 'id=1')).toBeNull()
  })

  test('leads from the foot of each mail to the front end', async () => {
    await makeLocal(undefined, 'https://example.com/app').mail('address-in-use', 'z@example.com', {
      name: 'Z',
    })

    const [{ raw } = { raw: '' }] = await mailbox()
    expect(raw).toContain('--=20\r\nPlinth\r\nhttps://example.com/app\r\n')
  })
})
