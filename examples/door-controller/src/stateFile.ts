import { open, readFile, rename, rm } from 'node:fs/promises'
import { codeOf, Ended, exitCodes, messageOf } from './ended.ts'

/** What outlives a restart: where to speak to, as whom, and since when with this key. */
export type DeviceState = {
  url: string
  deviceId: string
  token: string
  /** When the key was given, in ISO 8601. */
  keyFrom: string
}

/** Reads the state file. Ends the program when there is none, or none that makes sense. */
export async function loadState(path: string): Promise<DeviceState> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT')
      throw new Ended(
        exitCodes.notEnrolled,
        `Not enrolled yet: there is no ${path}. Use: node src/main.ts enrol <code>`,
      )
    throw new Ended(exitCodes.failed, `Cannot read ${path}: ${messageOf(error)}`, { cause: error })
  })
  const state = parse(text)
  if (!state) throw new Ended(exitCodes.failed, `${path} is not a state file. Remove it, and enrol again.`)
  return state
}

/** Writes the state file, for its owner alone. Whoever reads it finds the old one or the new one, whole. */
export async function saveState(path: string, state: DeviceState): Promise<void> {
  const draft = `${path}.${process.pid}.tmp`
  try {
    await rm(draft, { force: true }) // or its mode would stay what it was
    const file = await open(draft, 'wx', 0o600)
    try {
      await file.writeFile(`${JSON.stringify(state, null, 2)}\n`)
      await file.sync() // a power cut must not leave an empty file behind the name
    } finally {
      await file.close()
    }
    await rename(draft, path)
  } catch (error) {
    await rm(draft, { force: true }).catch(() => {})
    throw new Ended(exitCodes.failed, `Cannot write ${path}: ${messageOf(error)}`, { cause: error })
  }
}

function parse(text: string): DeviceState | null {
  try {
    const { url, deviceId, token, keyFrom } = JSON.parse(text) as Partial<Record<string, unknown>>
    const all = { url, deviceId, token, keyFrom }
    return Object.values(all).every((value) => typeof value === 'string') ? (all as DeviceState) : null
  } catch {
    return null
  }
}
