import { describe, expect, test } from '@jest/globals'
import { useController } from '../support/controller.ts'
import { newCommand } from '../support/fakeDoorApi.ts'
import { until } from '../support/process.ts'

const { api, start } = useController()

describe('a door controller', () => {
  test('shows its key, says that it is there, and opens what it is granted', async () => {
    const { opened } = start()
    await api().until('Commands')
    const command = newCommand()

    api().tell(command)
    const report = await api().until('Report')

    expect(api().tokens).toEqual(['Bearer key'])
    expect(opened).toEqual([1])
    expect(report).toEqual({ id: command.unlockCommand.id, hasOpened: true })
  })

  test('claims what was waiting before it came', async () => {
    api().answer('Pending', () => ({ unlockCommands: { nodes: [{ id: 'waiting' }] } }))
    start()

    expect(await api().until('Report')).toEqual({ id: 'waiting', hasOpened: true })
  })

  test('opens nothing that is refused, and reports nothing', async () => {
    const refused = { isGranted: false, unlockSeconds: null, reason: 'not any more' }
    api().answer('Claim', () => ({ claimUnlock: { result: refused } }))
    const { opened, said } = start()
    await api().until('Commands')

    api().tell(newCommand())
    await until(() => said.includes('Not opened: not any more'))

    expect(opened).toEqual([])
    expect(api().asked.map(({ name }) => name)).not.toContain('Report')
  })

  test.each([
    [1999, true],
    [2000, false],
  ])('granted after %i ms by its own clock, opens: %s', async (tookMs, hasOpened) => {
    let now = 0
    api().answer('Claim', () => {
      now += tookMs
      return { claimUnlock: { result: { isGranted: true, unlockSeconds: 5, reason: null } } }
    })
    const { opened } = start({ now: () => now })
    await api().until('Commands')

    api().tell(newCommand())

    expect(await api().until('Report')).toMatchObject({ hasOpened })
    expect(opened).toEqual(hasOpened ? [5] : [])
  })

  test('told twice, asks once', async () => {
    const { opened } = start()
    await api().until('Commands')
    const command = newCommand()

    api().tell(command)
    api().tell(command)
    api().tell(newCommand())
    await api().until('Report', 2)

    expect(api().asked.filter(({ name }) => name === 'Claim')).toHaveLength(2)
    expect(opened).toHaveLength(2)
  })

  test('does nothing about a command that is claimed already, not even after a restart', async () => {
    const { opened } = start()
    await api().until('Commands')

    api().tell({ event: 'UPDATED', unlockCommand: { id: 'claimed before', state: 'claimed' } })
    api().tell(newCommand())
    await api().until('Report')

    expect(opened).toHaveLength(1)
    expect(api().asked.filter(({ name }) => name === 'Claim')).toHaveLength(1)
  })

  test('whose lock fails, reports that', async () => {
    start({ lock: { open: async () => Promise.reject(new Error('no such line')), shut: async () => {} } })
    await api().until('Commands')

    api().tell(newCommand())

    expect(await api().until('Report')).toMatchObject({ hasOpened: false })
  })

  test('comes again after the server has restarted, and goes on behind what it has dealt with', async () => {
    start()
    await api().until('Commands')
    api().tell(newCommand())
    await api().until('Report')

    api().cut(1001)

    expect(await api().until('Commands', 2)).toEqual({ after: 'cursor 1' })
  })

  test.each([1000, 1001, 1013])(
    'asks again, once, for a command whose answer was lost by a close with %i',
    async (code) => {
      const { opened } = start()
      await api().until('Commands')
      api().answer('Claim', () => new Promise(() => {}))
      const command = newCommand()
      api().tell(command)
      await api().until('Claim')

      api().answer('Claim', () => ({ claimUnlock: { result: { isGranted: true, unlockSeconds: 1 } } }))
      api().cut(code)
      const { after } = await api().until('Commands', 2)
      expect(after).toBe('cursor 0')
      expect(opened).toEqual([])
      api().tell(command)

      expect(await api().until('Report')).toEqual({ id: command.unlockCommand.id, hasOpened: true })
      expect(opened).toEqual([1])
      expect(api().asked.filter(({ name }) => name === 'Claim')).toHaveLength(2)
    },
  )

  test('sends an outcome again that the server may not have heard', async () => {
    const { opened } = start()
    await api().until('Commands')
    api().answer('Report', () => new Promise(() => {}))
    api().tell(newCommand())
    const report = await api().until('Report')

    api().cut(1001)

    expect(await api().until('Report', 2)).toEqual(report)
    expect(opened).toHaveLength(1)
  })

  test('notices a connection on which nothing comes any more', async () => {
    start({ silenceMs: 100 })
    await api().until('Commands')

    api().freeze()

    await api().until('Commands', 2)
  })

  test('begins anew when the server has lost what it missed', async () => {
    start()
    await api().until('Commands')
    api().tell(newCommand())
    await api().until('Report')
    let isLost = true
    api().answer('Heartbeat', () => {
      if (!isLost) return { sendHeartbeat: {} }
      isLost = false
      throw new Error('RELOAD')
    })

    api().cut(1001)

    expect(await api().until('Commands', 2)).toEqual({ after: null })
  })

  test('sends heartbeats', async () => {
    start({ heartbeatMs: 10 })

    await api().until('Heartbeat', 3)
  })

  test('that is revoked, ends with exit code 3 and says what to do', async () => {
    const { ended } = start()
    await api().until('Commands')

    api().cut(4401, 'Your session has ended')

    await expect(ended).rejects.toMatchObject({
      exitCode: 3,
      message: expect.stringContaining('enrol <code>'),
    })
  })

  test('whose key is refused in an answer, ends with exit code 3', async () => {
    api().answer('Heartbeat', () => {
      throw new Error('UNAUTHENTICATED')
    })

    await expect(start().ended).rejects.toMatchObject({ exitCode: 3 })
  })

  test('gets itself another key in time, and keeps it before it uses it', async () => {
    api().answer('Rotate', () => ({ rotateDeviceKey: { result: { token: 'newer', deviceId: 'device' } } }))
    const old = { url: api().url, deviceId: 'device', token: 'key', keyFrom: '2020-01-01T00:00:00Z' }
    const { saved } = start({ state: old })

    await api().until('Commands')

    expect(api().tokens).toEqual(['Bearer key', 'Bearer newer'])
    expect(saved).toEqual([old, { ...old, token: 'newer', keyFrom: expect.any(String) }])
    expect(api().asked.filter(({ name }) => name === 'Rotate')).toHaveLength(1)
  })

  test('stops when it is told to, and shuts the door first', async () => {
    let isShut = false
    const { stop } = start({ lock: { open: async () => {}, shut: async () => void (isShut = true) } })
    await api().until('Commands')

    await stop()

    expect(isShut).toBe(true)
  })
})
