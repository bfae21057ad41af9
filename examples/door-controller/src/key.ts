import type { Connection } from './connection.ts'
import type { DeviceState } from './stateFile.ts'

/** A key is good for so long; then the device asks for another by itself. */
export const keyDays = 30

const rotateDeviceKey = 'mutation Rotate { rotateDeviceKey(input: {}) { result { token deviceId } } }'

/** Gets another key when this one is old, and keeps it; null when it is not. The old one ends within the hour. */
export async function renewKey(
  state: DeviceState,
  { ask, save }: { ask: Connection['ask']; save(state: DeviceState): Promise<void> },
): Promise<DeviceState | null> {
  const today = new Date()
  if (today.getTime() - Date.parse(state.keyFrom) < keyDays * 24 * 3600_000) return null
  await save(state) // a disk that is full is noticed while the old key still stands
  const { rotateDeviceKey: payload } = await ask(rotateDeviceKey)
  const key = (payload as { result: { token: string } | null } | null)?.result
  if (!key) return null // revoked at this moment: the connection is about to end
  const renewed = { ...state, token: key.token, keyFrom: today.toISOString() }
  await save(renewed)
  return renewed
}
