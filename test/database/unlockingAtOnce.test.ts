import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { useConnections } from '../support/connections.ts'
import { makeDevice } from '../support/devices.ts'
import { makeStudio, type Studio } from '../support/people.ts'
import { deliver } from '../support/post.ts'

const { owner, connections, database } = useConnections(6)
let studio: Studio
let id: string
beforeEach(async () => {
  studio = await makeStudio(owner)
  const [first, ...others] = connections()
  await first!.become({ person: studio.member })
  const [answer] = await first!.run('select command_id from app_public.unlock_door($1)', [studio.doorId])
  id = answer!.command_id as string
  await Promise.all(others.map((connection) => connection.become({ device: studio.deviceId })))
})
afterEach(async () => {
  await owner('delete from app_public.organizations')
  await owner('delete from app_public.people')
  await owner('select graphile_worker.complete_jobs(array(select id from graphile_worker.jobs))')
})

const claim = 'select is_granted from app_public.claim_unlock($1)'
const state = async () =>
  (await owner('select state from app_public.unlock_commands where id = $1', [id]))[0]!.state

describe('many claims of one command at once', () => {
  test('are granted once', async () => {
    const answers = await Promise.all(
      connections()
        .slice(1)
        .flatMap(({ run }) => [run(claim, [id]), run(claim, [id])]),
    )

    expect(answers.flat().filter(({ is_granted }) => is_granted)).toHaveLength(1)
    expect(await state()).toBe('claimed')
  })

  test('of which the first is undone, as by a crash, are granted to the next', async () => {
    const [, first, second] = connections()
    await first!.run('begin')
    await first!.run(claim, [id])
    const answer = second!.run(claim, [id])
    await second!.untilWaiting()
    await first!.run('rollback')

    expect(await answer).toEqual([{ is_granted: true }])
  })
})

/** What may happen to a claim from aside, as the owner or as whom its function needs. */
const changes: Record<string, () => [sql: string, values?: unknown[]]> = {
  'a lockdown': () => ['select app_public.start_lockdown($1, $2)', [studio.officeId, 'Drill']],
  'the end of the rule': () => [
    'delete from app_public.access_rules where office_id = $1',
    [studio.officeId],
  ],
  'the removal of the member': () => [
    'delete from app_public.memberships where person_id = $1',
    [studio.member],
  ],
  'a change of the member’s role': () => [
    `update app_public.memberships set role = 'manager' where person_id = $1`,
    [studio.member],
  ],
  'the revocation of the device': () => ['select app_public.revoke_device($1)', [studio.deviceId]],
  'a change of the door’s controller': () => ['update app_public.doors set device_id = null'],
  'a change of what decides in the office': () => [
    'select from app_public.offices where id = $1 for no key update',
    [studio.officeId],
  ],
}
const isHarmless = (name: string) => /role|decides/.test(name)

describe.each(Object.entries(changes))('%s', (name, change) => {
  beforeEach(() => connections()[0]!.become({ person: studio.owner }))

  test('when it commits first is seen by the claim that waited for it', async () => {
    const [changer, device] = connections()
    await changer!.run('begin')
    await changer!.run(...change())
    const answer = device!.run(claim, [id])
    await device!.untilWaiting()
    await changer!.run('commit')

    expect(await answer).toEqual([{ is_granted: isHarmless(name) }])
    expect(await state()).toBe(isHarmless(name) ? 'claimed' : 'refused')
  })

  test('waits for a claim that came first, which is granted', async () => {
    const [changer, device] = connections()
    await device!.run('begin')
    const answer = await device!.run(claim, [id])
    const changed = changer!.run(...change())
    await changer!.untilWaiting()
    await device!.run('commit')
    await changed

    expect(answer).toEqual([{ is_granted: true }])
  })

  test('when it is undone counts for nothing', async () => {
    const [changer, device] = connections()
    await changer!.run('begin')
    await changer!.run(...change())
    const answer = device!.run(claim, [id])
    await device!.untilWaiting()
    await changer!.run('rollback')

    expect(await answer).toEqual([{ is_granted: true }])
  })
})

