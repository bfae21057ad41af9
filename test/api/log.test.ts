import { beforeAll, describe, expect, test } from '@jest/globals'
import { deliver } from '../support/post.ts'
import { useLiveStudio } from '../support/realtime.ts'

const { run, studio, listenAs, signIn, api, database } = useLiveStudio()

/** A second office of the same organization, and its door. */
let annex: { officeId: string; doorId: string }
const tokens: Record<string, string> = {}
beforeAll(async () => {
  const { organizationId } = studio()
  const [office] = await run(
    `insert into app_public.offices (organization_id, name) values ($1, 'Annex') returning id`,
    [organizationId],
  )
  const [door] = await run(
    `insert into app_public.doors (organization_id, office_id, name) values ($1, $2, 'Back') returning id`,
    [organizationId, office!.id],
  )
  annex = { officeId: office!.id as string, doorId: door!.id as string }
  // A decision an hour, in turns by either, through either door; every third is a denial. Reasons are their numbers.
  await run(
    `insert into app_public.door_decisions (organization_id, door_id, person_id, is_allowed, reason, decided_at)
     select $1, case when n % 2 = 0 then $2::uuid else $3 end, case when n % 4 < 2 then $4::uuid else $5 end,
       n % 3 <> 0, n, timestamptz '2026-01-31 12:00Z' + n * interval '1 hour'
     from generate_series(1, 24) as n`,
    [organizationId, studio().doorId, annex.doorId, studio().member, studio().manager],
  )
  for (const who of ['owner', 'manager', 'member', 'stranger'] as const)
    tokens[who] = await signIn(studio()[who])
})

const ask = async (who: string, query: string, variables: Record<string, unknown> = {}) => {
  const { data, errors } = await api().ask(query, { token: tokens[who]!, variables })
  if (!data) throw new Error(JSON.stringify(errors))
  return data
}
const log = `query ($filter: DoorDecisionFilter, $first: Int = 100, $after: Cursor) {
  doorDecisions(filter: $filter, first: $first, after: $after, orderBy: DECIDED_AT_DESC) {
    nodes { reason } pageInfo { endCursor hasNextPage } totalCount
  }
}`
type Page = { nodes: { reason: string }[]; pageInfo: { endCursor: string; hasNextPage: boolean } }
const pageOf = async (who: string, variables: Record<string, unknown> = {}) =>
  (await ask(who, log, variables)).doorDecisions as Page
const seenBy = async (who: string, filter: Record<string, unknown> = {}) =>
  (await pageOf(who, { filter })).nodes.map(({ reason }) => Number(reason))
const numbers = (holds: (n: number) => boolean) =>
  Array.from({ length: 24 }, (_, index) => 24 - index).filter(holds)

describe('doorDecisions', () => {
  test('managers see those of all their organization, a member their own, a stranger none', async () => {
    expect(await seenBy('owner')).toEqual(numbers(() => true))
    expect(await seenBy('manager')).toEqual(numbers(() => true))
    expect(await seenBy('member')).toEqual(numbers((n) => n % 4 < 2))
    expect(await seenBy('stranger')).toEqual([])
  })

  test.each<[string, () => Record<string, unknown>, (n: number) => boolean]>([
    ['of a door', () => ({ doorId: { equalTo: annex.doorId } }), (n) => n % 2 === 1],
    ['of an office', () => ({ door: { officeId: { equalTo: annex.officeId } } }), (n) => n % 2 === 1],
    ['of a person', () => ({ personId: { equalTo: studio().member } }), (n) => n % 4 < 2],
    ['that were denials', () => ({ isAllowed: { equalTo: false } }), (n) => n % 3 === 0],
    [
      'from a moment on until before another, of two months',
      () => ({
        decidedAt: { greaterThanOrEqualTo: '2026-01-31T23:00:00Z', lessThan: '2026-02-01T01:00:00Z' },
      }),
      (n) => n === 11 || n === 12,
    ],
    [
      'that were denials at a door by a person',
      () => ({
        doorId: { equalTo: studio().doorId },
        personId: { equalTo: studio().manager },
        isAllowed: { equalTo: false },
      }),
      (n) => n % 2 === 0 && n % 4 >= 2 && n % 3 === 0,
    ],
    [
      'of somebody else’s organization',
      () => ({ organizationId: { equalTo: studio().strangerOrganizationId } }),
      () => false,
    ],
  ])('can be asked for those %s', async (_, filter, holds) => {
    expect(await seenBy('manager', filter())).toEqual(numbers(holds))
    expect(await seenBy('member', filter())).toEqual(numbers((n) => holds(n) && n % 4 < 2))
  })

  test('one is found by its id, by who may see it', async () => {
    const [row] = await run('select id from app_public.door_decisions where reason = $1', ['2'])
    const find = async (who: string) =>
      (await ask(who, 'query ($id: UUID!) { doorDecision(id: $id) { reason } }', { id: row!.id }))
        .doorDecision as unknown

    expect(await find('manager')).toEqual({ reason: '2' })
    expect(await find('member')).toBeNull()
    expect(await find('stranger')).toBeNull()
  })
})

