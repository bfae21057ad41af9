import type { ClientBase } from 'pg'
import type { Attachment, Mailer } from '../src/mailer.ts'
import { makeVisitFile } from './calendar.ts'

/** A pass with what its mails say. */
export type GuestPass = {
  id: string
  address: string
  /** Null once the host has left. */
  host: string | null
  guest: string
  organization: string
  office: string
  doors: string
  window: string
  timeZone: string
  uses: number
  startsAt: Date
  endsAt: Date
  isRevoked: boolean
  /** Whether a mail about it may have reached the guest. */
  isKnown: boolean
}

/** Reads a pass that is not over; null when it is, or is gone. */
export async function readGuestPass(client: ClientBase, id: string): Promise<GuestPass | null> {
  const { rows } = await client.query<GuestPass>(
    `select passes.id, passes.guest_email as address, people.name as host, passes.guest_name as guest,
       organizations.name as organization, offices.name as office,
       (
         select string_agg(doors.name, ', ' order by doors.name)
         from app_public.guest_pass_doors join app_public.doors on doors.id = guest_pass_doors.door_id
         where guest_pass_doors.pass_id = passes.id
       ) as doors,
       app_private.window_text(passes.starts_at, passes.ends_at, offices.time_zone) as window,
       replace(offices.time_zone, '_', ' ') as "timeZone", passes.uses,
       passes.starts_at as "startsAt", passes.ends_at as "endsAt", passes.revoked_at is not null as "isRevoked",
       passes.sent_at is not null or guest_pass_tokens.hash is not null as "isKnown"
     from app_public.guest_passes as passes
     join app_public.organizations on organizations.id = passes.organization_id
     join app_public.offices on offices.id = passes.office_id
     left join app_public.people on people.id = passes.host_id
     left join app_private.guest_pass_tokens on guest_pass_tokens.pass_id = passes.id
     where passes.id = $1 and passes.ends_at > now()`,
    [id],
  )
  return rows[0] ?? null
}

/** The file with which a guest puts the visit into a calendar, or takes it out again. */
export function visitFileOf(pass: GuestPass, sender: Mailer['sender'], isCancelled = false): Attachment {
  const { id, startsAt, endsAt, host, organization, office, doors } = pass
  const visit = {
    ...{ id, startsAt, endsAt },
    host: host ?? organization,
    summary: `Visit to ${organization}`,
    location: `${office}, ${organization}`,
    description: `You can open: ${doors}. The link is in the mail that you got with it.`,
  }
  return makeVisitFile(visit, sender, isCancelled)
}
