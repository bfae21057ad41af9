import type { Attachment, Mailer } from '../src/mailer.ts'
import { loadMails } from './mailTemplates.ts'
import type { MailName, MailValues } from './mails/index.ts'

/** What a mail has beside its words. */
export type MailOptions = {
  /**
   * What tells this mail from all others of its template to the same address: the id of a row, or of the job. A job
   * that runs twice then sends the same mail twice, which mail programs show once. None where a second run writes
   * something else, such as a new code.
   */
  key?: string
  attachments?: readonly Attachment[]
}

/** How tasks write to people. */
export type MailServices = {
  /** Sends the mail of a template to one address; resolves when the mail server, or the mailbox folder, has it. */
  mail<Name extends MailName>(
    name: Name,
    to: string,
    values: MailValues[Name],
    options?: MailOptions,
  ): Promise<void>
  /**
   * An address in the front end, `<PUBLIC_URL>/<path>#<fragment>`, or null without PUBLIC_URL. What is secret belongs
   * into the fragment, which browsers do not send on.
   */
  link(path: string, fragment?: string): string | null
  /** The address of a page that this server has, `<SERVER_URL>/<name>/<token>`. */
  page(name: string, token: string): string
  /** Who mails come from. */
  sender: Mailer['sender']
}

/** Reads the templates, and sends what is made of them. */
export function makeMailServices(
  mailer: Mailer,
  { publicUrl, serverUrl }: { publicUrl: string | null; serverUrl: string },
): MailServices {
  const render = loadMails({ product: mailer.sender.name, publicUrl })
  return {
    async mail(name, to, values, { key, attachments } = {}) {
      const id = key === undefined ? {} : { key: `${name} ${key}` }
      await mailer.send({ to, ...render(name, values), attachments, ...id })
    },
    link(path, fragment) {
      if (publicUrl === null) return null
      const url = new URL(`${publicUrl.replace(/\/+$/, '')}/${path}`)
      url.hash = fragment ?? ''
      return url.href
    },
    page: (name, token) => `${serverUrl}/${name}/${token}`,
    sender: mailer.sender,
  }
}
