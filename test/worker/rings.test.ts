import { beforeEach, describe, expect, test } from '@jest/globals'
import { hangBell, press, waitForRings } from '../support/bells.ts'
import { useConnections } from '../support/connections.ts'
import { makeStudio, type Studio } from '../support/people.ts'
import { deliver } from '../support/post.ts'

const { database, owner: run, connections } = useConnections(1)
let studio: Studio
beforeEach(async () => {
  await run('delete from app_public.organizations')
  await run('delete from app_public.people')
  studio = await makeStudio(run)
  await deliver(database())
  await run('select graphile_worker.complete_jobs(array(select id from graphile_worker.jobs))')
})

const add = (task: string, payload: object) =>
  run('select graphile_worker.add_job($1, $2::json, max_attempts := 1)', [task, payload])
const jobs = () => run('select task_identifier, last_error from graphile_worker.jobs')
const bringForward = () => run('update graphile_worker._private_jobs set run_at = now()')

describe('ring__expire', () => {
  const states = () => run('select state from app_public.rings')
  let id: string
  beforeEach(async () => {
    const [device] = connections()
    await device!.become({ device: await hangBell(run, studio) })
    id = (await press(device!.run, studio.doorId)).id as string
  })

  test('ends a ring when its hour has come, and not before', async () => {
    await deliver(database())
    expect(await states()).toEqual([{ state: 'ringing' }])

    await waitForRings(run, 121)
    await deliver(database())

    expect(await states()).toEqual([{ state: 'expired' }])
    expect(await jobs()).toEqual([])
  })

  test('killed and run again, or run too early, does no harm', async () => {
    await add('ring__expire', { id })
    await add('ring__expire', { id })
    await deliver(database())
    expect(await states()).toEqual([{ state: 'ringing' }])

    await waitForRings(run, 121)
    await add('ring__expire', { id })
    await deliver(database())

    expect(await states()).toEqual([{ state: 'expired' }])
    expect(await jobs()).toEqual([])
  })

  test('is done, not failed, when the ring is gone', async () => {
    await add('ring__expire', { id: crypto.randomUUID() })

    await deliver(database())

    expect((await jobs()).filter(({ last_error }) => last_error !== null)).toEqual([])
  })
})

describe('presence__end', () => {
  const untils = () => run('select until = expires_at as is_over from app_public.presences')

  test('ends a presence with its day, also when it is run twice', async () => {
    const [member] = connections()
    await member!.become({ person: studio.member })
    const [entered] = await member!.run('select id from app_public.enter_office($1)', [studio.officeId])
    await add('presence__end', { id: entered!.id })
    await deliver(database())
    expect(await untils()).toEqual([{ is_over: null }])

    await run(`update app_public.presences set since = since - interval '25 hours', expires_at = now()`)
    await bringForward()
    await add('presence__end', { id: entered!.id })
    await deliver(database())

    expect(await untils()).toEqual([{ is_over: true }])
    expect(await jobs()).toEqual([])
  })
})

test.each(['ring__expire', 'presence__end'])('%s without an id fails with what is wrong', async (task) => {
  await add(task, {})

  await deliver(database())

  expect(await jobs()).toEqual([{ task_identifier: task, last_error: expect.stringContaining('id') }])
})
