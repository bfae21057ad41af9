import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { Fault } from '../src/fault.ts'
import type { Progress } from '../src/progress.ts'

/** Installs what only the comparison needs, as locked in this folder, unless that is done already. */
export async function installPeers(progress: Progress, signal: AbortSignal): Promise<void> {
  const folder = import.meta.dirname
  const installed = join(folder, 'node_modules/.package-lock.json')
  const isCurrent =
    existsSync(installed) &&
    statSync(installed).mtimeMs >= statSync(join(folder, 'package-lock.json')).mtimeMs
  if (isCurrent) return

  await progress.step("The peers' packages", async () => {
    const npm = spawn('npm', ['ci', '--prefix', folder, '--loglevel=error'], {
      stdio: ['ignore', 'ignore', 'inherit'],
      signal,
    })
    const [code] = (await once(npm, 'exit')) as [number | null]
    if (code !== 0) throw new Fault('npm could not install what the comparison needs.')
  })
}
