import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { hangBell, waitForRings } from '../support/bells.ts'
import { makeDevice, makeKey } from '../support/devices.ts'
import { deliver } from '../support/post.ts'
import { useLiveStudio } from '../support/realtime.ts'

const { api, database, studio, run, signIn, listenAs, listenWith } = useLiveStudio()

let bell: string
let key: string
beforeAll(async () => {
  bell = await hangBell(run, studio())
  key = await makeKey(run, bell)
})
beforeEach(() => run('delete from app_public.rings'))

const ringDoorbell = `mutation ($doorId: UUID!) {
  ringDoorbell(input: { doorId: $doorId }) { result { id count state isQuiet } }
}`
const answerBy = (field: string) => `mutation ($ringId: UUID!) {
  ${field}(input: { ringId: $ringId }) { result { isFirst isAllowed reason commandId } }
}`
const rings = `subscription ($id: UUID) {
  ringChanged(id: $id) { event id ring { state count isQuiet door { name } answerer { name } command { state } } }
}`

const ring = async (token = key) => {
  const { data, errors } = await api().ask(ringDoorbell, { token, variables: { doorId: studio().doorId } })
  return errors ? { code: errors[0]!.extensions?.code } : (data!.ringDoorbell.result as { id: string })
}
const ringId = async () => ((await ring()) as { id: string }).id
const answer = async (field: 'openForRing' | 'dismissRing', token: string, id: string) => {
  const { data, errors } = await api().ask(answerBy(field), { token, variables: { ringId: id } })
  return (errors ? { code: errors[0]!.extensions?.code } : data![field].result) as Record<string, unknown>
}

describe('a ring', () => {
  test('reaches the front ends of an office, which see who answers and the door open', async () => {
    const [member, manager] = [await signIn(studio().member), await signIn(studio().manager)]
    const socket = listenWith(member, rings)
    await socket.until(1)

    const id = await ringId()
    await socket.until(2)
    await ring()
    await socket.until(3)
    const first = await answer('openForRing', manager, id)
    const [, rang, again, answered] = await socket.until(4)
    const late = await answer('openForRing', member, id)

    expect(rang).toMatchObject({ event: 'INSERTED', id, ring: { door: { name: 'Front' }, isQuiet: false } })
    expect(again).toMatchObject({ event: 'UPDATED', id, ring: { count: 2 } })
    expect(answered).toEqual({
      event: 'UPDATED',
      id,
      // Managers see commands of others, members do not.
      ring: {
        state: 'answered',
        count: 2,
        isQuiet: false,
        door: { name: 'Front' },
        answerer: { name: 'Marc' },
        command: null,
      },
    })
    expect(first).toMatchObject({ isFirst: true, isAllowed: true, commandId: expect.any(String) })
    expect(late).toEqual({ isFirst: false, isAllowed: false, reason: 'Marc has opened.', commandId: null })
  })

  test('reaches nobody of another organization, and no other device', async () => {
    const others = [
      await listenAs(studio().stranger, rings),
      listenWith(await makeKey(run, await makeDevice(run, studio(), 'doorbell')), rings),
    ]
    const own = listenWith(key, rings)
    await Promise.all([...others, own].map((subscriber) => subscriber.until(1)))

    const id = await ringId()
    const [, told] = await own.until(2)
    // A ring of theirs comes behind it in the same log: then this one is not on its way any more.
    await run(
      `with office as (
         insert into app_public.offices (organization_id, name) values ($1, 'Theirs') returning *
       ), door as (
         insert into app_public.doors (organization_id, office_id, name)
         select organization_id, id, 'Their door' from office returning *
       )
       insert into app_public.rings (organization_id, office_id, door_id)
       select organization_id, office_id, id from door`,
      [studio().strangerOrganizationId],
    )
    const [, theirs] = await others[0]!.until(2)

    expect(told).toMatchObject({ event: 'INSERTED', id })
    expect(theirs!.ring.door.name).toBe('Their door')
    expect(others[1]!.events).toHaveLength(1)
  })

  test('that nobody answers is told to have expired', async () => {
    const socket = await listenAs(studio().member, rings)
    await socket.until(1)
    const id = await ringId()
    await waitForRings(run, 121)
    await deliver(database())

    const events = await socket.until(4)
    expect(events.at(-1)).toMatchObject({ event: 'UPDATED', id, ring: { state: 'expired' } })
  })

  test('is one, however often and by how many requests at once it is pressed', async () => {
    const pressed = await Promise.all(Array.from({ length: 20 }, () => ring()))

    expect(new Set(pressed.map((one) => (one as { id: string }).id)).size).toBe(1)
    expect(await run('select count from app_public.rings')).toEqual([{ count: 20 }])
  })

  test('answered by everybody at once has one answer', async () => {
    const id = await ringId()
    const tokens = await Promise.all(
      [studio().owner, studio().manager, studio().member].map((person) => signIn(person)),
    )

    const answers = await Promise.all(
      tokens.flatMap((token) => [answer('openForRing', token, id), answer('dismissRing', token, id)]),
    )

    expect(answers.filter(({ isFirst }) => isFirst)).toHaveLength(1)
  })
})

describe('who may not', () => {
  test.each(['owner', 'member', 'stranger'] as const)('the %s cannot press a bell', async (who) => {
    expect(await ring(await signIn(studio()[who]))).toEqual({ code: 'FORBIDDEN' })
  })

  test('a bell of no door is told that there is no such door', async () => {
    const other = await makeKey(run, await makeDevice(run, studio(), 'doorbell'))

    expect(await ring(other)).toEqual({ code: 'NOT_FOUND' })
  })

  test('a stranger learns nothing of a ring, and opens nothing', async () => {
    const id = await ringId()
    const stranger = await signIn(studio().stranger)

    for (const field of ['openForRing', 'dismissRing'] as const) {
      expect(await answer(field, stranger, id)).toEqual(await answer(field, stranger, crypto.randomUUID()))
    }
    expect(await run('select state from app_public.rings where id = $1', [id])).toEqual([
      { state: 'ringing' },
    ])
  })

  test('a device answers no ring', async () => {
    expect(await answer('openForRing', key, await ringId())).toEqual({ code: 'FORBIDDEN' })
  })

  test('a bell that was revoked is refused at once', async () => {
    const other = await makeDevice(run, studio(), 'doorbell')
    const token = await makeKey(run, other)
    await run('update app_public.doors set bell_device_id = $1 where id = $2', [other, studio().doorId])
    await api().ask('mutation ($id: UUID!) { revokeDevice(input: { id: $id }) { result { id } } }', {
      token: await signIn(studio().manager),
      variables: { id: other },
    })

    expect(await ring(token)).toEqual({ code: 'UNAUTHENTICATED' })
    await run('update app_public.doors set bell_device_id = $1 where id = $2', [bell, studio().doorId])
  })
})
