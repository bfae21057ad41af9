import type { Actors, Run } from '../support/database.ts'
import { makePerson, type Studio } from '../support/people.ts'
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

export const members = ['owner', 'manager', 'member'] as const satisfies Who[]

/** Everybody, and each member they might do something to: whether they do it, by a list of whom they do it to. */
export const whoDoesItTo = (whom: Record<Who, readonly (typeof members)[number][]>) =>
  everybody.flatMap((who) =>
    members.map((member) => [who, whom[who].includes(member) ? 'does' : 'does not', member] as const),
  )

/** Makes somebody called Nora a second owner, so that the first may lose the role: her id. */
export async function addOwner(as: Actors, { organizationId }: Studio): Promise<string> {
  const nora = await makePerson(as.owner, 'Nora')
  await as.owner(
    `insert into app_public.memberships (organization_id, person_id, role) values ($1, $2, 'owner')`,
    [organizationId, nora],
  )
  return nora
}

/** Has a person call with a session that began some minutes ago, until the test ends. */
export async function signInForMinutes(as: Actors, personId: string, minutes: number): Promise<void> {
  as.stayIn(await startSession(as.owner, personId, `${minutes} minutes`), personId)
}
