import { existsSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { seedDemo } from '../../src/database/demo.ts'
import { makeDatabase } from '../support/database.ts'
import { eventually } from '../support/eventually.ts'
import { companionsOn, type Server, usePlinth } from '../support/process.ts'

const shared = usePlinth(afterAll)
const plinth = usePlinth(afterEach)

const doors = ['Front door', 'Roof', 'Workshop']

/** Starts with the controllers of the demo, and waits until those of some doors are connected. */
async function startWithDoors(dataDir: string, names = doors, by = plinth): Promise<Server> {
  const server = await by.start(dataDir, { hasCompanions: true })
  await Promise.all(
    names.map((name) => server.says(new RegExp(`^ {2}${name} +Connected to ${server.url}$`, 'm'))),
  )
  return server
}

async function idsOf(server: Server, name: string): Promise<{ id: string; deviceId: string }> {
  const { data } = await server.ask(
    `{ doors(filter: { name: { equalTo: "${name}" } }) { nodes { id deviceId } } }`,
    { token: server.token },
  )
  return data!.doors.nodes[0] as { id: string; deviceId: string }
}

async function stop(server: Server): Promise<number | null> {
  server.signal('SIGTERM')
  return (await server.ended).code
}

describe('the demo’s controllers', () => {
  let dataDir: string
  beforeAll(async () => {
    dataDir = shared.dataDir()
    await stop(await startWithDoors(dataDir, doors, shared))
  })

  const folder = () => join(dataDir, 'companions')

  test('a front end sees a command opened by the one of its door', async () => {
    const server = await startWithDoors(dataDir)
    const { id } = await idsOf(server, 'Workshop')

    const { data } = await server.ask(
      'mutation ($id: UUID!) { unlockDoor(input: { doorId: $id }) { result { commandId } } }',
      { variables: { id }, token: server.token },
    )
    const { commandId } = data!.unlockDoor.result as { commandId: string }

    await server.says(/^ {2}Workshop +Opened for /m)
    await eventually(async () => {
      const answer = await server.ask('query ($id: UUID!) { unlockCommand(id: $id) { state } }', {
        variables: { id: commandId },
        token: server.token,
      })
      expect(answer.data).toEqual({ unlockCommand: { state: 'opened' } })
    })
  })

  test('their keys are nobody else’s to read', () => {
    const modes = readdirSync(folder()).map((name) => statSync(join(folder(), name)).mode & 0o777)

    expect(modes).toEqual([0o600, 0o600, 0o600])
    expect(statSync(folder()).mode & 0o777).toBe(0o700)
  })

  test('they end with a server that is stopped, while a door is open', async () => {
    const server = await startWithDoors(dataDir)
    const { id } = await idsOf(server, 'Roof')
    await server.ask('mutation ($id: UUID!) { unlockDoor(input: { doorId: $id }) { clientMutationId } }', {
      variables: { id },
      token: server.token,
    })
    await server.says(/^ {2}Roof +Opened for /m)

    const code = await stop(server)

    expect(code).toBe(0)
    expect(server.output()).toMatch(/\nStopping\n$/)
    expect(companionsOn(dataDir)).toEqual([])
  })

  test('they end with a server that is killed', async () => {
    const server = await startWithDoors(dataDir)
    expect(companionsOn(dataDir)).toHaveLength(3)

    server.signal('SIGKILL')
    await server.ended

    await eventually(() => expect(companionsOn(dataDir)).toEqual([]))
  })

  test('one whose key was deleted gets another', async () => {
    rmSync(folder(), { recursive: true })

    await startWithDoors(dataDir)

    expect(readdirSync(folder())).toHaveLength(3)
  })

  test('an operator who wants none gets none', async () => {
    const server = await plinth.start(dataDir)

    expect(companionsOn(dataDir)).toEqual([])
    expect(await stop(server)).toBe(0)
  })

  test('one that was revoked says so once and leaves it at that, also at the next start', async () => {
    const server = await startWithDoors(dataDir)
    const { deviceId } = await idsOf(server, 'Roof')

    const { errors } = await server.ask(
      'mutation ($id: UUID!) { revokeDevice(input: { id: $id }) { clientMutationId } }',
      { variables: { id: deviceId }, token: server.token },
    )
    await server.says(/^ {2}Roof +This device is not enrolled any more/m)
    await stop(server)
    const next = await startWithDoors(dataDir, ['Front door', 'Workshop'])

    expect(errors).toBeUndefined()
    expect(server.output().match(/^ {2}Roof /gm)).toHaveLength(2)
    expect(companionsOn(dataDir)).toHaveLength(2)
    expect(next.output()).not.toMatch(/^ {2}Roof/m)
  })
})

test('a database of somebody’s own gets none, even with the demo in it', async () => {
  const database = await makeDatabase()
  await seedDemo(database.ownerUrl)
  const dataDir = plinth.dataDir()
  const env = { DATABASE_URL: database.ownerUrl, AUTHENTICATOR_DATABASE_URL: database.authenticatorUrl }

  const server = await plinth.start(dataDir, { hasCompanions: true, env })
  const code = await stop(server)
  await database.drop()

  expect(code).toBe(0)
  expect(server.output()).not.toMatch(/Sign in|door/)
  expect(existsSync(join(dataDir, 'companions'))).toBe(false)
})
