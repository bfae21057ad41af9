import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createTransport } from 'nodemailer'
import type { Config } from './config.ts'

/** One mail, to one person. */
export type Mail = { to: string; subject: string; text: string }

export type Mailer = {
  /** Sends a mail; resolves when the mail server, or the mailbox folder, has it. */
  send(mail: Mail): Promise<void>
  close(): void
}

/** Folder of the local mailbox: one .eml file a mail, for any mail program to open. */
export const mailboxFolder = (config: Pick<Config, 'dataDir'>): string => join(config.dataDir, 'mailbox')

/** Sends by SMTP where that is configured, else into the local mailbox. */
export function makeMailer(config: Pick<Config, 'smtpUrl' | 'mailFrom' | 'dataDir'>): Mailer {
  if (config.smtpUrl) {
    const timeouts = { connectionTimeout: 10_000, greetingTimeout: 10_000, socketTimeout: 30_000 }
    const transport = createTransport({ url: config.smtpUrl, ...timeouts }, { from: config.mailFrom })
    return {
      async send(mail) {
        await transport.sendMail(mail)
      },
      close: () => transport.close(),
    }
  }

  const folder = mailboxFolder(config)
  const transport = createTransport({ streamTransport: true, buffer: true }, { from: config.mailFrom })
  return {
    async send(mail) {
      const { message } = await transport.sendMail({ ...mail, textEncoding: 'quoted-printable' })
      await mkdir(folder, { recursive: true, mode: 0o700 })
      // Named by time and renamed into place, so that the newest is last and none is ever half written.
      const name = `${new Date().toISOString().replaceAll(':', '.')}-${Math.random().toString(36).slice(2, 8)}.eml`
      await writeFile(join(folder, `.${name}`), message as Buffer, { mode: 0o600 })
      await rename(join(folder, `.${name}`), join(folder, name))
    },
    close: () => transport.close(),
  }
}
