import type { Pool } from 'pg'
import type { CallerSettings } from '../database/callerClient.ts'
import { messageOf } from '../fault.ts'
import type { Log } from '../log.ts'

/** Somebody whose WebSocket is open. */
export type OpenCaller = {
  settings: CallerSettings
  /** Called when the session has ended, or the token has expired. */
  onEnded(): void
}

/** Watches over the sessions of those who stay connected. */
export type Callers = {
  /** Begins to watch over a caller; the answer ends it. */
  watch(caller: OpenCaller): () => void
  /** Whether a caller's session has ended. */
  hasEnded(settings: CallerSettings): Promise<boolean>
  close(): void
}

/** How often it is asked; a session that ends is noticed within this and the time of a statement. */
const everyMs = 400

/**
 * For a project: asks app_private.ended_sessions about all who are connected, in one statement. For a
 * JWT, which ends by the clock alone: compares its `exp`.
 */
export function makeCallers({ pool, isProject, log }: { pool: Pool; isProject: boolean; log: Log }): Callers {
  const open = new Set<OpenCaller>()

  const endedAmong = async (settings: readonly CallerSettings[]): Promise<ReadonlySet<string>> => {
    const hashes = new Set(settings.map(({ tokenHash }) => tokenHash).filter((hash) => !!hash))
    if (!isProject || hashes.size === 0) return new Set()
    const { rows } = await pool.query<{ ended: string }>(
      `select encode(ended, 'hex') as ended
       from app_private.ended_sessions(array(select decode(hash, 'hex') from unnest($1::text[]) as hash)) as ended`,
      [[...hashes]],
    )
    return new Set(rows.map(({ ended }) => ended))
  }
  const isOver = ({ tokenHash, 'jwt.claims.exp': expires }: CallerSettings, ended: ReadonlySet<string>) =>
    (tokenHash !== undefined && ended.has(tokenHash)) ||
    (expires !== undefined && Number(expires) * 1000 <= Date.now())

  let isAsking = false
  const look = async () => {
    if (isAsking || open.size === 0) return
    isAsking = true
    try {
      const callers = [...open]
      const ended = await endedAmong(callers.map(({ settings }) => settings))
      for (const caller of callers) if (isOver(caller.settings, ended)) caller.onEnded()
    } catch (error) {
      log.warn({ error: messageOf(error) }, 'sessions could not be checked')
    } finally {
      isAsking = false
    }
  }
  const timer = setInterval(() => void look(), everyMs)
  timer.unref()

  return {
    watch(caller) {
      open.add(caller)
      return () => void open.delete(caller)
    },
    hasEnded: async (settings) => isOver(settings, await endedAmong([settings])),
    close: () => clearInterval(timer),
  }
}
