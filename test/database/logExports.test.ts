import { beforeEach, describe, expect, test } from '@jest/globals'
import { useTransaction } from '../support/database.ts'
import { makeStudio, type Studio } from '../support/people.ts'
import { everybody, runAs } from './actors.ts'

const as = useTransaction()
let studio: Studio
beforeEach(async () => {
  studio = await makeStudio(as.owner)
})

type Asked = { officeId?: string; since?: string; until?: string; doorId?: string; personId?: string }
const request = async (who: 'owner' | 'manager' | 'member' | 'stranger', asked: Asked = {}) => {
  const { officeId = studio.officeId, since, until, doorId, personId } = asked
  const [made] = await as.person(studio[who])(
    'select * from app_public.request_log_export($1, $2, $3, $4, $5)',
    [officeId, since, until, doorId, personId],
  )
  return made!
}
const all = 'select id from app_public.log_exports'
const jobs = `select payload from graphile_worker._private_jobs as jobs
  join graphile_worker._private_tasks as tasks on tasks.id = jobs.task_id
  where identifier = 'log_export__write'`
/** What the job leaves of every export. */
const finish = async (state = 'finished') => {
  await as.owner(
    `insert into app_public.log_export_parts (organization_id, log_export_id, number, content)
     select organization_id, id, 1, 'decided_at' from app_public.log_exports`,
  )
  await as.owner(
    `update app_public.log_exports
     set state = $1, finished_at = case when $1 = 'finished' then now() end`,
    [state],
  )
}
const parts = 'select number, content from app_public.log_export_parts'
const makeOffice = async (organizationId: string) => {
  const [office] = await as.owner(
    `insert into app_public.offices (organization_id, name) values ($1, 'Other') returning id`,
    [organizationId],
  )
  const [door] = await as.owner(
    `insert into app_public.doors (organization_id, office_id, name) values ($1, $2, 'Side') returning id`,
    [organizationId, office!.id],
  )
  return { officeId: office!.id as string, doorId: door!.id as string }
}

describe('app_public.request_log_export', () => {
  test.each(['owner', 'manager'] as const)(
    'the %s gets one that is yet to be written, by a job that has its id alone',
    async (who) => {
      const made = await request(who, { doorId: studio.doorId, personId: studio.member })

      expect(made).toMatchObject({
        organization_id: studio.organizationId,
        office_id: studio.officeId,
        door_id: studio.doorId,
        person_id: studio.member,
        since: null,
        state: 'pending',
        rows_written: 0,
        rows_total: null,
        requested_by: studio[who],
        finished_at: null,
      })
      expect(await as.owner(jobs)).toEqual([{ payload: { id: made.id } }])
    },
  )

  test('it ends now where nothing else is said, and not in the future', async () => {
    const [{ now }] = (await as.owner('select now()')) as [{ now: Date }]

    expect(await request('manager')).toMatchObject({ until: now })
    expect(await request('manager', { until: 'infinity' })).toMatchObject({ until: now })
    expect(await request('manager', { until: '2020-01-01Z' })).toMatchObject({
      until: new Date('2020-01-01'),
    })
  })

  test.each(['member', 'stranger'] as const)('the %s is told of no such office', async (who) => {
    await expect(request(who)).rejects.toMatchObject({ code: 'NTFND', column: 'office_id' })
    expect(await as.owner(all)).toEqual([])
    expect(await as.owner(jobs)).toEqual([])
  })

  test('an anonymous caller may not even ask', async () => {
    await expect(
      as.anonymous('select app_public.request_log_export($1)', [studio.officeId]),
    ).rejects.toMatchObject({ code: '42501' })
  })

  test('a manager is refused the office of another organization, like one that does not exist', async () => {
    const { officeId } = await makeOffice(studio.strangerOrganizationId)

    const refused = request('manager', { officeId })
    await expect(refused).rejects.toMatchObject({ code: 'NTFND', column: 'office_id' })
    const { message } = (await refused.catch((error: unknown) => error)) as Error
    await expect(request('manager', { officeId: crypto.randomUUID() })).rejects.toMatchObject({ message })
  })

  test.each([
    ['of another organization', () => studio.strangerOrganizationId],
    ['of another office', () => studio.organizationId],
  ])('a manager is refused a door %s', async (_, organizationId) => {
    const { doorId } = await makeOffice(organizationId())

    await expect(request('manager', { doorId })).rejects.toMatchObject({ code: 'NTFND', column: 'door_id' })
  })

  test('a manager is refused a person who is unknown there, and one who is known nowhere', async () => {
    for (const personId of [studio.stranger, crypto.randomUUID()]) {
      await expect(request('manager', { personId })).rejects.toMatchObject({
        code: 'NTFND',
        column: 'person_id',
      })
    }
  })

  test('a manager may ask about somebody who is no member and has tried a door', async () => {
    await as.person(studio.stranger)('select app_public.unlock_door($1)', [studio.doorId])

    expect(await request('manager', { personId: studio.stranger })).toMatchObject({
      person_id: studio.stranger,
    })
  })

  test.each([
    ['is empty', { since: '2026-01-01Z', until: '2026-01-01Z' }],
    ['ends before it begins', { since: '2026-01-02Z', until: '2026-01-01Z' }],
    ['is yet to come', { since: '9999-01-01Z' }],
  ])('a time that %s is refused', async (_, asked) => {
    await expect(request('manager', asked)).rejects.toMatchObject({ code: '22023', column: 'since' })
  })

  test('of an organization, three are under way at most', async () => {
    for (const who of ['owner', 'manager', 'manager'] as const) await request(who)

    await expect(request('owner')).rejects.toMatchObject({ code: 'TMANY' })
    const other = await makeOffice(studio.strangerOrganizationId)
    await request('stranger', { officeId: other.officeId })

    await finish()
    await request('owner')
  })

  test('of an organization, fifty are kept at most', async () => {
    await as.owner(
      `insert into app_public.log_exports (organization_id, office_id, until, state, finished_at)
       select $1, $2, now(), 'finished', now() from generate_series(1, 50)`,
      [studio.organizationId, studio.officeId],
    )

    await expect(request('owner')).rejects.toMatchObject({ code: 'TMANY' })
    await as.owner('update app_public.log_exports set expires_at = now()')
    await request('owner')
  })

  test('one that was never written is not in the way when its day is over', async () => {
    for (let count = 0; count < 3; count++) await request('manager')
    await as.owner('update app_public.log_exports set expires_at = now()')

    await request('manager')
  })
})

