import { hash } from 'node:crypto'
import { messageOf } from '../fault.ts'
import type { Log } from '../log.ts'

const timeoutMs = 1000

/**
 * Asks a list of leaked passwords, as haveibeenpwned.com has one, whether it knows a password. Five digits of
 * the password's SHA-1 are all that is sent: the list answers with the rest of each that begins so. False
 * where the list cannot be reached, which the log says once for each time that it goes away.
 */
export function makeBreachedPasswords(url: string, log: Log): (password: string) => Promise<boolean> {
  const folder = url.endsWith('/') ? url : `${url}/`
  let isReached = true

  return async (password) => {
    const digest = hash('sha1', password).toUpperCase()
    try {
      const response = await fetch(new URL(digest.slice(0, 5), folder), {
        headers: { 'Add-Padding': 'true' }, // so that the length of the answer does not tell what was asked
        redirect: 'error',
        signal: AbortSignal.timeout(timeoutMs),
      })
      if (!response.ok) throw new Error(`it answered ${response.status}`)
      const lines = (await response.text()).split(/\r?\n/)
      isReached = true
      // What is there for padding is said to have been seen no times.
      return lines.some((line) => line.startsWith(`${digest.slice(5)}:`) && !line.endsWith(':0'))
    } catch (error) {
      if (isReached) {
        log.warn(
          { error: messageOf(error) },
          'the list of leaked passwords cannot be reached; it is not asked',
        )
      }
      isReached = false
      return false
    }
  }
}
