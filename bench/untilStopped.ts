import { type Lifecycle, makeLifecycle, untilToldToStop } from '../src/lifecycle.ts'
import { makeLog } from '../src/log.ts'

/** All must be gone this long after Ctrl-C. */
const stopDeadlineMs = 20_000

/**
 * Runs something that begins servers and leaves their ends with the lifecycle. When it is over, or told
 * to stop by Ctrl-C, all of them are ended; then it fails with the signal's name.
 */
export async function untilStopped(
  run: (lifecycle: Lifecycle, stopped: AbortSignal) => Promise<void>,
): Promise<void> {
  const lifecycle = makeLifecycle(makeLog({ logLevel: 'warn' }, false))
  const stopping = new AbortController()
  void untilToldToStop(stopDeadlineMs).then((signal) => stopping.abort(new Error(`Stopped by ${signal}.`)))
  try {
    await run(lifecycle, stopping.signal)
  } catch (error) {
    stopping.signal.throwIfAborted() // what failed then failed for being stopped
    throw error
  } finally {
    await lifecycle.close()
  }
}