describe('app_public.log_exports', () => {
  test('managers see all of their organization, with what is in them; nobody else sees any', async () => {
    const { id } = await request('manager')
    await finish()

    for (const who of ['owner', 'manager', 'member', 'stranger'] as const) {
      const isManager = ['owner', 'manager'].includes(who)
      expect(await runAs(as, studio, who)(all)).toEqual(isManager ? [{ id }] : [])
      expect(await runAs(as, studio, who)(parts)).toEqual(
        isManager ? [{ number: 1, content: 'decided_at' }] : [],
      )
    }
  })

  test('an anonymous caller and a device may not even ask', async () => {
    for (const question of [all, parts]) {
      await expect(as.anonymous(question)).rejects.toMatchObject({ code: '42501' })
      await expect(as.device(studio.deviceId)(question)).rejects.toMatchObject({ code: '42501' })
    }
  })

  test('who asked for one and is no manager any more does not read it any more', async () => {
    await request('manager')
    await finish()

    await as.owner(`update app_public.memberships set role = 'member' where person_id = $1`, [studio.manager])

    expect(await as.person(studio.manager)(all)).toEqual([])
    expect(await as.person(studio.manager)(parts)).toEqual([])
  })

  test.each(['pending', 'writing'])('while it is %s, nobody reads what there is of it', async (state) => {
    const { id } = await request('manager')
    await finish(state)

    expect(await as.person(studio.manager)(all)).toEqual([{ id }])
    expect(await as.person(studio.manager)(parts)).toEqual([])
  })

  test('when its time is over, nobody sees it, and it goes with what is in it', async () => {
    await request('manager')
    await finish()
    await as.owner('update app_public.log_exports set expires_at = now()')

    expect(await as.person(studio.manager)(all)).toEqual([])
    expect(await as.person(studio.manager)(parts)).toEqual([])
    expect(await as.owner('select app_private.purge_log_exports()::int as count')).toEqual([{ count: 1 }])
    expect(await as.owner(all)).toEqual([])
    expect(await as.owner(parts)).toEqual([])
  })

  test.each(everybody)('the %s writes none, and reads nothing of how one is written', async (who) => {
    for (const statement of [
      'update app_public.log_exports set rows_written = 7',
      'delete from app_public.log_exports',
      'delete from app_public.log_export_parts',
      'select last_decision_id from app_public.log_export_parts',
    ]) {
      await expect(runAs(as, studio, who)(statement)).rejects.toMatchObject({ code: '42501' })
    }
  })

  test('one about a person goes with them; one that they asked for stays without saying so', async () => {
    await request('manager')
    await request('owner', { personId: studio.manager })

    await as.owner('delete from app_public.people where id = $1', [studio.manager])

    expect(await as.owner('select requested_by, person_id from app_public.log_exports')).toEqual([
      { requested_by: null, person_id: null },
    ])
  })
})
