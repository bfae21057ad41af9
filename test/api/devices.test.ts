import { describe, expect, test } from '@jest/globals'
import { makeDevice, makeKey } from '../support/devices.ts'
import { told, useLiveStudio } from '../support/realtime.ts'

const { api, studio, run, signIn, listenWith } = useLiveStudio()

const createCode = `mutation ($id: UUID!) {
  createEnrolmentCode(input: { deviceId: $id }) { result { code expiresAt } }
}`
const enrol =
  'mutation ($code: String!) { enrolDevice(input: { code: $code }) { result { token deviceId } } }'
const beat = 'mutation { sendHeartbeat(input: {}) { result { id isOnline } } }'
const revoke = 'mutation ($id: UUID!) { revokeDevice(input: { id: $id }) { result { revokedAt } } }'

/** Another device of the studio, enrolled as one is: its id and key. */
async function enrolled() {
  const id = await makeDevice(run, studio())
  const token = await signIn(studio().manager)
  const code = await api().ask(createCode, { token, variables: { id } })
  const { data } = await api().ask(enrol, {
    variables: { code: code.data!.createEnrolmentCode.result.code },
  })
  return { id, token: data!.enrolDevice.result.token as string }
}
const codeOf = async (token: string) => (await api().ask(beat, { token })).errors?.[0]?.extensions?.code

describe('a device', () => {
  test('enrols by the code of a manager, and is online with its first sign of life', async () => {
    const { id, token } = await enrolled()

    expect((await api().ask(beat, { token })).data).toEqual({
      sendHeartbeat: { result: { id, isOnline: true } },
    })
  })

  test('sees itself and its doors, and of people and offices nothing', async () => {
    const token = await makeKey(run, studio().deviceId)

    const { data } = await api().ask(
      '{ devices { nodes { name } } doors { nodes { name unlockSeconds } } }',
      {
        token,
      },
    )
    const refused = await Promise.all(
      ['{ people { nodes { id } } }', '{ offices { nodes { id } } }', '{ memberships { nodes { id } } }'].map(
        (query) => api().ask(query, { token }),
      ),
    )

    expect(data).toEqual({
      devices: { nodes: [{ name: 'Controller' }] },
      doors: { nodes: [{ name: 'Front', unlockSeconds: 5 }] },
    })
    for (const { errors } of refused) expect(errors?.[0]?.extensions?.code).toBe('FORBIDDEN')
  })

  test('is told of its own doors, and not of others', async () => {
    const token = await makeKey(run, studio().deviceId)
    const subscriber = listenWith(token, 'subscription { doorChanged { event id door { name } } }')
    await subscriber.until(1)

    await run(`insert into app_public.doors (organization_id, office_id, name) values ($1, $2, 'Roof')`, [
      studio().organizationId,
      studio().officeId,
    ])
    await run('update app_public.doors set unlock_seconds = 7 where id = $1', [studio().doorId])

    expect((await subscriber.until(2)).slice(1).map(told)).toEqual([['UPDATED', 'Front']])
  })

  test('has its key changed, and both work', async () => {
    const { id, token } = await enrolled()

    const { data } = await api().ask(
      'mutation { rotateDeviceKey(input: {}) { result { token deviceId } } }',
      { token },
    )

    const { token: next, deviceId } = data!.rotateDeviceKey.result
    expect(deviceId).toBe(id)
    expect([await codeOf(token), await codeOf(next as string)]).toEqual([undefined, undefined])
  })

  test('that was revoked is refused at once, and its socket closed within a second', async () => {
    const { id, token } = await enrolled()
    const subscriber = listenWith(token, 'subscription { doorChanged { event } }')
    await subscriber.until(1)
    const manager = await signIn(studio().manager)

    const began = performance.now()
    await api().ask(revoke, { token: manager, variables: { id } })
    const code = await codeOf(token)
    const { code: close } = await subscriber.closed
    const ms = performance.now() - began

    expect(code).toBe('UNAUTHENTICATED')
    expect(close).toBe(4401)
    expect(ms).toBeLessThan(1000)
  })

  test('that is enrolled anew leaves its old key behind', async () => {
    const { id, token } = await enrolled()
    const manager = await signIn(studio().manager)
    const { data } = await api().ask(createCode, { token: manager, variables: { id } })

    await api().ask(enrol, { variables: { code: data!.createEnrolmentCode.result.code } })

    expect(await codeOf(token)).toBe('UNAUTHENTICATED')
  })
})

describe('enrolDevice', () => {
  test('answers a wrong code with nothing, and too many with how long to wait', async () => {
    const { data } = await api().ask(enrol, { variables: { code: 'K7QF-2MXD-9RTB' } })
    await run(`update app_private.attempt_limits set most = 1 where action = 'enrolment'`)
    const { errors } = await api().ask(enrol, { variables: { code: 'K7QF-2MXD-9RTB' } })
    await run(`update app_private.attempt_limits set most = 20 where action = 'enrolment'`)

    expect(data).toEqual({ enrolDevice: { result: null } })
    expect(errors?.[0]?.extensions).toMatchObject({
      code: 'TOO_MANY_ATTEMPTS',
      retryAfter: expect.any(Number),
    })
  })

  test.each(['member', 'stranger'] as const)('the %s gets no code for it', async (who) => {
    const { errors } = await api().ask(createCode, {
      token: await signIn(studio()[who]),
      variables: { id: studio().deviceId },
    })

    expect(errors?.[0]?.extensions?.code).toBe('NOT_FOUND')
  })
})
