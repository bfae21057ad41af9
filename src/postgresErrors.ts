import type { ErrorCode } from './errorRegistry.ts'

/** A code of the registry and the SQLSTATEs that become it: whole ones of five characters, or classes of two. */
type Answer = [code: ErrorCode, ...states: string[]]

/**
 * What every error of Postgres becomes, each class named, so that nothing is answered by accident. A
 * whole state goes before its class. Whether to try again and whose fault it is goes with the code.
 */
export const postgresErrors: readonly Answer[] = [
  // The caller's values and words.
  // 428C9: a value for a column that is always generated, by way of a view.
  ['BAD_USER_INPUT', '22', '23502', '23514', '428C9', '44', '54'],
  ['UNIQUE_VIOLATION', '23505'],
  ['EXCLUSION_VIOLATION', '23P01'],
  ['FOREIGN_KEY_VIOLATION', '23503'], // or STILL_REFERENCED, which only the error's words tell apart
  ['STILL_REFERENCED', '23001'],
  ['NOT_FOUND', 'NTFND', 'P0002'],
  ['IMMUTABLE', 'IMMUT'],
  ['FORBIDDEN', '42501'],
  ['SIGN_IN_AGAIN', 'REAUT'],
  ['REFUSED', 'P0001'],
  ['NOT_DONE', '25P02'],

  // Circumstances, which pass.
  ['TOO_MANY_ATTEMPTS', 'TMANY'],
  ['RETRY', '40', '55P03', '55006'],
  ['TIMEOUT', '57014', '25P03', '25P04'],
  // 28: Postgres refuses the server's own login. 25006: a standby, until one is promoted. 40003: whether it was
  // committed is not known. 53: full of
  // connections, data or memory. 57: being shut down, crashed, starting. 58030: a disk that fails.
  ['UNAVAILABLE', '08', '25006', '28', '3D', '40003', '53', '57', '58030'],

  // A fault in a function, a migration, or here.
  ['INTERNAL', '00', '01', '02', '03', '09', '0A', '0B', '0F', '0L', '0P', '0Z', '10', '20', '21', '23'],
  [
    'INTERNAL',
    '22004',
    '2200H',
    '22P03',
    '22P04',
    '08P01',
    '40002',
    '24',
    '25',
    '26',
    '27',
    '2B',
    '2D',
    '2F',
  ],
  ['INTERNAL', '34', '38', '39', '3B', '3F', '42', '55', '58', 'F0', 'HV', 'P0', 'XX'],
]

/** What a state means where a function raises it, and not Postgres itself. */
const raisedErrors: readonly Answer[] = [['UNAUTHENTICATED', '28']]

/** The registered code of a SQLSTATE, raised by a function or by Postgres itself; undefined for one that is in no table. */
export function codeOfState(state: string, isRaised: boolean): ErrorCode | undefined {
  return (
    (isRaised ? raised.get(state.slice(0, 2)) : undefined) ?? all.get(state) ?? all.get(state.slice(0, 2))
  )
}

/** The SQLSTATEs and classes that become a code. */
export function statesOf(code: ErrorCode): string[] {
  return [...raisedErrors, ...postgresErrors].filter(([to]) => to === code).flatMap(([, ...states]) => states)
}

const byState = (answers: readonly Answer[]) =>
  new Map(answers.flatMap(([code, ...states]) => states.map((state) => [state, code] as const)))
const all = byState(postgresErrors)
const raised = byState(raisedErrors)
