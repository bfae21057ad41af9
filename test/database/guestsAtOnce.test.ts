import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { useConnections } from '../support/connections.ts'
import { makePass, type PassColumns, type TestPass } from '../support/guests.ts'
import { makeStudio, type Studio } from '../support/people.ts'

const { owner, connections } = useConnections(6)
let studio: Studio
let pass: TestPass
beforeEach(async () => {
  studio = await makeStudio(owner)
  await Promise.all(connections().map((connection) => connection.become({ device: studio.deviceId })))
})
afterEach(async () => {
  await owner('delete from app_public.organizations')
  await owner('delete from app_public.people')
  await owner('select graphile_worker.complete_jobs(array(select id from graphile_worker.jobs))')
})

const ask = async () =>
  (await owner('select command_id from app_private.open_door($1, null, $2)', [studio.doorId, pass.id]))[0]!
    .command_id as string
const make = async (columns: PassColumns = {}) => {
  pass = await makePass(owner, studio, columns)
  return ask()
}
const claim = 'select is_granted from app_public.claim_unlock($1)'
const granted = (answers: Record<string, unknown>[][]) =>
  answers.flat().filter(({ is_granted }) => is_granted).length
const usedCount = async () =>
  (await owner('select used_count from app_public.guest_passes where id = $1', [pass.id]))[0]!.used_count

describe('two phones with a pass', () => {
  test.each([
    [1, 1],
    [2, 2],
    [3, 3],
    [9, 6],
  ])(
    'of %i uses, and six commands claimed at once: %i are granted, and as many counted',
    async (uses, expected) => {
      const ids = [await make({ uses })]
      while (ids.length < 6) ids.push(await ask())

      const answers = await Promise.all(connections().map(({ run }, index) => run(claim, [ids[index]])))

      expect(granted(answers)).toBe(expected)
      expect(await usedCount()).toBe(expected)
    },
  )

  test('of one use left: the second waits for the first, and is granted only when that is undone', async () => {
    for (const [end, isGranted] of [
      ['commit', false],
      ['rollback', true],
    ] as const) {
      const ids = [await make(), await ask()]
      const [first, second] = connections()
      await first!.run('begin')
      await first!.run(claim, [ids[0]])
      const answer = second!.run(claim, [ids[1]])
      await second!.untilWaiting()
      await first!.run(end)

      expect(await answer).toEqual([{ is_granted: isGranted }])
      expect(await usedCount()).toBe(1)
    }
  })

  test('that press at once, both from the same page: one attempt', async () => {
    await make({ uses: 5 })
    const [last] = await owner('select id from app_public.door_decisions where pass_id = $1', [pass.id])
    const form = JSON.stringify({ door: studio.doorId, seen: last!.id })

    await Promise.all(
      connections().map(({ run }) => run('select app_hidden.page_pass__submit($1, $2)', [pass.token, form])),
    )

    expect(await owner('select from app_public.unlock_commands')).toHaveLength(2)
  })
})

/** What may happen to a pass from aside. */
const changes: Record<string, () => [sql: string, values: unknown[]]> = {
  'its revocation': () => ['select app_public.revoke_guest_pass($1)', [pass.id]],
  'the end of its host’s membership': () => [
    'delete from app_public.memberships where person_id = $1',
    [studio.member],
  ],
  'a rule that ends for its host': () => [
    'delete from app_public.access_rules where office_id = $1',
    [studio.officeId],
  ],
  'a lockdown': () => ['select app_public.start_lockdown($1, $2)', [studio.officeId, 'Drill']],
}

describe.each(Object.entries(changes))('%s', (_, change) => {
  let id: string
  beforeEach(async () => {
    id = await make({ host_id: studio.member })
    await connections()[0]!.become({ person: studio.owner })
  })

  test('when it commits first is seen by the claim that waited for it', async () => {
    const [changer, device] = connections()
    await changer!.run('begin')
    await changer!.run(...change())
    const answer = device!.run(claim, [id])
    await device!.untilWaiting()
    await changer!.run('commit')

    expect(await answer).toEqual([{ is_granted: false }])
    expect(await usedCount()).toBe(0)
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
    expect(await usedCount()).toBe(1)
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

test('a manager who becomes a member while a guest claims: which commits first counts', async () => {
  for (const [isFirst, isGranted] of [
    [true, false],
    [false, true],
  ]) {
    await owner('delete from app_public.access_rules')
    await owner(`update app_public.memberships set role = 'manager' where person_id = $1`, [studio.manager])
    const id = await make()
    const [changer, device] = connections()
    const demote = () =>
      changer!.run(`update app_public.memberships set role = 'member' where person_id = $1`, [studio.manager])
    const [first, second] = isFirst ? [changer!, device!] : [device!, changer!]
    await first.run('begin')
    const before = isFirst ? await demote() : await first.run(claim, [id])
    const after = isFirst ? device!.run(claim, [id]) : demote()
    await second.untilWaiting()
    await first.run('commit')

    expect(isFirst ? await after : before).toEqual([{ is_granted: isGranted }])
    await after
  }
})

test('a pass that expires while its claim waits lets nobody in', async () => {
  const id = await make({ ends_at: '0.5 seconds' })
  const [changer, device] = connections()
  await changer!.run('begin')
  await changer!.run('select from app_public.offices where id = $1 for no key update', [studio.officeId])
  const answer = device!.run(claim, [id])
  await device!.untilWaiting()
  await changer!.run('select pg_sleep_until(ends_at) from app_public.guest_passes where id = $1', [pass.id])
  await changer!.run('commit')

  expect(await answer).toEqual([{ is_granted: false }])
})

test('a host who leaves while guests claim, ask and are revoked: nobody waits for ever', async () => {
  const { owner: olga } = studio
  for (let round = 0; round < 20; round++) {
    const id = await make({ host_id: studio.member, uses: 5 })
    const other = await ask()
    const form = JSON.stringify({ door: studio.doorId, seen: '' })
    const [one, two, three, four, five] = connections()
    await Promise.all([three!.become({ person: olga }), four!.become({ person: olga })])

    await Promise.all([
      one!.run(claim, [id]),
      two!.run(claim, [other]),
      three!.run('select app_public.revoke_guest_pass($1)', [pass.id]),
      four!.run('delete from app_public.memberships where person_id = $1', [studio.member]),
      five!.run('select app_hidden.page_pass__submit($1, $2)', [pass.token, form]),
    ])

    await owner('insert into app_public.memberships (organization_id, person_id) values ($1, $2)', [
      studio.organizationId,
      studio.member,
    ])
  }
  expect(await owner('select from app_public.guest_passes where revoked_at is null')).toEqual([])
})
