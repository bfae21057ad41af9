import type { Log } from './log.ts'

/** Ends what was begun, the last first. */
export type Lifecycle = {
  /** Registers how to end something, right after it was begun. */
  onClose(name: string, close: () => Promise<void>): void
  /** Ends everything; a failure is logged and does not keep the rest from ending. Safe to call twice. */
  close(): Promise<void>
}

export function makeLifecycle(log: Log): Lifecycle {
  const closers: { name: string; close: () => Promise<void> }[] = []
  let closing: Promise<void> | undefined

  const closeAll = async () => {
    for (const { name, close } of closers.reverse()) {
      const began = performance.now()
      await close().catch((error: unknown) => log.error({ err: error }, `${name} did not end well`))
      log.debug({ ms: Math.round(performance.now() - began) }, `${name} ended`)
    }
  }
  return {
    onClose: (name, close) => void closers.push({ name, close }),
    close: () => (closing ??= closeAll()),
  }
}

/**
 * Resolves with the signal by which this process is told to stop. After `deadlineMs` from then on, or
 * on a second Ctrl-C, the process ends whatever it is doing.
 */
export function untilToldToStop(deadlineMs: number): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let isStopping = false
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => {
        if (isStopping && signal === 'SIGINT') process.exit(130)
        if (isStopping) return
        isStopping = true
        setTimeout(() => process.exit(1), deadlineMs).unref()
        resolve(signal)
      })
    }
  })
}
