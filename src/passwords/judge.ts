import type { Log } from '../log.ts'
import { makeBreachedPasswords } from './breached.ts'
import { makeStrengthJudge } from './strength.ts'

/** Why a password is not to be had, in words for people. */
export type Objection = { message: string; hint: string }

/** Says what speaks against a new password; null where nothing does. */
export type JudgePassword = (password: string, personal: readonly string[]) => Promise<Objection | null>

/** What judges new passwords, until it is closed. */
export type PasswordJudge = { judge: JudgePassword; close(): Promise<void> }

/** Of zxcvbn's scores, the first that withstands whoever has the hash of one password and some patience. */
const leastScore = 3

/** Judges passwords by how hard they are to guess and, where there is a list of leaked ones, by that. */
export function makePasswordJudge(breachedPasswordsUrl: string | null, log: Log): PasswordJudge {
  const strength = makeStrengthJudge()
  const isBreached = breachedPasswordsUrl === null ? null : makeBreachedPasswords(breachedPasswordsUrl, log)
  return {
    async judge(password, personal) {
      const { score, warning, suggestions } = await strength.strengthOf(password, personal)
      if (score < leastScore) {
        return {
          message: warning ?? 'This password is easy to guess.',
          hint: suggestions.join(' ') || 'Add more words that are less common.',
        }
      }
      if (!(await isBreached?.(password))) return null
      return {
        message: 'This password is known from a leak elsewhere.',
        hint: 'Choose one that you use nowhere else.',
      }
    },
    close: strength.close,
  }
}
