import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { hangBell, press, waitForRings } from '../support/bells.ts'
import { useConnections } from '../support/connections.ts'
import { makePerson, makeStudio, type Studio } from '../support/people.ts'

const { owner, connections } = useConnections(8)
let studio: Studio
let bell: string
beforeEach(async () => {
  studio = await makeStudio(owner)
  bell = await hangBell(owner, studio)
})
afterEach(async () => {
  await owner('delete from app_public.organizations')
  await owner('delete from app_public.people')
  await owner('select graphile_worker.complete_jobs(array(select id from graphile_worker.jobs))')
})

const rings = () => owner('select state, count from app_public.rings order by rang_at')
const openSql = 'select * from app_public.open_for_ring($1)'
const dismissSql = 'select * from app_public.dismiss_ring($1)'
const firstsOf = (answers: Record<string, unknown>[]) => answers.filter(({ is_first }) => is_first)

/** As many members as there are connections, each on one of them. */
async function gatherMembers() {
  for (const [index, connection] of connections().entries()) {
    const person = await makePerson(owner, `Member${index}`)
    await owner('insert into app_public.memberships (organization_id, person_id) values ($1, $2)', [
      studio.organizationId,
      person,
    ])
    await connection.become({ person })
  }
}

/** Somebody rings: the id of the ring. */
async function ring(): Promise<string> {
  const [first] = connections()
  await first!.become({ device: bell })
  return (await press(first!.run, studio.doorId)).id as string
}

describe('presses at the same moment', () => {
  beforeEach(() => Promise.all(connections().map((connection) => connection.become({ device: bell }))))

  test('on many connections make one ring, and all are counted', async () => {
    await Promise.all(
      connections().flatMap(({ run }) => [press(run, studio.doorId), press(run, studio.doorId)]),
    )

    expect(await rings()).toEqual([{ state: 'ringing', count: 16 }])
  })

  test('of which the first is not yet committed are counted by the second', async () => {
    const [one, other] = connections()
    await one!.run('begin')
    await press(one!.run, studio.doorId)
    const second = press(other!.run, studio.doorId)
    await other!.untilWaiting()
    await one!.run('commit')

    expect(await second).toMatchObject({ count: 2 })
    expect(await rings()).toEqual([{ state: 'ringing', count: 2 }])
  })

  test('of which the first is undone, as by a crash, are a ring all the same', async () => {
    const [one, other] = connections()
    await one!.run('begin')
    await press(one!.run, studio.doorId)
    const second = press(other!.run, studio.doorId)
    await other!.untilWaiting()
    await one!.run('rollback')

    expect(await second).toMatchObject({ count: 1 })
    expect(await rings()).toEqual([{ state: 'ringing', count: 1 }])
  })

  test('as one ring expires make one new ring', async () => {
    await press(connections()[0]!.run, studio.doorId)
    await waitForRings(owner, 121)

    await Promise.all(connections().map(({ run }) => press(run, studio.doorId)))

    expect(await rings()).toEqual([
      { state: 'expired', count: 1 },
      { state: 'ringing', count: 8 },
    ])
  })
})

