import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEmbedded } from './embedded.ts'

/** An empty Postgres that leaves nothing behind when stopped; fast, and not durable. */
export async function startThrowaway(): Promise<{ superuserUrl: string; stop(): Promise<void> }> {
  const dataDir = mkdtempSync(join(tmpdir(), 'plinth-'))
  chmodSync(dataDir, 0o755) // the user that Postgres runs as under root has to enter it
  const remove = () => rmSync(dataDir, { recursive: true, force: true })
  try {
    const server = await startEmbedded({ dataDir, isThrowaway: true })
    return { superuserUrl: server.superuserUrl, stop: () => server.stop().finally(remove) }
  } catch (error) {
    remove()
    throw error
  }
}
