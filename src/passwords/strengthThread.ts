import { parentPort } from 'node:worker_threads'
import { ZxcvbnFactory } from '@zxcvbn-ts/core'
import { adjacencyGraphs, dictionary as common } from '@zxcvbn-ts/language-common'
import { dictionary as english, translations } from '@zxcvbn-ts/language-en'

// The program of the thread that judges passwords: see strength.ts.

/** What the thread is asked. */
export type Question = { password: string; personal: string[] }

/** What it answers: from 0, guessed at once, to 4; and why, in words for people. */
export type Strength = { score: number; warning: string | null; suggestions: string[] }

const zxcvbn = new ZxcvbnFactory({
  dictionary: { ...common, ...english },
  graphs: adjacencyGraphs,
  translations: {
    ...translations,
    warnings: {
      ...translations.warnings,
      userInputs: 'Do not use your name or your address in it.',
    },
  },
  // Of 100 ways to read the digits and signs as letters, as stock, ten find nearly as much in a tenth of the time.
  l33tMaxSubstitutions: 10,
})

parentPort!.on('message', ({ password, personal }: Question) => {
  const { score, feedback } = zxcvbn.check(password, personal)
  parentPort!.postMessage({ score, ...feedback } satisfies Strength)
})