describe('many who answer at once', () => {
  test.each([1, 2, 3])(
    'one is the first, the others are told who, and there is one command (%i)',
    async () => {
      const id = await ring()
      await gatherMembers()

      const answers = (await Promise.all(connections().map(({ run }) => run(openSql, [id])))).flat()

      const [first, ...more] = firstsOf(answers)
      expect(more).toEqual([])
      expect(answers.filter(({ command_id }) => command_id !== null)).toEqual([first])
      const late = answers.filter((answer) => answer !== first)
      expect(new Set(late.map(({ reason }) => reason))).toEqual(
        new Set([expect.stringMatching(/^Member\d has opened\.$/)]),
      )
      expect(await owner('select id from app_public.unlock_commands')).toEqual([{ id: first!.command_id }])
      expect(await owner('select command_id from app_public.rings')).toEqual([
        { command_id: first!.command_id },
      ])
      expect(await owner('select from app_public.door_decisions')).toHaveLength(1)
    },
  )

  test('in both ways: if the first dismisses nothing opens, else once', async () => {
    const id = await ring()
    await gatherMembers()

    const answers = (
      await Promise.all(
        connections().map(({ run }, index) => run(index % 2 === 0 ? openSql : dismissSql, [id])),
      )
    ).flat()

    const [first, ...more] = firstsOf(answers)
    expect(more).toEqual([])
    expect(await owner('select from app_public.unlock_commands')).toHaveLength(first!.is_allowed ? 1 : 0)
  })

  test('the one who waited for somebody that may not open is the first', async () => {
    const id = await ring()
    await gatherMembers()
    await owner(
      `insert into app_public.access_rules (organization_id, office_id, name, role, is_whole_office) values ($1, $2, 'Owners', 'owner', true)`,
      [studio.organizationId, studio.officeId],
    )
    await owner(`delete from app_public.access_rules where name = 'Members'`)
    const [denied, allowed] = connections()
    await allowed!.become({ person: studio.owner })
    await denied!.run('begin')
    const [refusal] = await denied!.run(openSql, [id])
    const answer = allowed!.run(openSql, [id])
    await allowed!.untilWaiting()
    await denied!.run('commit')

    expect(refusal).toMatchObject({ is_first: false, is_allowed: false })
    expect(await answer).toMatchObject([{ is_first: true, is_allowed: true }])
  })

  test('the one who waited for an answer that was undone is the first', async () => {
    const id = await ring()
    await gatherMembers()
    const [one, other] = connections()
    await one!.run('begin')
    await one!.run(openSql, [id])
    const answer = other!.run(openSql, [id])
    await other!.untilWaiting()
    await one!.run('rollback')

    expect(await answer).toMatchObject([{ is_first: true }])
    expect(await owner('select from app_public.unlock_commands')).toHaveLength(1)
  })
})

describe('an answer and the end of a ring', () => {
  const expireSql = 'select app_private.expire_ring($1)'
  const endSoon = `update app_public.rings set expires_at = clock_timestamp() + interval '0.5 seconds' where id = $1
    returning expires_at::text`
  const untilEnd = 'select pg_sleep_until($1)'

  test('at once: what is answered is not ended', async () => {
    const id = await ring()
    await gatherMembers()
    const [member, worker] = connections()
    const [end] = await owner(endSoon, [id])
    await member!.run('begin')
    await member!.run(dismissSql, [id])
    await owner(untilEnd, [end!.expires_at])
    const expired = worker!.run(expireSql, [id])
    await worker!.untilWaiting()
    await member!.run('commit')
    await expired

    expect(await rings()).toMatchObject([{ state: 'answered' }])
  })

  test('at once: what is ended is not answered, and nothing opens', async () => {
    const id = await ring()
    await gatherMembers()
    await waitForRings(owner, 121)
    const [member, worker] = connections()
    await worker!.run('begin')
    await worker!.run(expireSql, [id])
    const answer = member!.run(openSql, [id])
    await member!.untilWaiting()
    await worker!.run('commit')

    expect(await answer).toMatchObject([{ is_first: false, reason: 'Nobody answered in time.' }])
    expect(await owner('select from app_public.unlock_commands')).toEqual([])
  })

  test('that comes while the answer waits: it is too late', async () => {
    const id = await ring()
    await gatherMembers()
    const [member, other] = connections()
    await other!.run('begin')
    const [end] = await other!.run(endSoon, [id])
    const answer = member!.run(openSql, [id])
    await member!.untilWaiting()
    await other!.run(untilEnd, [end!.expires_at])
    await other!.run('commit')

    expect(await answer).toMatchObject([{ is_first: false, reason: 'Nobody answered in time.' }])
  })

  test('and a press: what is pressed at the last moment goes on ringing', async () => {
    const id = await ring()
    const [device, worker] = connections()
    const [end] = await owner(endSoon, [id])
    await device!.run('begin')
    await press(device!.run, studio.doorId)
    await owner(untilEnd, [end!.expires_at])
    const expired = worker!.run(expireSql, [id])
    await worker!.untilWaiting()
    await device!.run('commit')
    await expired

    expect(await rings()).toEqual([{ state: 'ringing', count: 2 }])
  })
})

test('a press waits for an answer, and is counted there', async () => {
  const id = await ring()
  const [, member, device] = connections()
  await member!.become({ person: studio.member })
  await device!.become({ device: bell })
  await member!.run('begin')
  await member!.run(dismissSql, [id])
  const pressed = press(device!.run, studio.doorId)
  await device!.untilWaiting()
  await member!.run('commit')

  expect(await pressed).toMatchObject({ id, state: 'answered', count: 2 })
  expect(await rings()).toHaveLength(1)
})
