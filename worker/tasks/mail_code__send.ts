import { hash, randomInt } from 'node:crypto'
import type { Task } from 'graphile-worker'
import type { ClientBase } from 'pg'
import { z } from 'zod'
import type { TaskServices } from './index.ts'

const payloadShape = z.object({ id: z.uuid() })

/**
 * Mails what somebody asked for: a code, made here and stored as a hash, or where there is nothing to give
 * one for, a mail that says so. A repeated run makes another code; the latest mail is the one that counts.
 */
export const mail_code__send =
  (services: TaskServices): Task =>
  async (payload, { withPgClient }) => {
    const { id } = payloadShape.parse(payload)
    const asked = await withPgClient((client) => readAsked(client, id))
    if (!asked) return services.log.info({ id }, 'no code: it was not asked for, or too long ago')

    const giveCode = async () => {
      const code = makeCode()
      await withPgClient((client) =>
        client.query('update app_private.mail_codes set code_hash = $2 where id = $1', [
          id,
          hash('sha256', `${id}${code.replace('-', '')}`, 'buffer'),
        ]),
      )
      return {
        code,
        link: services.link(asked.purpose.replaceAll('_', '-'), `${id}.${code}`),
        minutes: asked.minutes,
      }
    }
    await send[asked.purpose](asked, giveCode, services)
  }

/** What was asked for, and whose the address is by now: `name` is null where it is nobody's. */
type Asked = {
  purpose: 'sign_up' | 'sign_in' | 'add_address' | 'reset_password' | 'delete_organization'
  address: string
  name: string | null
  organization: string | null
  minutes: number
}

async function readAsked(client: ClientBase, id: string): Promise<Asked | undefined> {
  const { rows } = await client.query<Asked>(
    `select mail_codes.purpose, mail_codes.address, people.name, organizations.name as organization,
       ceil(extract(epoch from mail_codes.expires_at - now()) / 60)::integer as minutes
     from app_private.mail_codes
     left join app_public.email_addresses on email_addresses.address = mail_codes.address
     left join app_public.people on people.id = email_addresses.person_id
     left join app_public.organizations on organizations.id = mail_codes.organization_id
     where mail_codes.id = $1 and mail_codes.expires_at > now()`,
    [id],
  )
  return rows[0]
}

type Send = (
  asked: Asked,
  giveCode: () => Promise<{ code: string; link: string | null; minutes: number }>,
  services: TaskServices,
) => Promise<void>

const send: Record<Asked['purpose'], Send> = {
  // Without a link, which would name the request: whoever pressed on it would get an account with the password of
  // whoever asked for one in their name. A code alone is of use only to those who have asked themselves.
  async sign_up({ address, name }, giveCode, { mail, link }) {
    if (name === null) {
      const { code, minutes } = await giveCode()
      return mail('sign-up-code', address, { code, minutes })
    }
    return mail('already-registered', address, { name, link: link('') })
  },
  async sign_in({ address, name }, giveCode, { mail, link }) {
    if (name === null) return mail('sign-in-unknown', address, { link: link('') })
    return mail('sign-in-code', address, { name, ...(await giveCode()) })
  },
  async add_address({ address, name }, giveCode, { mail }) {
    if (name === null) return mail('add-address-code', address, await giveCode())
    return mail('address-in-use', address, { name })
  },
  async reset_password({ address, name }, giveCode, { mail, link }) {
    if (name === null) return mail('reset-password-unknown', address, { link: link('') })
    return mail('reset-password-code', address, { name, ...(await giveCode()) })
  },
  async delete_organization({ address, name, organization }, giveCode, { mail }) {
    if (name === null || organization === null) return
    return mail('delete-organization-code', address, { name, organization, days: 14, ...(await giveCode()) })
  },
}

// Without what is taken for something else when it is read: 0 and O, 1, I and L, U and V.
const alphabet = '23456789ABCDEFGHJKMNPQRSTVWXYZ'

/** Eight characters out of thirty, 39 bits of chance: few enough to type, too many for five guesses. */
function makeCode(): string {
  const letters = Array.from({ length: 8 }, () => alphabet[randomInt(alphabet.length)]).join('')
  return `${letters.slice(0, 4)}-${letters.slice(4)}`
}
