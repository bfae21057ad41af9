import { beforeEach, describe, expect, test } from '@jest/globals'
import { useTransaction } from '../support/database.ts'
import { makeStudio, type Studio } from '../support/people.ts'
import { everybody, runAs } from './actors.ts'

const as = useTransaction()
let studio: Studio
beforeEach(async () => {
  studio = await makeStudio(as.owner)
  await as.owner('delete from app_public.security_events') // what the studio began with
  await as.owner(`select set_config('plinth.request', $1, true)`, [
    JSON.stringify({ id: 'request-1', address: '203.0.113.7', userAgent: 'curl/8.5.0' }),
  ])
  await as.owner(`select app_private.record_event($1, 'signed_in', $2, 'password')`, [
    studio.member,
    studio.organizationId,
  ])
})

const log = 'select kind, detail, request_id, client, network from app_public.security_events'

describe('app_public.security_events', () => {
  test('a person reads what concerns them, with the request and no more than roughly whence', async () => {
    expect(await as.person(studio.member)(log)).toEqual([
      {
        kind: 'signed_in',
        detail: 'password',
        request_id: 'request-1',
        client: 'curl',
        network: '203.0.113.0/24',
      },
    ])
  })

  test.each(['owner', 'manager', 'stranger'] as const)('the %s reads nothing of it', async (who) => {
    expect(await as.person(studio[who])(log)).toEqual([])
  })

  test('an anonymous caller may not even ask', async () => {
    await expect(as.anonymous(log)).rejects.toMatchObject({ code: '42501' })
  })

  test.each(
    everybody.flatMap((who) =>
      [
        `insert into app_public.security_events (kind) values ('signed_in')`,
        `update app_public.security_events set detail = 'x'`,
        'delete from app_public.security_events',
        `select app_private.record_event(null, 'signed_in')`,
      ].map((statement) => [who, statement] as const),
    ),
  )('the %s may not: %s', async (who, statement) => {
    await expect(runAs(as, studio, who)(statement)).rejects.toMatchObject({ code: '42501' })
  })

  test('not even the database’s owner rewrites a line', async () => {
    const rewriting = as.owner(`update app_public.security_events set detail = 'x'`)

    await expect(rewriting).rejects.toMatchObject({ code: 'IMMUT' })
  })

  test('of a person who is deleted no line says anything any more', async () => {
    await as.owner('delete from app_public.people where id = $1', [studio.member])

    expect(
      await as.owner(
        `select person_id, kind, detail, request_id, client, network from app_public.security_events`,
      ),
    ).toEqual([
      { person_id: null, kind: 'signed_in', detail: null, request_id: null, client: null, network: null },
    ])
  })

  test('what is older than it is kept for is purged, and nothing else', async () => {
    await as.owner(
      `insert into app_public.security_events (kind, created_at) values ('signed_in', now() - interval '1 day')`,
    )

    expect(await as.owner(`select app_private.purge_security_events('1 day')::int as count`)).toEqual([
      { count: 1 },
    ])
    expect(await as.owner(log)).toHaveLength(1)
  })

  test('mail is queued for the kinds that say so, and for no other', async () => {
    const mailed = await as.owner('select kind from app_public.security_event_kinds where notice is not null')
    await as.owner(`select app_private.record_event($1, kind) from app_public.security_event_kinds`, [
      studio.member,
    ])

    const jobs = await as.owner('select count(*)::int from graphile_worker.jobs')
    expect(mailed.length).toBeGreaterThan(0)
    expect(jobs).toEqual([{ count: mailed.length }])
  })
})
