import { hash } from 'node:crypto'
import { beforeEach, describe, expect, test } from '@jest/globals'
import { makeVisitFile } from '../../worker/calendar.ts'
import { useConnections } from '../support/connections.ts'
import { makePass } from '../support/guests.ts'
import { makeStudio, type Studio } from '../support/people.ts'
import { deliver, type Posted } from '../support/post.ts'

const { database, owner } = useConnections(0)
let studio: Studio
beforeEach(async () => {
  await owner('delete from app_public.organizations')
  await owner('delete from app_public.people')
  studio = await makeStudio(owner)
  await owner(`update app_public.offices set time_zone = 'America/New_York'`)
  await deliver(database())
})

const send = async (id: string) => {
  await owner(
    `select graphile_worker.add_job('guest_pass__send', json_build_object('id', $1::uuid), max_attempts := 1)`,
    [id],
  )
  return deliver(database())
}
const revoke = async (id: string) => {
  await owner('update app_public.guest_passes set revoked_at = now() where id = $1', [id])
  return deliver(database())
}
const read = async (id: string) =>
  (
    await owner(
      `select passes.sent_at, encode(tokens.hash, 'hex') as hash
       from app_public.guest_passes as passes
       left join app_private.guest_pass_tokens as tokens on tokens.pass_id = passes.id where passes.id = $1`,
      [id],
    )
  )[0]!
const tokenOf = ({ values }: Posted) =>
  /^https:\/\/office\.example\.com\/pass\/([\w-]{43})$/.exec(values.page as string)![1]!
/** The lines of a calendar file, unfolded. */
const linesOf = ({ attachments }: Posted) =>
  String(attachments![0]!.content)
    .replace(/\r\n[ \t]/g, '')
    .split('\r\n')

describe('guest_pass__send', () => {
  test('mails the link, when and where it lets in on the clocks there, and a file for calendars', async () => {
    const { id } = await makePass(owner, studio, { guest_name: 'Gus', uses: 2 })
    await owner(
      `update app_public.guest_passes set starts_at = '2099-07-01 13:00Z', ends_at = '2099-07-01 21:30Z' where id = $1`,
      [id],
    )

    const [mail, ...others] = await send(id)

    expect(others).toEqual([])
    expect(mail).toMatchObject({
      name: 'guest-pass',
      to: 'gus@example.org',
      values: {
        ...{ guest: 'Gus', host: 'Marc', organization: 'Studio', office: 'Main', doors: 'Front', uses: 2 },
        window: 'Wednesday, 1 July 2099,\n09:00 to 17:30',
        timeZone: 'America/New York',
      },
    })
    expect(mail!.attachments).toEqual([
      {
        name: 'visit.ics',
        contentType: 'text/calendar; charset=utf-8; method=PUBLISH',
        content: expect.any(String),
      },
    ])
    expect(linesOf(mail!)).toEqual(
      expect.arrayContaining([
        ...['METHOD:PUBLISH', `UID:${id}@example.com`, 'SEQUENCE:0', 'STATUS:CONFIRMED'],
        ...['DTSTART:20990701T130000Z', 'DTEND:20990701T213000Z'],
        ...['SUMMARY:Visit to Studio', 'LOCATION:Main\\, Studio'],
        expect.stringMatching(/^ORGANIZER;CN="Marc":mailto:plinth@example\.com$/i),
      ]),
    )
  })

  test('a night, and days apart, are written with both days', async () => {
    const { id } = await makePass(owner, studio)
    await owner(
      `update app_public.guest_passes set starts_at = '2099-07-02 02:00Z', ends_at = '2099-07-02 10:00Z' where id = $1`,
      [id],
    )

    const [mail] = await send(id)

    expect(mail!.values.window).toBe('Wednesday, 1 July 2099, 22:00 to\nThursday, 2 July 2099, 06:00')
  })

  test('keeps of the link a hash alone; it is in no job, no row and no calendar', async () => {
    const { id } = await makePass(owner, studio)

    const [mail] = await send(id)

    const token = tokenOf(mail!)
    expect(await read(id)).toEqual({ sent_at: expect.any(Date), hash: hash('sha256', token) })
    expect(linesOf(mail!).join('\n')).not.toContain(token)
    expect(
      await owner('select from app_public.guest_passes as t where position($1 in t::text) > 0', [token]),
    ).toEqual([])
    expect(
      await owner('select from graphile_worker._private_jobs as t where position($1 in t::text) > 0', [
        token,
      ]),
    ).toEqual([])
  })

  test('run twice, the newest mail is the one that works', async () => {
    const { id } = await makePass(owner, studio)

    const [first] = await send(id)
    const [second] = await send(id)

    expect(tokenOf(second!)).not.toBe(tokenOf(first!))
    expect((await read(id)).hash).toBe(hash('sha256', tokenOf(second!)))
  })

  test.each([
    ['revoked', { revoked_at: '2026-01-01' }],
    ['of a host who left', { host_id: null, revoked_at: '2026-01-01' }],
    ['over', { starts_at: '-2 hours', ends_at: '-1 second' }],
  ])('sends none that is %s, and is done', async (_, columns) => {
    const { id } = await makePass(owner, studio, columns)

    expect(await send(id)).toEqual([])
    expect(await owner('select from graphile_worker.jobs')).toEqual([])
  })

  test('is done when the pass is gone', async () => {
    expect(await send(crypto.randomUUID())).toEqual([])
    expect(await owner('select from graphile_worker.jobs')).toEqual([])
  })
})

