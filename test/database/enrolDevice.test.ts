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

describe('app_public.enrol_device', () => {
  test('a device gets a key that stands for it, and only its hash is kept', async () => {
    const { code } = await codeFor(studio.deviceId)

    const key = await enrol(code)

    expect(key).toEqual({
      token: expect.stringMatching(/^plinth_device_[0-9a-f]{64}$/),
      device_id: studio.deviceId,
    })
    expect(await deviceOf(key.token!)).toBe(studio.deviceId)
    expect(await as.owner('select hash, person_id, expires_at::text from app_private.tokens')).toEqual([
      { hash: hashOf(key.token!), person_id: null, expires_at: 'infinity' },
    ])
  })

  test('small letters, blanks and missing dashes do not matter', async () => {
    const { code } = await codeFor(studio.deviceId)

    expect(await enrol(` ${code.toLowerCase().replaceAll('-', ' ')} `)).toMatchObject({
      device_id: studio.deviceId,
    })
  })

  test.each([
    ['wrong', async () => 'K7QF-2MXD-9RTB'],
    ['no', async () => null],
    ['an empty', async () => ''],
    [
      'a used',
      async () => {
        const { code } = await codeFor(studio.deviceId)
        await enrol(code)
        return code
      },
    ],
    [
      'a replaced',
      async () => {
        const { code } = await codeFor(studio.deviceId)
        await codeFor(studio.deviceId)
        return code
      },
    ],
    [
      'an expired',
      async () => {
        const { code } = await codeFor(studio.deviceId)
        await as.owner('update app_private.enrolments set expires_at = clock_timestamp()')
        return code
      },
    ],
    [
      'a revoked',
      async () => {
        const { code } = await codeFor(studio.deviceId)
        await as.person(studio.manager)('select app_public.revoke_device($1)', [studio.deviceId])
        return code
      },
    ],
  ])('%s code is answered with nothing', async (_, make) => {
    expect(await enrol(await make())).toEqual(nothing)
  })

  test('a code is for its device alone', async () => {
    const other = await makeDevice(as.owner, studio)
    const [{ code: first }, { code: second }] = [await codeFor(studio.deviceId), await codeFor(other)]

    expect(await enrol(second)).toMatchObject({ device_id: other })
    expect(await enrol(first)).toMatchObject({ device_id: studio.deviceId })
  })

  test('keys that the device had before end', async () => {
    const before = await makeKey(as.owner, studio.deviceId)

    await enrol((await codeFor(studio.deviceId)).code)

    expect(await deviceOf(before)).toBeNull()
  })

  test('somebody who has signed in cannot make a device of themselves', async () => {
    const trying = as.person(studio.owner)(`select app_public.enrol_device('')`)

    await expect(trying).rejects.toMatchObject({ code: '42501' })
  })

  test('the twenty-first attempt from a network has to wait, also with the right code', async () => {
    const count = async (address: string) => {
      await as.owner(`select set_config('plinth.request', $1, true)`, [JSON.stringify({ address })])
      const [row] = await as.anonymous('select app_hidden.count_enrolment() as seconds')
      return row!.seconds as number | null
    }
    for (let tries = 0; tries < 20; tries++) expect(await count('203.0.113.7')).toBeNull()

    expect(await count('203.0.113.7')).toBeGreaterThan(800)
    expect(await count('203.0.113.8')).toBeNull()
  })
})
