import { beforeEach, describe, expect, test } from '@jest/globals'
import { type Run, useTransaction } from '../support/database.ts'
import { makeStudio, type Studio } from '../support/people.ts'
import { startSession } from '../support/sessions.ts'
import { everybody, runAs } from './actors.ts'

const as = useTransaction()
let studio: Studio
let recent: Run
beforeEach(async () => {
  studio = await makeStudio(as.owner)
  recent = as.person(studio.member, await startSession(as.owner, studio.member))
})

const request = 'select id, finished_at, document from app_public.request_account_export()'
const all = 'select id from app_public.account_exports'
const jobs = `select payload from graphile_worker._private_jobs as jobs
  join graphile_worker._private_tasks as tasks on tasks.id = jobs.task_id
  where identifier = 'account_export__make'`
/** As the job does. */
const finish = `update app_public.account_exports
  set document = app_private.person_document(person_id), finished_at = now()`

describe('app_public.request_account_export', () => {
  test('a person gets one that is yet to be made, for seven days, by a job that has its id alone', async () => {
    const [made] = await recent(request)

    const [stored] = await as.owner(
      `select id, person_id, expires_at = created_at + interval '7 days' as is_week from app_public.account_exports`,
    )
    expect(made).toEqual({ id: stored!.id, finished_at: null, document: null })
    expect(stored).toEqual({ id: made!.id, person_id: studio.member, is_week: true })
    expect(await as.owner(jobs)).toEqual([{ payload: { id: made!.id } }])
  })

  test('the security log says so', async () => {
    await recent(request)

    expect(
      await recent(`select person_id from app_public.security_events where kind = 'export_requested'`),
    ).toEqual([{ person_id: studio.member }])
  })

  test('who asks again before it is made gets the same one, and it is made once', async () => {
    const first = await recent(request)
    const second = await recent(request)

    expect(second).toEqual(first)
    expect(await as.owner(jobs)).toHaveLength(1)
  })

  test('who asks once it is made gets a new one, three times a day', async () => {
    for (let count = 1; count <= 3; count++) {
      await recent(request)
      await as.owner(finish)
    }

    await expect(recent(request)).rejects.toMatchObject({ code: 'TMANY' })

    await as.owner(`update app_public.account_exports set created_at = created_at - interval '1 day'`)
    expect(await recent(request)).toHaveLength(1)
  })

  test('somebody else’s exports do not count', async () => {
    for (let count = 1; count <= 3; count++) {
      await recent(request)
      await as.owner(finish)
    }
    const colleague = as.person(studio.manager, await startSession(as.owner, studio.manager))

    expect(await colleague(request)).toHaveLength(1)
  })

  test('one that was never made is not in the way once its time is over', async () => {
    const [stuck] = await recent(request)
    await as.owner(
      `update app_public.account_exports set created_at = now() - interval '8 days', expires_at = now()`,
    )

    const [made] = await recent(request)

    expect(made!.id).not.toBe(stuck!.id)
    expect(await as.owner(all)).toEqual([{ id: made!.id }])
  })

  test('a session of eleven minutes is not recent enough', async () => {
    const old = as.person(studio.member, await startSession(as.owner, studio.member, '11 minutes'))

    await expect(old(request)).rejects.toMatchObject({ code: 'REAUT' })
    expect(await as.owner(all)).toEqual([])
  })

  test('an API key, which has no session, does not do', async () => {
    await expect(as.person(studio.member)(request)).rejects.toMatchObject({ code: 'REAUT' })
  })

  test('somebody else’s session does not do', async () => {
    const stolen = as.person(studio.member, crypto.randomUUID())

    await expect(stolen(request)).rejects.toMatchObject({ code: 'REAUT' })
  })

  test('an anonymous caller may not even ask', async () => {
    await expect(as.anonymous(request)).rejects.toMatchObject({ code: '42501' })
  })
})

describe('app_public.account_exports', () => {
  let id: unknown
  beforeEach(async () => {
    id = (await recent(request))[0]!.id
    await as.owner(finish)
  })

  test('a person reads their own', async () => {
    const rows = await as.person(studio.member)(
      `select id, document #>> '{people,0,name}' as name from app_public.account_exports`,
    )

    expect(rows).toEqual([{ id, name: 'Mia' }])
  })

  test.each(['owner', 'manager', 'stranger'] as const)('the %s does not see it', async (who) => {
    expect(await as.person(studio[who])(all)).toEqual([])
  })

  test('an anonymous caller may not even ask', async () => {
    await expect(as.anonymous(all)).rejects.toMatchObject({ code: '42501' })
  })

  test('it cannot be read any more once its time is over, also before it is purged', async () => {
    await as.owner('update app_public.account_exports set expires_at = now()')

    expect(await as.person(studio.member)(all)).toEqual([])
  })

  test.each(
    everybody.flatMap((who) =>
      [
        'insert into app_public.account_exports (person_id) values (app_public.current_person_id())',
        'update app_public.account_exports set expires_at = default',
        'delete from app_public.account_exports',
      ].map((statement) => [who, statement] as const),
    ),
  )('the %s cannot: %s', async (who, statement) => {
    await expect(runAs(as, studio, who)(statement)).rejects.toMatchObject({ code: '42501' })
  })

  test.each([
    ['finished without a document', 'finished_at = now(), document = null'],
    ['with a document and not finished', 'finished_at = null'],
  ])('none is %s', async (_, change) => {
    await expect(as.owner(`update app_public.account_exports set ${change}`)).rejects.toMatchObject({
      code: '23514',
    })
  })

  test('of a person no two are under way', async () => {
    const make = () =>
      as.owner('insert into app_public.account_exports (person_id) values ($1)', [studio.member])
    await make()

    await expect(make()).rejects.toMatchObject({ code: '23505' })
  })
})