describe('pages of doorDecisions', () => {
  beforeAll(async () => {
    await run(
      `insert into app_public.door_decisions (organization_id, door_id, person_id, is_allowed, reason, decided_at)
       select $1, $2, $3, true, n, '2026-05-01Z' from generate_series(101, 112) as n`,
      [studio().organizationId, studio().doorId, studio().owner],
    )
  })

  test.each([1, 5, 24])('has each once in pages of %d, newest first, also of one moment', async (first) => {
    const filter = { decidedAt: { lessThan: '2026-06-01T00:00:00Z' } }
    const whole = (await pageOf('manager', { filter })).nodes

    const seen: unknown[] = []
    for (let after: string | null = null; ;) {
      const { nodes, pageInfo }: Page = await pageOf('manager', { filter, first, after })
      seen.push(...nodes)
      if (!pageInfo.hasNextPage) break
      after = pageInfo.endCursor
    }

    expect(seen).toEqual(whole)
    expect(new Set(whole.slice(0, -24).map(({ reason }) => reason)).size).toBe(12)
  })
})

const request = `mutation ($officeId: UUID!, $since: Datetime, $until: Datetime, $doorId: UUID) {
  requestLogExport(input: { officeId: $officeId, since: $since, until: $until, doorId: $doorId }) {
    result { id state rowsWritten rowsTotal }
  }
}`
const read = `query ($id: UUID!) {
  logExport(id: $id) { state rowsWritten rowsTotal parts { nodes { number content } } }
}`
const ordered = async (variables: Record<string, unknown> = {}) =>
  (await ask('manager', request, { officeId: studio().officeId, ...variables })).requestLogExport.result
    .id as string
const written = () => deliver(database())

describe('requestLogExport', () => {
  test('a manager gets what they asked for, once it is written', async () => {
    const id = await ordered({ since: '2026-01-31T12:00:00Z', until: '2026-01-31T19:00:00Z' })
    expect((await ask('manager', read, { id })).logExport).toEqual({
      state: 'pending',
      rowsWritten: 0,
      rowsTotal: null,
      parts: { nodes: [] },
    })

    await written()

    const { logExport } = await ask('manager', read, { id })
    expect(logExport).toMatchObject({ state: 'finished', rowsWritten: 3, rowsTotal: 3 })
    const [part] = logExport.parts.nodes as { content: string }[]
    expect(
      part!.content
        .split('\r\n')
        .slice(1, -1)
        .map((line) => line.split(',')[8]),
    ).toEqual(['2', '4', '6'])
  })

  test('who watches is told until it is finished', async () => {
    const watcher = await listenAs(
      studio().owner,
      'subscription { logExportChanged { event logExport { state } } }',
    )
    await watcher.until(1)

    await ordered()
    await written()

    const events = await watcher.until(4)
    expect(events.map(({ event }) => event as unknown)).toEqual(['STARTED', 'INSERTED', 'UPDATED', 'UPDATED'])
    expect(events.at(-1)).toMatchObject({ logExport: { state: 'finished' } })
  })

  test('a member and a stranger do not get one, nor read one', async () => {
    const id = await ordered()
    await written()

    for (const who of ['member', 'stranger']) {
      const refused = await api().ask(request, {
        token: tokens[who]!,
        variables: { officeId: studio().officeId },
      })
      expect(refused.errors).toEqual([
        expect.objectContaining({
          extensions: expect.objectContaining({ code: 'NOT_FOUND', arguments: [['input', 'officeId']] }),
        }),
      ])
      expect((await ask(who, read, { id })).logExport).toBeNull()
    }
  })

  test('who is no manager any more when they come for it does not get it; who is one again, does', async () => {
    const id = await ordered()
    await written()
    const setRole = (role: string) =>
      run('update app_public.memberships set role = $1 where person_id = $2', [role, studio().manager])

    await setRole('member')
    expect((await ask('manager', read, { id })).logExport).toBeNull()

    await setRole('manager')
    expect((await ask('manager', read, { id })).logExport).toMatchObject({ state: 'finished' })
  })
})
