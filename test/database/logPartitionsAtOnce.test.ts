import { beforeEach, describe, expect, test } from '@jest/globals'
import { codeOf } from '../../src/fault.ts'
import { useConnections } from '../support/connections.ts'
import { decideAt, partAsOf, partsOf } from '../support/log.ts'
import { makeStudio, type Studio } from '../support/people.ts'

const { owner, connections } = useConnections(4)
let studio: Studio
beforeEach(async () => {
  await owner('delete from app_public.organizations')
  await owner('delete from app_public.people')
  await partAsOf(owner, 2)
  studio = await makeStudio(owner)
})

const log = 'select is_allowed from app_public.door_decisions'
const make = 'select app_private.make_log_partitions()'
const drop = `select app_private.drop_log_partitions('0 days')`
const recent = `now() - interval '1 minute'`
const old = `now() - interval '100 days'`

describe.each([
  ['made', make, []],
  ['made late, around what they hold', make, [recent, recent]],
  ['dropped', drop, [old]],
])('while parts of the log are %s', (_, work, decided) => {
  beforeEach(async () => {
    for (const moment of decided) await decideAt(owner, studio, moment)
  })
  const kept = decided.filter((moment) => moment === recent).length + 1

  test('who unlocks a door waits for the end of it, and is in the log', async () => {
    const [worker, person] = connections()
    await person!.become({ person: studio.member })
    await worker!.run('begin')
    await worker!.run(work)

    const answer = person!.run('select is_allowed from app_public.unlock_door($1)', [studio.doorId])
    await person!.untilWaiting()
    await worker!.run('commit')

    expect(await answer).toEqual([{ is_allowed: true }])
    expect(await owner(log)).toHaveLength(kept)
  })

  test('a door that was just unlocked goes first, and who waits too long for it changes nothing', async () => {
    const [worker, person] = connections()
    await person!.become({ person: studio.member })
    const before = await partsOf(owner)
    await person!.run('begin')
    await person!.run('select app_public.unlock_door($1)', [studio.doorId])

    await expect(worker!.run(work)).rejects.toMatchObject({ code: '55P03' })

    await person!.run('commit')
    expect(await partsOf(owner)).toEqual(before)
    await worker!.run(work)
    expect(await owner(log)).toHaveLength(kept)
  })
})

test('of several that make parts at once, one does', async () => {
  const made = await Promise.allSettled(connections().map(({ run }) => run(make)))

  const counts = made.flatMap((one) => (one.status === 'fulfilled' ? one.value : []))
  expect(counts.filter((one) => one.make_log_partitions !== 0)).toHaveLength(1)
  expect(await partsOf(owner)).toHaveLength(8) // months from two ago to three ahead, and both ends
})

test('no decision is lost that is made while parts are made and dropped', async () => {
  const [worker, ...people] = connections()
  await Promise.all(people.map((person) => person.become({ person: studio.member })))
  const unlock = async (person: (typeof people)[number]) => {
    for (let time = 0; time < 20; time++)
      await person.run('select app_public.unlock_door($1)', [studio.doorId])
  }
  /** As a job, which is tried again when it had to give way. */
  const untilDone = (sql: string, values?: unknown[]): Promise<unknown> =>
    worker!.run(sql, values).catch((error: unknown) => {
      if (codeOf(error) !== '55P03') throw error
      return untilDone(sql, values)
    })
  const rebuild = async () => {
    for (let ahead = 0; ahead < 6; ahead++) {
      await untilDone('select app_private.make_log_partitions($1)', [ahead])
      await untilDone(drop)
    }
  }

  await Promise.all([rebuild(), ...people.map(unlock)])

  expect(await owner(log)).toHaveLength(60)
})