describe('guest_pass__send_cancellation', () => {
  test('tells a guest who has the link, and takes the visit out of the calendar', async () => {
    const { id } = await makePass(owner, studio)
    await send(id)

    const [mail, ...others] = await revoke(id)

    expect(others).toEqual([])
    expect(mail).toMatchObject({
      name: 'guest-pass-revoked',
      to: 'gus@example.org',
      values: { guest: 'Gus' },
    })
    expect(mail!.attachments![0]!.contentType).toBe('text/calendar; charset=utf-8; method=CANCEL')
    expect(linesOf(mail!)).toEqual(
      expect.arrayContaining(['METHOD:CANCEL', `UID:${id}@example.com`, 'SEQUENCE:1', 'STATUS:CANCELLED']),
    )
  })

  test('is sent too when the host leaves, and names none', async () => {
    const { id } = await makePass(owner, studio)
    await send(id)
    await owner('delete from app_public.memberships where person_id = $1', [studio.manager])

    const [mail] = await deliver(database())

    expect(mail).toMatchObject({ name: 'guest-pass-revoked' })
    expect(JSON.stringify(mail)).not.toContain('Marc')
  })

  test('does not trouble a guest who never had the link, or whose time is over', async () => {
    const unsent = await makePass(owner, studio)
    await owner('delete from app_private.guest_pass_tokens')
    const past = await makePass(owner, studio, { starts_at: '-2 hours', ends_at: '-1 second' })

    expect([await revoke(unsent.id), await revoke(past.id)]).toEqual([[], []])
    expect(await owner('select from graphile_worker.jobs')).toEqual([])
  })
})

describe('the file for calendars', () => {
  const lines = (words: string) => {
    const visit = {
      ...{ id: 'an-id', startsAt: new Date('2026-03-29T00:30Z'), endsAt: new Date('2026-03-29T01:30Z') },
      ...{ summary: words, location: words, description: words, host: words },
    }
    const { content } = makeVisitFile(visit, { name: 'Plinth', address: 'plinth@example.com' })
    return String(content)
      .replace(/\r\n[ \t]/g, '')
      .split(/\r\n|\r|\n/)
  }
  const namesOf = (all: string[]) => all.map((line) => /^[A-Z-]+/.exec(line)?.[0] ?? line)

  test.each([
    'Eve\r\nATTENDEE:mailto:eve@evil.example',
    'Eve\nEND:VEVENT\nBEGIN:VALARM',
    'Eve\u2028X:1\u0085Y:1\u000bZ:1',
    'a;b,c\\n:d',
    'Eve";X="1":mailto:eve@evil.example,"',
    'Zoë 李小龍 👩‍💻 '.repeat(12),
  ])('holds somebody called %j to words', (hostile) => {
    expect(namesOf(lines(hostile))).toEqual(namesOf(lines('Plain')))
    const organizer = lines(hostile).find((line) => line.startsWith('ORGANIZER'))!
    expect(organizer).toMatch(/^ORGANIZER;CN="[^"]*":mailto:plinth@example\.com$/i)
  })

  test('has lines of at most 75 bytes, and times in UTC whatever the clocks do', () => {
    const visit = { id: 'x', startsAt: new Date('2026-03-29T00:30Z'), endsAt: new Date('2026-03-29T01:30Z') }
    const words = 'Zoë O’Neill-Łukasz 李小龍 '.repeat(9)
    const { content } = makeVisitFile(
      { ...visit, summary: words, location: words, description: words, host: words },
      { name: 'Plinth', address: 'plinth@example.com' },
    )

    const folded = String(content).split('\r\n')
    expect(Math.max(...folded.map((line) => Buffer.byteLength(line)))).toBeLessThanOrEqual(75)
    expect(folded).toEqual(expect.arrayContaining(['DTSTART:20260329T003000Z', 'DTEND:20260329T013000Z']))
  })
})