test('a command that expires while its claim waits is over', async () => {
  const [changer, device] = connections()
  await owner(
    `update app_public.unlock_commands set expires_at = clock_timestamp() + interval '0.5 seconds' where id = $1`,
    [id],
  )
  await changer!.run('begin')
  await changer!.run('select from app_public.offices where id = $1 for no key update', [studio.officeId])
  const answer = device!.run(claim, [id])
  await device!.untilWaiting()
  await changer!.run('select pg_sleep_until(expires_at) from app_public.unlock_commands where id = $1', [id])
  await changer!.run('commit')

  expect(await answer).toEqual([{ is_granted: false }])
  expect(await state()).toBe('expired')
})

test('a device enrolled anew while the claim of its old key waits is not granted', async () => {
  const [changer, device] = connections()
  await changer!.become({ person: studio.owner })
  const [made] = await changer!.run('select code from app_public.create_enrolment_code($1)', [
    studio.deviceId,
  ])
  await changer!.run('begin')
  await changer!.run('select app_public.enrol_device($1)', [made!.code])
  const answer = device!.run(claim, [id])
  await device!.untilWaiting()
  await changer!.run('commit')

  expect(await answer).toEqual([{ is_granted: false }])
})

test.each(['repeatable read', 'serializable'])(
  'at the isolation level %s no claim is granted',
  async (level) => {
    const { run } = connections()[1]!
    await run(`begin isolation level ${level}`)

    await expect(run(claim, [id])).rejects.toMatchObject({ code: 'P0001' })

    await run('rollback')
    expect(await state()).toBe('pending')
  },
)

describe('the job that settles a command', () => {
  const settle = 'select app_private.settle_unlock($1)'
  const jobs = () =>
    owner(`select run_at from graphile_worker.jobs where key = 'unlock_command ' || $1`, [id])

  test('waits for a claim, and leaves to it what it has claimed', async () => {
    const [worker, device] = connections()
    await device!.run('begin')
    await device!.run(claim, [id])
    const settled = worker!.run(settle, [id])
    await worker!.untilWaiting()
    await device!.run('commit')
    await settled

    expect(await state()).toBe('claimed')
    expect(await jobs()).toHaveLength(1)
  })

  test('of a command that has expired leaves nothing to claim', async () => {
    await owner('update app_public.unlock_commands set expires_at = clock_timestamp()')
    const [worker, device] = connections()
    await worker!.run('begin')
    await worker!.run(settle, [id])
    const answer = device!.run(claim, [id])
    await device!.untilWaiting()
    await worker!.run('commit')

    expect(await answer).toEqual([{ is_granted: false }])
    expect(await state()).toBe('expired')
  })

  test('run by the worker when its hour has come makes an end, also of what was never reported', async () => {
    await connections()[1]!.run(claim, [id])
    await owner(`update app_public.unlock_commands set claimed_at = claimed_at - interval '1 minute'`)
    await owner(`update graphile_worker._private_jobs set run_at = now()`)

    await deliver(database())

    expect(await state()).toBe('unknown')
  })

  test('and two reports that contradict each other: one counts', async () => {
    const [, first, second] = connections()
    await first!.run(claim, [id])

    const answers = await Promise.all([
      first!.run('select app_public.report_unlock($1, true) as is_so', [id]),
      second!.run('select app_public.report_unlock($1, false) as is_so', [id]),
    ])

    expect(answers.flat().filter(({ is_so }) => is_so)).toHaveLength(1)
  })
})

test('two controllers that claim for one door: the one that it is for is granted', async () => {
  const other = await makeDevice(owner, studio)
  await owner('update app_public.devices set enrolled_at = now() where id = $1', [other])
  const [first, second] = connections()
  await first!.become({ device: other })

  const answers = await Promise.all([first!.run(claim, [id]), second!.run(claim, [id])])

  expect(answers.flat()).toEqual([{ is_granted: false }, { is_granted: true }])
})
