import { expect } from '@jest/globals'
import type { Ended } from './process.ts'

/** The message of a command that failed, and its advice, as lines without what was shown of the progress. */
export function faultOf({ code, stderr, stdout }: Ended): string[] {
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).not.toMatch(/^\s+at /m) // no stack
  const lines = stderr.split('\n').filter((line) => line !== '')
  return lines.filter((line) => !/^[✓✗] /.test(line))
}
