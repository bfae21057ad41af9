import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { useConnections } from '../support/connections.ts'
import { makeStudio, type Studio } from '../support/people.ts'

const { owner, connections } = useConnections(4)
let studio: Studio
let annexId: string
beforeEach(async () => {
  studio = await makeStudio(owner)
  const [office] = await owner(
    `insert into app_public.offices (organization_id, name) values ($1, 'Annex') returning id`,
    [studio.organizationId],
  )
  annexId = office!.id as string
  await Promise.all(connections().map((connection) => connection.become({ person: studio.member })))
})
afterEach(async () => {
  await owner('delete from app_public.organizations')
  await owner('delete from app_public.people')
  await owner('select graphile_worker.complete_jobs(array(select id from graphile_worker.jobs))')
})

const enter = 'select id from app_public.enter_office($1)'
const presences = () => owner('select until is null as is_in from app_public.presences order by since')

test('somebody who enters many times at once is in once', async () => {
  const entered = await Promise.all(connections().map(({ run }) => run(enter, [studio.officeId])))

  expect(new Set(entered.flat().map(({ id }) => id)).size).toBe(1)
  expect(await presences()).toEqual([{ is_in: true }])
})

test('somebody who enters two offices at once is in one', async () => {
  await Promise.all(
    connections().map(({ run }, index) => run(enter, [index % 2 ? annexId : studio.officeId])),
  )

  expect((await presences()).filter(({ is_in }) => is_in)).toHaveLength(1)
})

test('who ceases to share while they enter leaves no trace', async () => {
  const [one, other] = connections()
  await one!.run('begin')
  await one!.run(enter, [studio.officeId])
  const ceased = other!.run('select app_public.share_presence($1, false)', [studio.organizationId])
  await other!.untilWaiting()
  await one!.run('commit')
  await ceased

  expect(await presences()).toEqual([])
})

test('who enters while they cease to share leaves no trace', async () => {
  const [one, other] = connections()
  await one!.run('begin')
  await one!.run('select app_public.share_presence($1, false)', [studio.organizationId])
  const entered = other!.run(enter, [studio.officeId])
  await other!.untilWaiting()
  await one!.run('commit')

  expect(await entered).toEqual([{ id: null }])
  expect(await presences()).toEqual([])
})

test('who enters while they are removed leaves no trace', async () => {
  const [one, other] = connections()
  await one!.run('begin')
  await one!.run('delete from app_public.memberships where person_id = $1', [studio.member])
  const entered = other!.run(enter, [studio.officeId])
  await other!.untilWaiting()
  await one!.run('commit')

  expect(await entered).toEqual([{ id: null }])
  expect(await presences()).toEqual([])
})

test('who is removed while a door opens for them has no presence, and the door has opened', async () => {
  const [one, other, device] = connections()
  const [answer] = await one!.run('select command_id from app_public.unlock_door($1)', [studio.doorId])
  await device!.become({ device: studio.deviceId })
  await device!.run('select app_public.claim_unlock($1)', [answer!.command_id])
  await other!.run('begin')
  await other!.run('delete from app_public.memberships where person_id = $1', [studio.member])
  const reported = device!.run('select app_public.report_unlock($1, true) as is_so', [answer!.command_id])
  await device!.untilWaiting()
  await other!.run('commit')

  expect(await reported).toEqual([{ is_so: true }])
  expect(await presences()).toEqual([])
})
