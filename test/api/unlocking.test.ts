import { describe, expect, test } from '@jest/globals'
import { makeDevice, makeKey } from '../support/devices.ts'
import { useLiveStudio } from '../support/realtime.ts'

const { api, studio, run, signIn, listenWith } = useLiveStudio()

const unlock = `mutation ($doorId: UUID!) {
  unlockDoor(input: { doorId: $doorId }) { result { isAllowed rule reason commandId } }
}`
const claim = `mutation ($id: UUID!) {
  claimUnlock(input: { commandId: $id }) { result { isGranted unlockSeconds reason } }
}`
const report = `mutation ($id: UUID!, $hasOpened: Boolean!) {
  reportUnlock(input: { commandId: $id, hasOpened: $hasOpened }) { result }
}`
const commands = `subscription ($id: UUID) {
  unlockCommandChanged(id: $id) { event id unlockCommand { state door { name unlockSeconds } } }
}`

const ask = async (token: string) => {
  const { data } = await api().ask(unlock, { token, variables: { doorId: studio().doorId } })
  return data!.unlockDoor.result as { isAllowed: boolean; commandId: string; reason: string }
}
const claimAs = async (token: string, id: string) => {
  const { data, errors } = await api().ask(claim, { token, variables: { id } })
  return (data?.claimUnlock.result.isGranted as boolean | undefined) ?? errors![0]!.extensions?.code
}
const reportAs = async (token: string, id: string, hasOpened: boolean) =>
  (await api().ask(report, { token, variables: { id, hasOpened } })).data!.reportUnlock.result as boolean
const stateOf = async (id: string) =>
  (await run('select state from app_public.unlock_commands where id = $1', [id]))[0]!.state
const statesIn = (events: Record<string, any>[]) =>
  events.map(({ unlockCommand }) => unlockCommand?.state as unknown)

/** A controller of the door on a socket of its own, that hears of commands and does nothing by itself. */
async function controller() {
  const token = await makeKey(run, studio().deviceId)
  const socket = listenWith(token, commands)
  await socket.until(1)
  return { token, socket }
}

describe('opening a door', () => {
  test('the controller is told, claims and reports; whoever asked watches it open', async () => {
    const { token, socket } = await controller()
    const member = await signIn(studio().member)

    const { commandId } = await ask(member)
    const watching = listenWith(member, commands, { id: commandId })
    await watching.until(1)
    const [, told] = await socket.until(2)
    const answer = await api().ask(claim, { token, variables: { id: told!.id } })
    await watching.until(2)
    const isReported = await reportAs(token, told!.id as string, true)

    expect(told).toEqual({
      event: 'INSERTED',
      id: commandId,
      unlockCommand: { state: 'pending', door: { name: 'Front', unlockSeconds: 5 } },
    })
    expect(answer.data!.claimUnlock.result).toEqual({ isGranted: true, unlockSeconds: 5, reason: null })
    expect(isReported).toBe(true)
    expect(statesIn((await watching.until(3)).slice(1)).at(-1)).toBe('opened')
  })

  test('a second controller, a colleague and a stranger hear nothing of it; a manager does', async () => {
    const other = await makeDevice(run, studio())
    const [device, colleague, stranger, manager] = [
      listenWith(await makeKey(run, other), commands),
      listenWith(await signIn(studio().owner), 'subscription { doorChanged { event } }'),
      listenWith(await signIn(studio().stranger), commands),
      listenWith(await signIn(studio().manager), commands),
    ]
    await Promise.all([device, colleague, stranger, manager].map((subscriber) => subscriber.until(1)))

    const { commandId } = await ask(await signIn(studio().member))
    const [, told] = await manager.until(2)
    // What they may see comes behind it in the same log: then the command is not on its way any more.
    const own = await makeKey(run, other)
    const { data } = await api().ask('{ unlockCommands { nodes { id } } }', { token: own })

    expect(told!.id).toBe(commandId)
    expect(data!.unlockCommands.nodes).toEqual([])
    expect([device, stranger].map(({ events }) => events.length)).toEqual([1, 1])
  })

  test('who asks while the controller is offline is told so at once', async () => {
    await run('update app_public.devices set last_seen_at = null where id = $1', [studio().deviceId])
    const answer = await ask(await signIn(studio().member))
    await run(`update app_public.devices set last_seen_at = now() + interval '1 hour' where id = $1`, [
      studio().deviceId,
    ])

    expect(answer).toMatchObject({ isAllowed: false, commandId: null })
    expect(answer.reason).toContain('offline')
  })
})

