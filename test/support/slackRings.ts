import { afterAll, beforeAll, beforeEach } from '@jest/globals'
import { useConnections } from './connections.ts'
import { type FakeSlack, startFakeSlack } from './fakeSlack.ts'
import { makeStudio, type Studio } from './people.ts'
import { deliver } from './post.ts'
import { connectSlack } from './slackStudio.ts'

/** What the message of a ring at the only door begins with, while it rings and when it is over. */
export const [rings, rang] = ['is', 'was'].map((when) => `🔔 Somebody ${when} at the door: Front (Main)`)

/** For the tests of a file a studio whose channel hears the bell, made anew for each, and the Slack of that channel. */
export function useSlackRings() {
  const { database, owner: run } = useConnections(0)
  let slack: FakeSlack
  let studio: Studio
  beforeAll(async () => {
    slack = await startFakeSlack()
  })
  afterAll(() => slack.stop())
  beforeEach(async () => {
    await run('delete from app_public.organizations')
    await run('delete from app_public.people')
    await run('delete from app_private.slack_tokens')
    await run('delete from graphile_worker._private_jobs')
    studio = await makeStudio(run)
    await connectSlack(run, studio.organizationId)
    slack.calls.length = 0
    slack.messages.clear()
    slack.knowsRepeats = true
  })

  const runJobs = () => deliver(database(), slack.apiUrl)
  return {
    database,
    run,
    slack: () => slack,
    studio: () => studio,
    /** Carries out the jobs that are due. */
    runJobs,
    /** Carries out those too that wait for their time, as if it had come. */
    async runJobsInTime(): Promise<void> {
      await run('update graphile_worker._private_jobs set run_at = now()')
      await runJobs()
    },
    /** What is still to be done in Slack. */
    slackJobs: () =>
      run(
        `select task_identifier, last_error from graphile_worker.jobs where task_identifier like 'slack\\_%'`,
      ),
    /** Rings, without the job that ends it: tests say when that is. */
    async ring({ isQuiet = false } = {}): Promise<string> {
      const [row] = await run(
        `insert into app_public.rings (organization_id, office_id, door_id, is_quiet) values ($1, $2, $3, $4)
         returning id`,
        [studio.organizationId, studio.officeId, studio.doorId, isQuiet],
      )
      await run(`delete from graphile_worker._private_jobs where key like 'ring %'`)
      return row!.id as string
    },
    /** Answers a ring, as somebody would elsewhere. */
    answer: (id: string, person: string, opens: boolean) =>
      run('select app_private.answer_ring($1, $2, $3)', [id, person, opens]),
    expire: (id: string) => run(`update app_public.rings set state = 'expired' where id = $1`, [id]),
    /** What the messages of all channels say. */
    texts: () => [...slack.messages.values()].map(({ text }) => text),
  }
}
