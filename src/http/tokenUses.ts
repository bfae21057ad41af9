import type { Pool } from 'pg'
import type { CallerSettings } from '../database/callerClient.ts'
import { messageOf } from '../fault.ts'
import type { Log } from '../log.ts'

/** Keeps account of which tokens are in use. */
export type TokenUses = {
  /** Notes that a caller has asked for something. */
  note(settings: CallerSettings): void
  /** Tells the database of those that it has not been told of, and ends. */
  close(): Promise<void>
}

const everyMs = 60_000
/** Of as many tokens the database is told at once; those that come before it has listened are let go. */
const mostKept = 10_000

/**
 * For a project: tells app_private.note_uses once a minute the hashes of the tokens that came meanwhile, so that
 * people see when a session was last used, and no request waits for that. What cannot be told is let go.
 */
export function makeTokenUses(pool: Pick<Pool, 'query'>, log: Log): TokenUses {
  const seen = new Set<string>()
  let telling: Promise<void> = Promise.resolve()

  const tell = async () => {
    if (seen.size === 0) return
    const hashes = [...seen].map((hash) => Buffer.from(hash, 'hex'))
    seen.clear()
    try {
      await pool.query('select app_private.note_uses($1::bytea[])', [hashes])
    } catch (error) {
      log.warn({ error: messageOf(error), count: hashes.length }, 'the last use of tokens could not be noted')
    }
  }
  const tellNext = () => (telling = telling.then(tell))
  const timer = setInterval(() => void tellNext(), everyMs)
  timer.unref()

  return {
    note({ tokenHash }) {
      if (!tokenHash || seen.size >= mostKept) return
      seen.add(tokenHash)
      if (seen.size === mostKept) void tellNext()
    },
    async close() {
      clearInterval(timer)
      await tellNext()
    },
  }
}
