import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { makeTurns } from '../turns.ts'
import type { Question, Strength } from './strengthThread.ts'

/** Judges how hard passwords are to guess. */
export type StrengthJudge = {
  /** `personal` are texts that somebody who guesses would try first, such as the name. */
  strengthOf(password: string, personal: readonly string[]): Promise<Strength>
  close(): Promise<void>
}

/** How many characters are looked at. To judge as many takes 50 to 100 ms at worst, and 200 ten times that. */
const looked = 64
const idleMs = 5 * 60_000

/**
 * Judges in a thread of its own, so that neither the dictionaries, which take long to read, nor a password
 * made to take long to judge are everybody's. The thread begins with the first password and ends when none came
 * for five minutes: meanwhile it takes some 80 MB, and half a second before its first answer.
 */
export function makeStrengthJudge(): StrengthJudge {
  const inTurn = makeTurns({ atOnce: 1, waiting: 40 }, 'passwords are being checked')
  let thread: Worker | undefined
  let idle: NodeJS.Timeout | undefined

  const stop = async () => {
    clearTimeout(idle)
    const stopped = thread
    thread = undefined
    await stopped?.terminate()
  }
  const ask = async (question: Question): Promise<Strength> => {
    clearTimeout(idle)
    thread ??= start()
    const asked = thread
    const ended = new AbortController()
    try {
      asked.postMessage(question)
      const { signal } = ended
      const exit = once(asked, 'exit', { signal }).then(() => {
        throw new Error('The thread that judges passwords has ended.')
      })
      const [answer] = (await Promise.race([once(asked, 'message', { signal }), exit])) as [Strength]
      idle = setTimeout(() => void stop(), idleMs).unref()
      return answer
    } catch (error) {
      await stop()
      throw error
    } finally {
      ended.abort()
    }
  }

  return {
    strengthOf: (password, personal) =>
      inTurn(() => ask({ password: password.slice(0, looked), personal: wordsIn(personal) })),
    close: stop,
  }
}

// With as much room for what is new as it likes, the thread would take twice as much memory.
function start(): Worker {
  const thread = new Worker(new URL('./strengthThread.ts', import.meta.url), {
    resourceLimits: { maxYoungGenerationSizeMb: 8, maxOldGenerationSizeMb: 256 },
  })
  thread.unref()
  return thread
}

/** Whole texts and the words in them: of ann.miller@example.com also ann, miller and example. */
function wordsIn(texts: readonly string[]): string[] {
  const bounded = texts.map((text) => text.slice(0, 100))
  const words = bounded.flatMap((text) => text.split(/[^\p{L}\p{N}]+/u))
  return [...new Set([...bounded, ...words])].filter(({ length }) => length > 2).slice(0, 50)
}
