import { createKey } from './account.ts'
import type { Somebody } from './organizations.ts'
import { makePerson } from './people.ts'
import { deliver } from './post.ts'
import { type LiveStudio, useLiveStudio } from './realtime.ts'

/** A studio, and people of no organization who have just signed in. */
export type Newcomers = LiveStudio & {
  newcomer(): Promise<Somebody>
  /** The token of an API key that may write, made by the bearer of a session's token. */
  makeKey(token: string): Promise<string>
  /** Runs the jobs that wait; returns the mails that they sent: their templates, by address. */
  runJobs(): Promise<[address: string, template: string][]>
}

/** Makes them for the tests of a file. */
export function useNewcomers(): Newcomers {
  const live = useLiveStudio()
  let count = 0
  return {
    ...live,
    async newcomer() {
      const name = `Lea${count++}`
      const id = await makePerson(live.run, name)
      return { id, token: await live.signIn(id), address: `${name.toLowerCase()}@example.com` }
    },
    async makeKey(token) {
      const { data } = await live.api().ask(createKey, { token, variables: { canWrite: true } })
      return data!.createApiKey.result.token as string
    },
    runJobs: async () => (await deliver(live.database())).map(({ to, name }) => [to, name]),
  }
}
