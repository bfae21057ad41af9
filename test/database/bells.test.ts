import { beforeEach, describe, expect, test } from '@jest/globals'
import { hangBell, press } from '../support/bells.ts'
import { useTransaction } from '../support/database.ts'
import { makeDevice } from '../support/devices.ts'
import { makeStudio, type Studio } from '../support/people.ts'

const as = useTransaction()
let studio: Studio
let bell: string
beforeEach(async () => {
  studio = await makeStudio(as.owner)
  bell = await hangBell(as.owner, studio)
})

describe('the bell of a door', () => {
  const hang = (device: string | null, who = studio.manager) =>
    as.person(who)('update app_public.doors set bell_device_id = $1 where id = $2 returning bell_device_id', [
      device,
      studio.doorId,
    ])

  test('a manager hangs it and takes it down', async () => {
    expect(await hang(null)).toEqual([{ bell_device_id: null }])
    expect(await hang(bell)).toEqual([{ bell_device_id: bell }])
  })

  test('a member and a stranger reach no door to hang it at', async () => {
    expect(await hang(bell, studio.member)).toEqual([])
    expect(await hang(bell, studio.stranger)).toEqual([])
  })

  test.each(['a controller', 'a doorbell of another office', 'nothing that there is'])(
    'cannot be %s',
    async (what) => {
      const [office] = await as.owner(
        `insert into app_public.offices (organization_id, name) values ($1, 'Annex') returning id`,
        [studio.organizationId],
      )
      const annex = { ...studio, officeId: office!.id as string }
      const device = {
        'a controller': studio.deviceId,
        'a doorbell of another office': await makeDevice(as.owner, annex, 'doorbell'),
      }[what]

      await expect(hang(device ?? crypto.randomUUID())).rejects.toMatchObject({
        code: '22023',
        column: 'bell_device_id',
      })
    },
  )

  test('when it is deleted leaves its rings behind', async () => {
    await press(as.device(bell), studio.doorId)
    await as.owner('update app_public.doors set bell_device_id = null')
    await as.owner('delete from app_public.devices where id = $1', [bell])

    expect(await as.owner('select device_id, state from app_public.rings')).toEqual([
      { device_id: null, state: 'ringing' },
    ])
  })
})
