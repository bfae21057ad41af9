import type { Actors, Run } from '../support/database.ts'
import type { Studio } from '../support/people.ts'
import { startSession } from '../support/sessions.ts'

/** Invites an address to an organization, in a role. */
export const insertInvitation =
  'insert into app_public.invitations (organization_id, address, role) values ($1, $2, $3)'

/**
 * How those who may invite people to a studio do it: in a session that began `age` ago, or in none where that is null.
 */
export const inviting =
  (as: Actors, studio: () => Studio) =>
  async (
    who: 'owner' | 'manager',
    address = 'ida@example.com',
    role = 'member',
    age?: string | null,
  ): ReturnType<Run> => {
    const person = studio()[who]
    const run = as.person(person, age === null ? '' : await startSession(as.owner, person, age))
    return run(`${insertInvitation} returning id`, [studio().organizationId, address, role])
  }
