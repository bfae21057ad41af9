import { createHash } from 'node:crypto'
import { beforeEach, describe, expect, test } from '@jest/globals'
import { useTransaction } from '../support/database.ts'
import { makeDevice, makeKey } from '../support/devices.ts'
import { makeStudio, type Studio } from '../support/people.ts'

const as = useTransaction()
let studio: Studio
beforeEach(async () => {
  studio = await makeStudio(as.owner)
})

const codeFor = async (deviceId: string, who = studio.manager) => {
  const [made] = await as.person(who)(
    `select code, expires_at = now() + interval '15 minutes' as is_due
     from app_public.create_enrolment_code($1)`,
    [deviceId],
  )
  return made as { code: string; is_due: boolean }
}
const enrol = async (code: string | null) => {
  const [key] = await as.anonymous('select * from app_public.enrol_device($1)', [code])
  return key as { token: string | null; device_id: string | null }
}
const hashOf = (token: string) => createHash('sha256').update(token).digest()
/** Which device a token stands for; null when it does not count. */
const deviceOf = async (token: string) =>
  as.owner('select setting, value from app_private.identify($1)', [hashOf(token)]).then(
    (rows) => rows.find(({ setting }) => setting === 'plinth.device_id')!.value,
    () => null,
  )
const nothing = { token: null, device_id: null }

describe('app_public.create_enrolment_code', () => {
  test.each(['owner', 'manager'] as const)('the %s gets a code for a quarter of an hour', async (who) => {
    const { code, is_due } = await codeFor(studio.deviceId, studio[who])

    expect(code).toMatch(/^([2-9A-HJKMNP-TV-Z]{4}-){2}[2-9A-HJKMNP-TV-Z]{4}$/)
    expect(is_due).toBe(true)
  })

  test.each(['member', 'stranger'] as const)('the %s gets none, as for no device', async (who) => {
    await expect(codeFor(studio.deviceId, studio[who])).rejects.toMatchObject({ code: 'NTFND' })
    await expect(codeFor(crypto.randomUUID(), studio[who])).rejects.toMatchObject({ code: 'NTFND' })
  })

  test('an anonymous caller may not even ask', async () => {
    const asking = as.anonymous('select app_public.create_enrolment_code($1)', [studio.deviceId])

    await expect(asking).rejects.toMatchObject({ code: '42501' })
  })

  test('codes differ, are kept as a hash alone, and use each letter', async () => {
    const codes = await as.owner('select app_private.make_device_code() as code from generate_series(1, 500)')
    const { code } = await codeFor(studio.deviceId)

    expect(new Set(codes.map((row) => row.code)).size).toBe(500)
    expect(new Set(codes.flatMap((row) => (row.code as string).match(/./g))).size).toBe(31)
    const [row] = await as.owner('select enrolments::text as text from app_private.enrolments')
    expect(row!.text).not.toContain(code.slice(0, 4))
  })
})

describe('app_public.rotate_device_key', () => {
  const rotate = async (deviceId: string) => {
    const [key] = await as.device(deviceId)('select * from app_public.rotate_device_key()')
    return key as { token: string | null; device_id: string | null }
  }

  test('a device gets another key, and has an hour with the old one', async () => {
    const before = await makeKey(as.owner, studio.deviceId)

    const { token } = await rotate(studio.deviceId)

    expect(await deviceOf(token!)).toBe(studio.deviceId)
    expect(await deviceOf(before)).toBe(studio.deviceId)
    const ends = await as.owner(
      `select expires_at - now() = interval '1 hour' as in_an_hour from app_private.tokens where hash = $1`,
      [hashOf(before)],
    )
    expect(ends).toEqual([{ in_an_hour: true }])
  })

  test('an old key gets no more time by another change, and goes once it has ended', async () => {
    const before = await makeKey(as.owner, studio.deviceId)
    await rotate(studio.deviceId)
    await as.owner(`update app_private.tokens set expires_at = now() + interval '1 second' where hash = $1`, [
      hashOf(before),
    ])

    await rotate(studio.deviceId)
    const [row] = await as.owner(
      `select expires_at = now() + interval '1 second' as is_kept from app_private.tokens where hash = $1`,
      [hashOf(before)],
    )
    await as.owner('update app_private.tokens set expires_at = now() where hash = $1', [hashOf(before)])
    await rotate(studio.deviceId)

    expect(row).toEqual({ is_kept: true })
    expect(await as.owner('select from app_private.tokens where hash = $1', [hashOf(before)])).toEqual([])
  })

  test('keys of other devices are not touched', async () => {
    const other = await makeKey(as.owner, await makeDevice(as.owner, studio))

    await rotate(studio.deviceId)

    const rows = await as.owner('select expires_at::text from app_private.tokens where hash = $1', [
      hashOf(other),
    ])
    expect(rows).toEqual([{ expires_at: 'infinity' }])
  })

  test('a device that was revoked at this moment gets none', async () => {
    await as.owner('update app_public.devices set revoked_at = now()')

    expect(await rotate(studio.deviceId)).toEqual(nothing)
  })

  test('a person has no such key', async () => {
    const trying = as.person(studio.owner)('select app_public.rotate_device_key()')

    await expect(trying).rejects.toMatchObject({ code: '42501' })
  })
})

describe('app_public.revoke_device', () => {
  const revoke = (who: string, deviceId = studio.deviceId) =>
    as.person(who)(
      'select revoked_at is not null as is_revoked, is_online from app_public.revoke_device($1)',
      [deviceId],
    )

  test('all keys of the device end, those of others do not', async () => {
    const keys = [await makeKey(as.owner, studio.deviceId), await makeKey(as.owner, studio.deviceId)]
    const other = await makeDevice(as.owner, studio)
    const key = await makeKey(as.owner, other)

    expect(await revoke(studio.manager)).toEqual([{ is_revoked: true, is_online: false }])

    expect(await Promise.all(keys.map(deviceOf))).toEqual([null, null])
    expect(await deviceOf(key)).toBe(other)
  })

  test('it can be enrolled again', async () => {
    await revoke(studio.manager)

    const { token } = await enrol((await codeFor(studio.deviceId)).code)

    expect(await deviceOf(token!)).toBe(studio.deviceId)
    expect(await as.owner('select revoked_at from app_public.devices')).toEqual([{ revoked_at: null }])
  })

  test.each(['member', 'stranger'] as const)('the %s cannot', async (who) => {
    await expect(revoke(studio[who])).rejects.toMatchObject({ code: 'NTFND' })
  })
})
