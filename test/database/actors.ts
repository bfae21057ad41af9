import type { Actors, Run } from '../support/database.ts'
import type { Studio } from '../support/people.ts'
import { startSession } from '../support/sessions.ts'

/** Those who try their rights: the roles in a studio, somebody of another one, and an anonymous caller. */
export type Who = 'owner' | 'manager' | 'member' | 'stranger' | 'anonymous caller'

export const everybody = [
  'owner',
  'manager',
  'member',
  'stranger',
  'anonymous caller',
] as const satisfies Who[]

/** How one of them runs SQL. */
export function runAs(as: Actors, studio: Studio, who: Who): Run {
  return who === 'anonymous caller' ? as.anonymous : as.person(studio[who])
}

/** Has a person call with a session that began some minutes ago, until the test ends. */
export async function signInForMinutes(as: Actors, personId: string, minutes: number): Promise<void> {
  as.stayIn(await startSession(as.owner, personId, `${minutes} minutes`), personId)
}
