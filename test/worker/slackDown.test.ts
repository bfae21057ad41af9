import { describe, expect, test } from '@jest/globals'
import { makeLog } from '../../src/log.ts'
import type { Mailer } from '../../src/mailer.ts'
import { startWorker } from '../../worker/runner.ts'
import { rang, rings, useSlackRings } from '../support/slackRings.ts'
import { workerConfig } from '../support/taskServices.ts'

const { database, run, slack, studio, runJobs, runJobsInTime, slackJobs, ring, answer, expire, texts } =
  useSlackRings()
async function otherRing(): Promise<void> {
  await run(
    `with door as (
       insert into app_public.doors (organization_id, office_id, name) values ($1, $2, 'Back') returning *
     )
     insert into app_public.rings (organization_id, office_id, door_id)
     select organization_id, office_id, id from door`,
    [studio().organizationId, studio().officeId],
  )
}
const faultOf = async () => (await run('select fault from app_public.slack_installations'))[0]!.fault

describe('with Slack in trouble', () => {
  test.each([
    'hangs',
    'cuts',
    { status: 500 },
    { error: 'internal_error' },
    { error: '<html>Back soon</html>' },
  ] as const)(
    'a ring that meets %j is posted later, once',
    async (trouble) => {
      slack().trouble('chat.postMessage', trouble)
      await ring()
      await runJobs()
      expect(slack().messages.size).toBe(0)
      expect(await slackJobs()).toMatchObject([{ task_identifier: 'slack_ring__show' }])

      await runJobsInTime()

      expect(texts()).toEqual([rings])
      expect(await slackJobs()).toEqual([])
    },
    15_000,
  )

  test('a ring that Slack puts off waits as long as Slack says, and no worker with it', async () => {
    slack().trouble('chat.postMessage', { status: 429, retryAfter: 120 })
    await ring()

    await runJobs()

    expect(
      await run(
        `select attempts, run_at between now() + interval '110 seconds' and now() + interval '120 seconds' as is_later
         from graphile_worker.jobs where task_identifier = 'slack_ring__show'`,
      ),
    ).toEqual([{ attempts: 0, is_later: true }])
    await runJobsInTime()
    expect(texts()).toEqual([rings])
  })

  test('a ring whose first answer is lost is still one message, in a Slack that knows repeats', async () => {
    slack().trouble('chat.postMessage', 'does and cuts')
    const id = await ring()
    await runJobs()
    await runJobsInTime()
    await answer(id, studio().member, false)

    await runJobs()

    expect(texts()).toEqual([`${rang}\nMia has dismissed it.`])
  })

  test('in one that does not, the later message is the one that is kept up to date', async () => {
    slack().knowsRepeats = false
    slack().trouble('chat.postMessage', 'does and cuts')
    const id = await ring()
    await runJobs()
    await runJobsInTime()
    await answer(id, studio().member, false)

    await runJobs()

    expect(texts()).toEqual([rings, `${rang}\nMia has dismissed it.`])
  })

  test('a ring that is over when Slack is back is not posted any more', async () => {
    slack().trouble('chat.postMessage', { status: 500 })
    const id = await ring()
    await runJobs()
    await expire(id)

    await runJobsInTime()

    expect(slack().messages.size).toBe(0)
    expect(await slackJobs()).toEqual([])
  })

  test('nor is one whose time is over before its job has said so', async () => {
    await ring()
    await run(`update app_public.rings set expires_at = now() - interval '1 second'`)

    await runJobs()

    expect(slack().messages.size).toBe(0)
  })

  test('an update that was lost is made up for with what holds by then', async () => {
    const id = await ring()
    await runJobs()
    slack().trouble('chat.update', { status: 500 })
    await run('update app_public.rings set count = 2 where id = $1', [id])
    await runJobs()
    await answer(id, studio().member, false)

    await runJobsInTime()

    expect(texts()).toEqual([`${rang}, rang 2 times\nMia has dismissed it.`])
  })

  test('a mail goes out while it hangs, and no second worker waits for it', async () => {
    slack().trouble('chat.postMessage', 'hangs', 'hangs')
    await ring()
    await otherRing()
    await run(
      `select graphile_worker.add_job('person__send_welcome', json_build_object('personId', $1::uuid))`,
      [studio().member],
    )
    let send: () => void = () => {}
    const sent = new Promise<void>((resolve) => (send = resolve))
    const worker = await startWorker({
      ownerUrl: database().ownerUrl,
      mailer: { sender: { name: 'Plinth' }, send: async () => send() } as unknown as Mailer,
      config: {
        ...workerConfig,
        slackApiUrl: slack().apiUrl,
        encryptionKeys: [{ id: 'test', key: Buffer.alloc(32, 7) }],
      },
      log: makeLog({ logLevel: 'silent' }, false),
    })

    await sent
    const { length } = slack().calls
    await worker.close()

    expect(length).toBeLessThanOrEqual(1) // the other ring waits for the one that hangs
    // A worker that is told to stop gives back what it was at.
    expect(await run('select from graphile_worker._private_job_queues where locked_at is not null')).toEqual(
      [],
    )
  }, 20_000)

  test.each(['not_in_channel', 'channel_not_found', 'invalid_auth', 'is_archived'])(
    'a refusal such as %s is final, and the managers can read it until the next success',
    async (error) => {
      slack().trouble('chat.postMessage', { error })
      const id = await ring()
      await runJobs()
      expect(await faultOf()).toBe(error)
      expect(await slackJobs()).toEqual([])

      await run('update app_public.rings set count = 2 where id = $1', [id])
      await runJobs()

      expect(await faultOf()).toBe(null)
      expect(slack().messages.size).toBe(1)
    },
  )

  test('a message that somebody has deleted is let go', async () => {
    const id = await ring()
    await runJobs()
    slack().messages.clear()
    await answer(id, studio().member, false)

    await runJobs()

    expect(slack().messages.size).toBe(0)
    expect(await slackJobs()).toEqual([])
    expect(await faultOf()).toBe(null)
  })

  test('what is written down of a failure has no token in it', async () => {
    slack().trouble('chat.postMessage', 'cuts')
    await ring()
    await runJobs()

    expect(JSON.stringify(await slackJobs())).not.toContain('xoxb')
    expect(JSON.stringify(await slackJobs())).toContain('Slack does not answer')
  })
})
