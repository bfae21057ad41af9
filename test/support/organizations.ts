import { afterAll, beforeAll } from '@jest/globals'
import pg from 'pg'
import { useApi } from './api.ts'
import type { Answer } from './ask.ts'
import type { Run } from './database.ts'
import { subscribeTo, type Subscriber } from './subscriber.ts'
import { deliver } from './post.ts'

export { codeOf } from './ask.ts'

/** A person, and the token of a session that has just begun. */
export type Somebody = { id: string; token: string; address: string }

/** A membership as the API shows it. */
export type Membership = { id: string; personId: string; role: string }

/** An API, and what clients do there with organizations. */
export type Organizations = {
  /** Runs SQL as the owner. */
  run: Run
  /** Somebody new, who has just signed in. */
  somebody(): Promise<Somebody>
  ask(who: Somebody | null, query: string, variables?: Record<string, unknown>): Promise<Answer>
  /** What comes of an operation that succeeds: the value of its one field. */
  done(who: Somebody | null, query: string, variables?: Record<string, unknown>): Promise<Record<string, any>>
  /** Subscribes on a socket of its own, which is closed behind the tests. */
  listen(who: Somebody, query: string, variables?: Record<string, unknown>): Subscriber
  /** The token of the invitation that is mailed next. */
  nextToken(): Promise<string>
  makeOrganization(owner: Somebody): Promise<string>
  /** Has somebody invited, who reads their mail and accepts: the id of the membership. */
  join(inviter: Somebody, organizationId: string, guest: Somebody, role?: string): Promise<string>
  membersOf(who: Somebody, organizationId: string): Promise<Membership[]>
}

/** Invites an address to an organization, in a role. */
export const createInvitation = `mutation ($id: UUID!, $address: String!, $role: MembershipRole) {
  createInvitation(input: { invitation: { organizationId: $id, address: $address, role: $role } }) {
    invitation { id address role inviter { id } expiresAt }
  }
}`

/** Accepts by the token that was mailed. */
export const acceptInvitation = `mutation ($token: String!) {
  acceptInvitation(input: { token: $token }) { result { id role organization { id name } } }
}`

/** Makes one for the tests of a file. */
export function useOrganizations(): Organizations {
  let client: pg.Client
  let count = 0
  const subscribers: Subscriber[] = []
  // Ahead of the API's own, which run in the order in which they are written.
  afterAll(async () => {
    await Promise.all(subscribers.map((subscriber) => subscriber.stop()))
    await client.end()
  })
  const { api, database } = useApi()
  beforeAll(async () => {
    client = new pg.Client({ connectionString: database().ownerUrl })
    await client.connect()
  })

  const our: Organizations = {
    run: async (sql, values) => (await client.query<Record<string, unknown>>(sql, values)).rows,
    async somebody() {
      const address = `person${++count}@example.com`
      const [person] = await our.run(
        `with person as (
           select app_private.make_person($1, $2) as id
         )
         select person.id, session.token from person, app_private.start_session(person.id) as session`,
        [`Person ${count}`, address],
      )
      return { ...(person as { id: string; token: string }), address }
    },
    ask: (who, query, variables = {}) => api().ask(query, { variables, ...(who && { token: who.token }) }),
    async done(who, query, variables) {
      const { data, errors } = await our.ask(who, query, variables)
      if (errors) throw new Error(`It failed: ${JSON.stringify(errors)}`)
      return Object.values(data!)[0] as Record<string, any>
    },
    listen({ token }, query, variables) {
      const subscriber = subscribeTo(api().url, query, { token, ...(variables && { variables }) })
      subscribers.push(subscriber)
      return subscriber
    },
    async nextToken() {
      const mails = await deliver(database())
      return mails.find(({ name }) => name === 'invitation')!.values.token as string
    },
    async makeOrganization(owner) {
      const create = `mutation { createOrganization(input: { name: "Studio" }) { result { id } } }`
      return (await our.done(owner, create)).result.id as string
    },
    async join(inviter, id, guest, role = 'member') {
      await our.done(inviter, createInvitation, { id, address: guest.address, role })
      const { result } = await our.done(guest, acceptInvitation, { token: await our.nextToken() })
      return result.id as string
    },
    async membersOf(who, id) {
      const query = `query ($id: UUID!) {
        memberships(filter: { organizationId: { equalTo: $id } }) { nodes { id personId role } }
      }`
      return (await our.done(who, query, { id })).nodes as Membership[]
    },
  }
  return our
}
