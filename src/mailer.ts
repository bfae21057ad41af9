import { createHash, randomUUID } from 'node:crypto'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createTransport, type SendMailOptions } from 'nodemailer'
import type { Config } from './config.ts'
import { messageOf } from './fault.ts'

/** A file that goes with a mail; `contentType` such as "text/calendar; method=REQUEST". */
export type Attachment = { name: string; contentType: string; content: string | Buffer }

/** One mail, to one person. */
export type Mail = {
  to: string
  subject: string
  text: string
  html: string
  attachments?: readonly Attachment[]
  /** Mails of the same key to the same address have the same Message-ID, so that mail programs show one of them. */
  key?: string
}

export type Mailer = {
  /** Who mails come from: as people are told, and the address. */
  sender: { name: string; address: string }
  /** Sends a mail; resolves when the mail server, or the mailbox folder, has it. */
  send(mail: Mail): Promise<void>
  close(): void
}

/** Folder of the local mailbox: one .eml file a mail, for any mail program, and one .html, for any browser. */
export const mailboxFolder = (config: Pick<Config, 'dataDir'>): string => join(config.dataDir, 'mailbox')

/** Sends by SMTP where that is configured, else into the local mailbox. */
export function makeMailer(config: Pick<Config, 'smtpUrl' | 'mailFrom' | 'dataDir'>): Mailer {
  const sender = senderOf(config.mailFrom)
  if (config.smtpUrl) {
    const timeouts = { connectionTimeout: 10_000, greetingTimeout: 10_000, socketTimeout: 30_000 }
    const transport = createTransport({ url: config.smtpUrl, ...timeouts })
    return {
      sender,
      async send(mail) {
        await transport.sendMail(toMessage(mail, config.mailFrom)).catch((error: unknown) => {
          throw withoutAddress(error)
        })
      },
      close: () => transport.close(),
    }
  }

  const folder = mailboxFolder(config)
  const transport = createTransport({ streamTransport: true, buffer: true, newline: 'windows' })
  return {
    sender,
    async send(mail) {
      const { message } = await transport.sendMail({
        ...toMessage(mail, config.mailFrom),
        textEncoding: 'quoted-printable',
      })
      await mkdir(folder, { recursive: true, mode: 0o700 })
      const name = `${new Date().toISOString().replaceAll(':', '.')}-${randomUUID().slice(0, 6)}`
      await putFile(folder, `${name}.html`, mail.html)
      await putFile(folder, `${name}.eml`, message as Buffer)
    },
    close: () => transport.close(),
  }
}

// Named by time and renamed into place, so that the newest is last and none is ever half written.
async function putFile(folder: string, name: string, content: string | Buffer): Promise<void> {
  await writeFile(join(folder, `.${name}`), content, { mode: 0o600 })
  await rename(join(folder, `.${name}`), join(folder, name))
}

/** "Plinth <office@example.com>" as its parts; an address alone is called by its domain. */
export function senderOf(mailFrom: string): Mailer['sender'] {
  const [, quoted = '', address = mailFrom] = /^(.*)<([^>]+)>$/.exec(mailFrom) ?? []
  const name = quoted.trim().replace(/^"(.*)"$/, '$1')
  return { name: name || address.slice(address.lastIndexOf('@') + 1), address }
}

/**
 * What a mail server says, but for the address, which it likes to repeat: the list of jobs and the log keep errors, and
 * are to say of nobody who they are. Without a cause, which would say it again.
 */
const withoutAddress = (error: unknown): Error =>
  new Error(`The mail was not taken: ${messageOf(error).replace(/[^\s<>"']+@[^\s<>"']+/g, '…')}`)

/** One address and nothing else: what a mail program could read as a name, a list or a header is refused. */
const isAddress = /^[^\s@<>()[\]\\,;:"]+@[^\s@<>()[\]\\,;:"]+$/

function toMessage(mail: Mail, from: string): SendMailOptions {
  const { key, attachments = [], ...words } = mail
  if (!isAddress.test(mail.to)) throw new Error('A mail goes to one address, without a name.')
  return {
    ...words,
    from,
    ...(key === undefined ? {} : { messageId: messageId(`${mail.to} ${key}`, from) }),
    // Out-of-office replies leave such mails alone (RFC 3834).
    headers: { 'Auto-Submitted': 'auto-generated' },
    attachments: attachments.map(({ name, ...rest }) => ({ filename: name, ...rest })),
    disableFileAccess: true,
    disableUrlAccess: true,
  }
}

function messageId(key: string, from: string): string {
  const { address } = senderOf(from)
  const digest = createHash('sha256').update(key).digest('hex').slice(0, 32)
  return `<${digest}${address.slice(address.lastIndexOf('@'))}>`
}
