import type { ClientBase } from 'pg'

/** Whom to write to. */
export type Recipient = { name: string; address: string }

/** Name and primary address of a person, or null when the person is gone. */
export async function recipientOf(client: ClientBase, personId: string): Promise<Recipient | null> {
  const { rows } = await client.query<Recipient>(
    `select people.name, email_addresses.address
     from app_public.people
     join app_public.email_addresses on email_addresses.person_id = people.id and email_addresses.is_primary
     where people.id = $1`,
    [personId],
  )
  return rows[0] ?? null
}
