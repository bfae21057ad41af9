import { beforeEach, describe, expect, test } from '@jest/globals'
import { hangBell, press, waitForRings } from '../support/bells.ts'
import { useTransaction } from '../support/database.ts'
import { makeDevice } from '../support/devices.ts'
import { makeInOffice } from '../support/doorRules.ts'
import { makeStudio, type Studio } from '../support/people.ts'
import { everybody, runAs } from './actors.ts'

const as = useTransaction()
let studio: Studio
let bell: string
beforeEach(async () => {
  studio = await makeStudio(as.owner)
  bell = await hangBell(as.owner, studio)
})

const ring = (device = bell) => press(as.device(device), studio.doorId)
const rings = () => as.owner('select state, count, is_quiet from app_public.rings order by rang_at, id')
const answer = (opens = false) =>
  as.owner('select app_private.answer_ring(id, $1, $2) from app_public.rings where state = $3', [
    studio.member,
    opens,
    'ringing',
  ])

describe('a doorbell', () => {
  test('rings for its door', async () => {
    expect(await ring()).toMatchObject({
      office_id: studio.officeId,
      door_id: studio.doorId,
      device_id: bell,
      state: 'ringing',
      count: 1,
      is_quiet: false,
      answered_by: null,
      command_id: null,
    })
  })

  test('may be the controller of the door, too', async () => {
    expect(await ring(studio.deviceId)).toMatchObject({ device_id: studio.deviceId, count: 1 })
  })

  test('cannot ring for a door of others, nor for one that is not there', async () => {
    const other = await makeDevice(as.owner, studio, 'doorbell')

    await expect(ring(other)).rejects.toMatchObject({ code: 'NTFND', column: 'door_id' })
    await expect(press(as.device(bell), crypto.randomUUID())).rejects.toMatchObject({ code: 'NTFND' })
    expect(await rings()).toEqual([])
  })

  test('cannot ring any more at the door that it was taken from', async () => {
    await as.owner('update app_public.doors set bell_device_id = null')

    await expect(ring()).rejects.toMatchObject({ code: 'NTFND' })
  })

  test('that was revoked cannot ring', async () => {
    await as.person(studio.manager)('select app_public.revoke_device($1)', [bell])

    await expect(ring()).rejects.toMatchObject({ code: 'NTFND' })
    expect(await rings()).toEqual([])
  })

  test.each(everybody)('is nothing that the %s could press from afar', async (who) => {
    await expect(press(runAs(as, studio, who), studio.doorId)).rejects.toMatchObject({ code: '42501' })
  })

  test('sees its door and its rings; another sees neither', async () => {
    await ring()
    const other = await makeDevice(as.owner, studio, 'doorbell')
    const seen = (id: string) =>
      as.device(id)('select doors.name, rings.state from app_public.doors full join app_public.rings on true')

    expect(await seen(bell)).toEqual([{ name: 'Front', state: 'ringing' }])
    expect(await seen(other)).toEqual([])
  })

  test.each(everybody)('cannot have its ring written or removed by the %s', async (who) => {
    await ring()
    const run = runAs(as, studio, who)

    await expect(run(`update app_public.rings set state = 'expired'`)).rejects.toMatchObject({
      code: '42501',
    })
    await expect(run('delete from app_public.rings')).rejects.toMatchObject({ code: '42501' })
  })
})

describe('pressing again', () => {
  test('a thousand times is one ring, and one job', async () => {
    for (let pressed = 0; pressed < 1000; pressed++) await ring()

    expect(await rings()).toMatchObject([{ state: 'ringing', count: 1000 }])
    expect(await as.owner(`select from graphile_worker.jobs where task_identifier = 'ring__expire'`)).toEqual(
      [{}],
    )
  }, 30_000)

  test('within ten seconds puts off its end, and that of the job', async () => {
    const first = await ring()
    await waitForRings(as.owner, 9)

    const again = await ring()

    expect(again).toMatchObject({ id: first.id, count: 2 })
    const [due] = await as.owner(
      `select run_at = expires_at as is_at_its_end, expires_at - last_rang_at = interval '2 minutes' as is_put_off
       from app_public.rings join graphile_worker.jobs on key = 'ring ' || rings.id`,
    )
    expect(due).toEqual({ is_at_its_end: true, is_put_off: true })
  })

  test('on the controller’s button and the bell is one ring', async () => {
    await ring()

    expect(await ring(studio.deviceId)).toMatchObject({ count: 2, device_id: bell })
  })

  test('right after an answer bothers nobody anew, and moves nothing', async () => {
    await ring()
    await answer()
    await waitForRings(as.owner, 9)

    const { count, last_rang_at } = await ring()

    expect(await rings()).toEqual([{ state: 'answered', count: 2, is_quiet: false }])
    expect(count).toBe(2)
    expect(Date.now() - (last_rang_at as Date).getTime()).toBeGreaterThan(8000)
  })

  test('ten seconds after the last press before an answer is a new ring', async () => {
    await ring()
    await answer()
    for (let seconds = 0; seconds < 9; seconds += 3) {
      await ring()
      await waitForRings(as.owner, 3.5)
    }

    await ring()

    expect(await rings()).toMatchObject([
      { state: 'answered', count: 4 },
      { state: 'ringing', count: 1 },
    ])
  })

  test.each([11, 121])(
    'after %d seconds without an answer is a new ring in the place of the first',
    async (seconds) => {
      await ring()
      await waitForRings(as.owner, seconds)

      await ring()

      expect(await rings()).toMatchObject([
        { state: 'expired', count: 1 },
        { state: 'ringing', count: 1 },
      ])
    },
  )

  test('at another door is a ring of its own', async () => {
    const [rear] = await as.owner(
      `insert into app_public.doors (organization_id, office_id, name, bell_device_id)
       values ($1, $2, 'Rear', $3) returning id`,
      [studio.organizationId, studio.officeId, bell],
    )
    await ring()

    await press(as.device(bell), rear!.id as string)

    expect(await rings()).toMatchObject([{ count: 1 }, { count: 1 }])
  })
})

describe('in quiet hours', () => {
  const setQuiet = (isQuiet: boolean) =>
    isQuiet
      ? makeInOffice(as.owner, studio, 'closures', {
          name: 'Holidays',
          starts_on: '2000-01-01',
          ends_on: '2100-01-01',
        })
      : as.owner('delete from app_public.closures')

  test('a ring is recorded as one that bothers nobody', async () => {
    await setQuiet(true)

    expect(await ring()).toMatchObject({ state: 'ringing', is_quiet: true })
  })

  test('one that began before stays loud', async () => {
    await ring()
    await setQuiet(true)

    expect(await ring()).toMatchObject({ count: 2, is_quiet: false })
  })

  test('one that is pressed again after their end is loud from then on', async () => {
    await setQuiet(true)
    await ring()
    await setQuiet(false)

    expect(await ring()).toMatchObject({ count: 2, is_quiet: false })
  })
})
