import { beforeEach, describe, expect, test } from '@jest/globals'
import { useTransaction } from '../support/database.ts'
import { makeDevice } from '../support/devices.ts'
import { makeStudio, type Studio } from '../support/people.ts'

const as = useTransaction()
let studio: Studio
beforeEach(async () => {
  studio = await makeStudio(as.owner)
})

const insert = `insert into app_public.devices (organization_id, office_id, name, kind)
  values ($1, $2, $3, $4) returning is_online, enrolled_at, revoked_at`

describe('app_public.devices', () => {
  test('a manager adds one, which has no key and is not there yet', async () => {
    const added = await as.person(studio.manager)(insert, [
      studio.organizationId,
      studio.officeId,
      'Rear',
      'doorbell',
    ])

    expect(added).toEqual([{ is_online: false, enrolled_at: null, revoked_at: null }])
  })

  test.each(['', ' ', 'x'.repeat(101)])('a name cannot be "%s"', async (name) => {
    const adding = as.person(studio.manager)(insert, [
      studio.organizationId,
      studio.officeId,
      name,
      'doorbell',
    ])

    await expect(adding).rejects.toMatchObject({ code: '23514' })
  })

  test('a manager cannot invent a kind, nor use an office of others', async () => {
    const add = (officeId: string, kind: string) =>
      as.person(studio.manager)(insert, [studio.organizationId, officeId, 'Rear', kind])
    const [theirs] = await as.owner(
      `insert into app_public.offices (organization_id, name) values ($1, 'Theirs') returning id`,
      [studio.strangerOrganizationId],
    )

    await expect(add(studio.officeId, 'toaster')).rejects.toMatchObject({ code: '23503' })
    await expect(add(theirs!.id as string, 'controller')).rejects.toMatchObject({ code: '23503' })
  })

  test.each(['is_online = true', 'enrolled_at = now()', 'revoked_at = null', `kind = 'doorbell'`])(
    'a manager cannot set %s',
    async (assignment) => {
      const changing = as.person(studio.manager)(`update app_public.devices set ${assignment}`)

      await expect(changing).rejects.toMatchObject({ code: '42501' })
    },
  )

  test('what an organization has goes with it: doors, devices, keys and codes', async () => {
    await as.person(studio.manager)('select app_public.create_enrolment_code($1)', [studio.deviceId])
    await as.owner('select app_private.make_device_key($1)', [studio.deviceId])

    await as.owner('delete from app_public.organizations where id = $1', [studio.organizationId])

    const left = await as.owner(
      `select from app_public.devices union all select from app_private.enrolments
       union all select from app_private.tokens where device_id is not null`,
    )
    expect(left).toEqual([])
  })
})

describe('the controller of a door', () => {
  const assign = (deviceId: string | null, who = studio.manager) =>
    as.person(who)('update app_public.doors set device_id = $1 where id = $2 returning device_id', [
      deviceId,
      studio.doorId,
    ])

  test('is chosen, and taken away, by a manager', async () => {
    const deviceId = await makeDevice(as.owner, studio)

    expect(await assign(deviceId)).toEqual([{ device_id: deviceId }])
    expect(await assign(null)).toEqual([{ device_id: null }])
  })

  test('is not changed by a member', async () => {
    expect(await assign(null, studio.member)).toEqual([])
  })

  test('cannot be a doorbell', async () => {
    await expect(assign(await makeDevice(as.owner, studio, 'doorbell'))).rejects.toMatchObject({
      code: '22023',
      column: 'device_id',
    })
  })

  test('cannot be of another office, of another organization, or of nobody', async () => {
    const officeIn = async (organizationId: string) => {
      const [office] = await as.owner(
        `insert into app_public.offices (organization_id, name) values ($1, 'Other') returning id`,
        [organizationId],
      )
      return { organizationId, officeId: office!.id as string }
    }
    const elsewhere = await makeDevice(as.owner, await officeIn(studio.organizationId))
    const theirs = await makeDevice(as.owner, await officeIn(studio.strangerOrganizationId))

    for (const deviceId of [elsewhere, theirs, crypto.randomUUID()]) {
      await expect(assign(deviceId)).rejects.toMatchObject({ code: '22023', column: 'device_id' })
    }
  })

  test.each([0, 31])('does not unlock it for %d seconds', async (seconds) => {
    const changing = as.person(studio.manager)('update app_public.doors set unlock_seconds = $1', [seconds])

    await expect(changing).rejects.toMatchObject({ code: '23514' })
  })
})

describe('what a device sees', () => {
  test('is itself and its doors', async () => {
    const other = await makeDevice(as.owner, studio)
    await as.owner(
      `insert into app_public.doors (organization_id, office_id, name, device_id) values ($1, $2, 'Rear', $3)`,
      [studio.organizationId, studio.officeId, other],
    )
    await as.owner(
      `insert into app_public.doors (organization_id, office_id, name) values ($1, $2, 'Roof')`,
      [studio.organizationId, studio.officeId],
    )
    const device = as.device(studio.deviceId)

    expect(await device('select id from app_public.devices')).toEqual([{ id: studio.deviceId }])
    expect(await device('select id, name from app_public.doors')).toEqual([
      { id: studio.doorId, name: 'Front' },
    ])
    await as.owner('update app_public.doors set device_id = null')
    expect(await device('select id from app_public.doors')).toEqual([])
  })

  test.each([
    'select from app_public.people',
    'select from app_public.offices',
    'select from app_public.organizations',
    'select from app_public.memberships',
    'select from app_public.door_decisions',
    'select from app_private.tokens',
    'select from app_private.enrolments',
    `update app_public.devices set name = 'Mine'`,
    `update app_public.doors set unlock_seconds = 30`,
    'select app_public.unlock_door(gen_random_uuid())',
    'select app_public.create_enrolment_code(gen_random_uuid())',
    'select app_public.revoke_device(gen_random_uuid())',
    'select app_private.make_device_key(gen_random_uuid())',
    'select app_private.check_devices()',
  ])('has no right to: %s', async (statement) => {
    await expect(as.device(studio.deviceId)(statement)).rejects.toMatchObject({ code: '42501' })
  })
})
