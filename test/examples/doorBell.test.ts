import { describe, expect, test } from '@jest/globals'
import { useController } from '../support/controller.ts'
import { newCommand } from '../support/fakeDoorApi.ts'
import { until } from '../support/process.ts'

const { api, start } = useController()

const rings = () => api().asked.filter(({ name }) => name === 'Ring')
const twoDoors = () => ({
  doors: {
    nodes: [
      { id: 'front', name: 'Front door' },
      { id: 'rear', name: 'Rear door' },
    ],
  },
})

describe('a doorbell', () => {
  test('rings at its door, and says so', async () => {
    const { press, says } = start()
    await api().until('Rings')

    press(1)

    await says('Rang at Front door.')
    expect(rings()).toEqual([{ name: 'Ring', variables: { id: 'front' } }])
  })

  test('of several doors rings at the one that is meant', async () => {
    api().answer('Doors', twoDoors)
    const { press, says } = start()
    await api().until('Rings')

    press(2)

    await says('Rang at Rear door.')
    expect(rings()).toEqual([{ name: 'Ring', variables: { id: 'rear' } }])
  })

  test('does not ring at a door that it does not have', async () => {
    const { press, says } = start()
    await api().until('Rings')

    press(2)

    await says('Not rung: there is no such door.')
    expect(rings()).toEqual([])
  })

  test.each([
    ['answered', 'Answered at Front door.'],
    ['expired', 'Nobody has answered at Front door.'],
  ])('says once what came of a ring that is %s', async (state, line) => {
    const { said, says } = start()
    await api().until('Rings')
    const door = { name: 'Front door' }

    api().tellOfRing({ id: 'one', state: 'ringing', door })
    api().tellOfRing({ id: 'one', state, door })
    api().tellOfRing({ id: 'one', state, door })
    api().tellOfRing({ id: 'two', state: 'answered', door: null })

    await says('Answered.')
    expect(said.slice(1)).toEqual([line, 'Answered.'])
  })

  test('goes on behind what it has heard, once the server has restarted', async () => {
    const { says } = start()
    await api().until('Rings')
    api().tellOfRing({ id: 'one', state: 'answered', door: { name: 'Front door' } })
    await says('Answered at Front door.')

    api().cut(1001)

    expect(await api().until('Rings', 2)).toEqual({ after: 'cursor 1' })
  })

  test.each([
    [{ state: 'answered', isQuiet: false }, 'Somebody has just answered at Front door.'],
    [{ state: 'ringing', isQuiet: true }, 'Rang at Front door, in quiet hours: it bothers nobody.'],
  ])('whose ring is %j, says that at once', async (result, line) => {
    api().answer('Ring', () => ({ ringDoorbell: { result } }))
    const { press, says } = start()
    await api().until('Rings')

    press(1)

    await says(line)
  })

  test('pressed without a connection, says so, and does not ring later', async () => {
    api().answer('Heartbeat', () => new Promise(() => {}))
    const { press, says } = start()
    await api().until('Heartbeat')

    press(1)
    await says('Not rung: there is no connection.')
    api().answer('Heartbeat', () => ({ sendHeartbeat: {} }))
    api().cut(1001)
    await api().until('Rings')
    press(1)
    await says('Rang at Front door.')

    expect(rings()).toHaveLength(1)
  })

  test('whose answer is lost with the connection, does not claim to know, and does not ring again', async () => {
    api().answer('Ring', () => new Promise(() => {}))
    const { press, said } = start()
    await api().until('Rings')
    press(1)
    await api().until('Ring')

    api().cut(1001)
    await api().until('Rings', 2)

    expect(said).toContainEqual(expect.stringContaining('Perhaps not rung'))
    expect(rings()).toHaveLength(1)
  })

  test('that may not ring, says why, and doors open all the same', async () => {
    api().answer('Ring', () => {
      throw new Error('NOT_FOUND')
    })
    const { press, says } = start()
    await api().until('Rings')

    press(1)
    await says('Not rung: NOT_FOUND')
    api().tell(newCommand())

    expect(await api().until('Report')).toMatchObject({ hasOpened: true })
  })

  test('that may not hear what comes of it, says so, and doors open all the same', async () => {
    api().answer('Rings', () => {
      throw new Error('FORBIDDEN')
    })
    const { says } = start()

    await says('What comes of ringing is not told: FORBIDDEN')
    api().tell(newCommand())

    expect(await api().until('Report')).toMatchObject({ hasOpened: true })
    expect(api().tokens).toHaveLength(1)
  })

  test('begins anew when the server has lost what it missed', async () => {
    start()
    await api().until('Rings')
    let isLost = true
    api().answer('Heartbeat', () => {
      if (!isLost) return { sendHeartbeat: {} }
      isLost = false
      throw new Error('RELOAD')
    })

    api().tellOfRing({ id: 'one', state: 'ringing', door: null })
    api().cut(1001)

    expect(await api().until('Rings', 2)).toEqual({ after: null })
  })

  test('pressed by a hundred at once, rings once at each door', async () => {
    api().answer('Doors', twoDoors)
    const { press, said, says } = start({}, { restMs: 60_000 })
    await api().until('Rings')

    for (let presses = 0; presses < 100; presses++) press(1 + (presses % 2))
    await Promise.all([says('Rang at Front door.'), says('Rang at Rear door.')])
    press(1)

    expect(rings()).toHaveLength(2)
    expect(said.filter((line) => line.startsWith('Rang'))).toHaveLength(2)
  })

  test('rings again once it has rested', async () => {
    const { press, said } = start({}, { restMs: 1 })
    await api().until('Rings')

    press(1)
    await until(() => {
      press(1)
      return said.filter((line) => line === 'Rang at Front door.').length === 2
    })

    expect(rings()).toHaveLength(2)
  })

  test.each([
    [[], 'Keys: q stops.'],
    [['Front door'], 'Keys: r rings at Front door, q stops.'],
    [['Front door', 'Rear door'], 'Keys: 1 rings at Front door, 2 at Rear door, q stops.'],
  ])('with keys for %j, tells of them once', async (names, line) => {
    api().answer('Doors', () => ({ doors: { nodes: names.map((name) => ({ id: name, name })) } }))
    const { said } = start({}, { hasKeys: true })
    await api().until('Rings')

    api().cut(1001)
    await api().until('Rings', 2)

    expect(said.filter((one) => one.startsWith('Keys'))).toEqual([line])
  })
})
