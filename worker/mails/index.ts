const code = 'K7QF-2MXD'
const name = 'Ada Park'
const organization = 'Atelier Nord'
const at = new Date('2026-03-09T16:05:00Z')

/** A value that there may not be, such as a link where PUBLIC_URL is not set; templates have a section for both. */
const perhaps = <T>(value: T): T | null => value
const link = perhaps('https://app.example.com/here#and-what-is-secret')

/**
 * Every mail by the name of its template, with values to show it with. They also say what a task has to give: no
 * value less, none more, and of the same types. Except for invitations and guest passes, mails to an address that nobody has proven to
 * be theirs hold nothing that somebody typed, so that nobody can send strangers words of their own choice.
 */
export const samples = {
  'account-deleted': { name },
  'add-address-code': { code, link, minutes: 15 },
  'address-in-use': { name },
  'already-registered': { name, link },
  'delete-organization-code': { name, organization, code, link, minutes: 15, days: 14 },
  'device-alert': {
    name,
    device: 'Front door controller',
    office: 'Main',
    organization,
    lastSeenAt: perhaps(at),
    link,
  },
  'export-ready': { name, link, days: 7 },
  'guest-pass': {
    guest: 'Sam Rivers',
    host: name,
    organization,
    office: 'Main',
    doors: 'Front door, Studio',
    window: 'Tuesday, 10 March 2026, 09:00 to 17:00',
    timeZone: 'Europe/Berlin',
    uses: 5,
    page: 'https://office.example.com/pass/n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg',
  },
  'guest-pass-revoked': {
    guest: 'Sam Rivers',
    organization,
    office: 'Main',
    window: 'Tuesday, 10 March 2026, 09:00 to 17:00',
    timeZone: 'Europe/Berlin',
  },
  invitation: {
    inviter: name,
    organization,
    role: 'member',
    token: 'n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg',
    link,
    days: 14,
  },
  'organization-deletion': { name, organization, by: 'Kim Lee', deletesAt: at, link },
  'reset-password-code': { name, code, link, minutes: 15 },
  'reset-password-unknown': { link },
  'security-notice': {
    name,
    what: 'Your password was changed',
    at,
    client: perhaps('Firefox on Linux'),
    network: perhaps('203.0.113.0/24'),
    link,
  },
  'sign-in-code': { name, code, link, minutes: 15 },
  'sign-in-unknown': { link },
  'sign-up-code': { code, minutes: 15 },
  welcome: { name, link },
}

/** What each mail says with; a Date is written in UTC. */
export type MailValues = typeof samples

/** The name of a mail: of its file, without `.md`. */
export type MailName = keyof MailValues

/** The names of all mails. */
export const mailNames = Object.keys(samples) as MailName[]
