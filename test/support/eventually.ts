import { setTimeout as sleep } from 'node:timers/promises'

/** Repeats an assertion until it holds; after `timeoutMs` its failure is the test's. */
export async function eventually(assert: () => unknown, timeoutMs = 10_000): Promise<void> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    try {
      await assert()
      return
    } catch (error) {
      if (performance.now() > deadline) throw error
      await sleep(25)
    }
  }
}