describe('a command that is', () => {
  const asked = async () => (await ask(await signIn(studio().member))).commandId
  const key = () => makeKey(run, studio().deviceId)

  test('delayed beyond its end never opens', async () => {
    const id = await asked()
    await run('update app_public.unlock_commands set expires_at = clock_timestamp() where id = $1', [id])

    expect(await claimAs(await key(), id)).toBe(false)
    expect(await stateOf(id)).toBe('expired')
  })

  test('replayed opens once, before and after the report', async () => {
    const [token, id] = [await key(), await asked()]

    expect(await claimAs(token, id)).toBe(true)
    expect(await claimAs(token, id)).toBe(false)
    await reportAs(token, id, true)
    expect(await claimAs(token, id)).toBe(false)
  })

  test('claimed many times at one moment, over several sockets and keys, opens once', async () => {
    const [one, other, id] = [await key(), await key(), await asked()]

    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, index) => claimAs(index % 2 ? one : other, id)),
    )

    expect(answers.filter((isGranted) => isGranted === true)).toHaveLength(1)
  })

  test('claimed in one operation by many aliases opens once', async () => {
    const [token, id] = [await key(), await asked()]
    const aliases = Array.from(
      { length: 5 },
      (_, index) => `a${index}: claimUnlock(input: { commandId: "${id}" }) { result { isGranted } }`,
    )

    const { data } = await api().ask(`mutation { ${aliases.join(' ')} }`, { token })

    expect(Object.values(data!).map(({ result }) => result.isGranted as unknown)).toEqual([
      true,
      ...Array.from({ length: 4 }, () => false),
    ])
  })

  test('reordered: each counts for itself, and a report before its claim for nothing', async () => {
    const token = await key()
    const [first, second] = [await asked(), await asked()]

    expect(await reportAs(token, second, true)).toBe(false)
    expect(await claimAs(token, second)).toBe(true)
    expect(await claimAs(token, first)).toBe(true)
    expect(await reportAs(token, first, false)).toBe(true)
    expect([await stateOf(first), await stateOf(second)]).toEqual(['failed', 'claimed'])
  })

  test('for another door, or claimed by another device, never opens', async () => {
    const other = await makeDevice(run, studio())
    await run('update app_public.devices set enrolled_at = now() where id = $1', [other])
    const [foreign, id] = [await makeKey(run, other), await asked()]

    expect(await claimAs(foreign, id)).toBe(false)
    expect(await reportAs(foreign, id, true)).toBe(false)
    expect(await stateOf(id)).toBe('pending')
  })

  test('claimed by whoever asked, or by nobody, is not granted', async () => {
    const id = await asked()

    expect(await claimAs(await signIn(studio().member), id)).toBe('FORBIDDEN')
    const { errors } = await api().ask(claim, { variables: { id } })
    expect(errors?.[0]?.extensions?.code).toBe('FORBIDDEN')
  })

  test('of a member who was removed since never opens', async () => {
    const [person] = await run(`insert into app_public.people (name) values ('Max') returning id`)
    await run('insert into app_public.memberships (organization_id, person_id) values ($1, $2)', [
      studio().organizationId,
      person!.id,
    ])
    const { commandId } = await ask(await signIn(person!.id as string))
    await run('delete from app_public.memberships where person_id = $1', [person!.id])

    expect(await claimAs(await key(), commandId)).toBe(false)
    expect(await stateOf(commandId)).toBe('refused')
  })

  test('of a device that was revoked since never opens, also once it is enrolled anew', async () => {
    const [token, id] = [await key(), await asked()]
    const manager = await signIn(studio().manager)
    const variables = { id: studio().deviceId }
    await api().ask('mutation ($id: UUID!) { revokeDevice(input: { id: $id }) { result { id } } }', {
      token: manager,
      variables,
    })
    expect(await claimAs(token, id)).toBe('UNAUTHENTICATED')

    const code = await api().ask(
      'mutation ($id: UUID!) { createEnrolmentCode(input: { deviceId: $id }) { result { code } } }',
      { token: manager, variables },
    )
    const enrolled = await api().ask(
      'mutation ($code: String!) { enrolDevice(input: { code: $code }) { result { token } } }',
      { variables: { code: code.data!.createEnrolmentCode.result.code } },
    )

    expect(await claimAs(enrolled.data!.enrolDevice.result.token as string, id)).toBe(false)
  })
})

test('a controller that was away hears of what is pending when it resumes', async () => {
  const token = await makeKey(run, studio().deviceId)
  const first = listenWith(token, 'subscription { unlockCommandChanged { event cursor } }')
  const [{ cursor } = {}] = await first.until(1)
  await first.stop()

  const { commandId } = await ask(await signIn(studio().member))
  const second = listenWith(
    token,
    'subscription ($after: Cursor) { unlockCommandChanged(after: $after) { event id } }',
    { after: cursor },
  )

  expect(await second.until(1)).toEqual([{ event: 'INSERTED', id: commandId }])
})
