import ical, { ICalCalendarMethod, ICalEventStatus } from 'ical-generator'
import type { Attachment, Mailer } from '../src/mailer.ts'
import { wordsOf } from './mailTemplates.ts'

/** A visit, as calendars show it. */
export type Visit = {
  /** The same for as long as it is the same visit, so that a later file changes what an earlier one has put there. */
  id: string
  startsAt: Date
  endsAt: Date
  summary: string
  location: string
  description: string
  /** Whom the guest visits; the address is that of the mail. */
  host: string
}

/**
 * A visit as an iCalendar file (RFC 5545, 5546), or that it is called off. Published, not requested: nobody waits for
 * an answer, and mail programs offer it as something to keep. Times are UTC, which every calendar shows as its own.
 * No link is in it: calendars are shared, and the link lets in.
 */
export function makeVisitFile(visit: Visit, sender: Mailer['sender'], isCancelled = false): Attachment {
  const method = isCancelled ? ICalCalendarMethod.CANCEL : ICalCalendarMethod.PUBLISH
  const domain = sender.address.slice(sender.address.lastIndexOf('@') + 1)
  const calendar = ical({ method, prodId: { company: 'Plinth', product: 'Guests', language: 'EN' } })
  calendar.createEvent({
    id: `${visit.id}@${domain}`,
    sequence: isCancelled ? 1 : 0,
    status: isCancelled ? ICalEventStatus.CANCELLED : ICalEventStatus.CONFIRMED,
    start: visit.startsAt,
    end: visit.endsAt,
    summary: wordsOf(visit.summary),
    location: wordsOf(visit.location),
    description: wordsOf(visit.description),
    organizer: { name: wordsOf(visit.host), email: sender.address },
  })
  return {
    name: isCancelled ? 'cancelled.ics' : 'visit.ics',
    contentType: `text/calendar; charset=utf-8; method=${method}`,
    content: calendar.toString(),
  }
}
