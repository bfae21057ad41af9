import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import type { JobHelpers } from 'graphile-worker'
import { type Cipher, makeCipher } from '../../src/encryption.ts'
import { makeLog } from '../../src/log.ts'
import type { Mailer } from '../../src/mailer.ts'
import { startWorker } from '../../worker/runner.ts'
import type { TaskServices } from '../../worker/tasks/index.ts'
import { slack_token__encrypt_anew } from '../../worker/tasks/slack_token__encrypt_anew.ts'
import { useConnections } from '../support/connections.ts'
import { type FakeSlack, startFakeSlack } from '../support/fakeSlack.ts'
import { makeStudio, type Studio } from '../support/people.ts'
import { deliver } from '../support/post.ts'
import { testCipher } from '../support/slackServices.ts'
import { botToken, connectSlack } from '../support/slackStudio.ts'

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
const runJobsInTime = async () => {
  await run('update graphile_worker._private_jobs set run_at = now()')
  await runJobs()
}
const jobs = () => run('select task_identifier, last_error from graphile_worker.jobs')
const slackJobs = async () =>
  (await jobs()).filter(({ task_identifier }) => String(task_identifier).startsWith('slack'))

/** Rings, without the job that ends it: tests say when that is. */
async function ring(values: Record<string, unknown> = {}): Promise<string> {
  const { isQuiet = false } = values
  const [row] = await run(
    `insert into app_public.rings (organization_id, office_id, door_id, is_quiet) values ($1, $2, $3, $4)
     returning id`,
    [studio.organizationId, studio.officeId, studio.doorId, isQuiet],
  )
  await run(`delete from graphile_worker._private_jobs where key like 'ring %'`)
  return row!.id as string
}
async function otherRing(): Promise<void> {
  await run(
    `with door as (
       insert into app_public.doors (organization_id, office_id, name) values ($1, $2, 'Back') returning *
     )
     insert into app_public.rings (organization_id, office_id, door_id)
     select organization_id, office_id, id from door`,
    [studio.organizationId, studio.officeId],
  )
}
const answer = (id: string, person: string, opens: boolean) =>
  run('select app_private.answer_ring($1, $2, $3)', [id, person, opens])
const expire = (id: string) => run(`update app_public.rings set state = 'expired' where id = $1`, [id])
const shown = () => [...slack.messages.values()]
const faultOf = async () => (await run('select fault from app_public.slack_installations'))[0]!.fault
const texts = () => shown().map(({ text }) => text)
const rings = '🔔 Somebody is at the door: Front (Main)'
const rang = '🔔 Somebody was at the door: Front (Main)'

describe('a ring', () => {
  test('is posted to the channel, by our bot, with two buttons', async () => {
    const id = await ring()

    await runJobs()

    expect(slack.calls.map(({ method, token }) => [method, token])).toEqual([['chat.postMessage', botToken]])
    expect(shown()).toMatchObject([
      {
        channel: 'C1',
        text: rings,
        blocks: [
          { type: 'section' },
          {
            type: 'actions',
            elements: [
              { action_id: 'open_ring', value: id },
              { action_id: 'dismiss_ring', value: id },
            ],
          },
        ],
      },
    ])
  })

  test('whose names look like markup mentions nobody', async () => {
    await run(`update app_public.doors set name = '<!channel> & *co*' where id = $1`, [studio.doorId])
    await ring()

    await runJobs()

    expect(texts()).toEqual(['🔔 Somebody is at the door: &lt;!channel&gt; &amp; *co* (Main)'])
    expect(shown()[0]!.blocks[0]).toMatchObject({ text: { type: 'plain_text' } })
  })

  test('that is heard again says how often', async () => {
    const id = await ring()
    await runJobs()
    await run('update app_public.rings set count = 3, last_rang_at = now() where id = $1', [id])

    await runJobs()

    expect(texts()).toEqual([`${rings}, rang 3 times`])
  })

  test.each([
    ['opened', true, 'Mia has opened.'],
    ['dismissed', false, 'Mia has dismissed it.'],
  ])('that somebody has %s says so, and has no buttons any more', async (_what, opens, outcome) => {
    const id = await ring()
    await runJobs()
    await answer(id, studio.member, opens)

    await runJobs()

    expect(texts()).toEqual([`${rang}\n${outcome}`])
    expect(shown()[0]!.blocks.map(({ type }) => type)).toEqual(['section'])
  })

  test('that nobody answered says so', async () => {
    const id = await ring()
    await runJobs()
    await expire(id)

    await runJobs()

    expect(texts()).toEqual([`${rang}\nNobody answered in time.`])
  })

  test('in quiet hours is not posted', async () => {
    await ring({ isQuiet: true })

    await runJobs()

    expect(slack.calls).toEqual([])
  })

  test('is not posted where no channel is chosen, nor for another organization', async () => {
    await run('update app_public.slack_installations set channel_id = null')
    await ring()
    await runJobs()

    expect(slack.calls).toEqual([])
    expect(await slackJobs()).toEqual([])
  })

  test('is posted once when its job runs twice', async () => {
    const id = await ring()
    await runJobs()
    await run(`select graphile_worker.add_job('slack_ring__show', json_build_object('ringId', $1::uuid))`, [
      id,
    ])

    await runJobs()

    expect(slack.messages.size).toBe(1)
  })

  test('that is gone is nothing to show', async () => {
    await ring()
    await run('delete from app_public.rings')

    await runJobs()

    expect(slack.calls).toEqual([])
    expect(await slackJobs()).toEqual([])
  })
})

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
      slack.trouble('chat.postMessage', trouble)
      await ring()
      await runJobs()
      expect(slack.messages.size).toBe(0)
      expect(await slackJobs()).toMatchObject([{ task_identifier: 'slack_ring__show' }])

      await runJobsInTime()

      expect(texts()).toEqual([rings])
      expect(await slackJobs()).toEqual([])
    },
    15_000,
  )

  test('a ring that Slack puts off waits as long as Slack says, and no worker with it', async () => {
    slack.trouble('chat.postMessage', { status: 429, retryAfter: 120 })
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
    slack.trouble('chat.postMessage', 'does and cuts')
    const id = await ring()
    await runJobs()
    await runJobsInTime()
    await answer(id, studio.member, false)

    await runJobs()

    expect(texts()).toEqual([`${rang}\nMia has dismissed it.`])
  })

  test('in one that does not, the later message is the one that is kept up to date', async () => {
    slack.knowsRepeats = false
    slack.trouble('chat.postMessage', 'does and cuts')
    const id = await ring()
    await runJobs()
    await runJobsInTime()
    await answer(id, studio.member, false)

    await runJobs()

    expect(texts()).toEqual([rings, `${rang}\nMia has dismissed it.`])
  })

  test('a ring that is over when Slack is back is not posted any more', async () => {
    slack.trouble('chat.postMessage', { status: 500 })
    const id = await ring()
    await runJobs()
    await expire(id)

    await runJobsInTime()

    expect(slack.messages.size).toBe(0)
    expect(await slackJobs()).toEqual([])
  })

  test('nor is one whose time is over before its job has said so', async () => {
    await ring()
    await run(`update app_public.rings set expires_at = now() - interval '1 second'`)

    await runJobs()

    expect(slack.messages.size).toBe(0)
  })

  test('an update that was lost is made up for with what holds by then', async () => {
    const id = await ring()
    await runJobs()
    slack.trouble('chat.update', { status: 500 })
    await run('update app_public.rings set count = 2 where id = $1', [id])
    await runJobs()
    await answer(id, studio.member, false)

    await runJobsInTime()

    expect(texts()).toEqual([`${rang}, rang 2 times\nMia has dismissed it.`])
  })

  test('a mail goes out while it hangs, and no second worker waits for it', async () => {
    slack.trouble('chat.postMessage', 'hangs', 'hangs')
    await ring()
    await otherRing()
    await run(
      `select graphile_worker.add_job('person__send_welcome', json_build_object('personId', $1::uuid))`,
      [studio.member],
    )
    let send: () => void = () => {}
    const sent = new Promise<void>((resolve) => (send = resolve))
    const worker = await startWorker({
      ownerUrl: database().ownerUrl,
      concurrency: 2,
      mailer: { sender: { name: 'Plinth' }, send: async () => send() } as unknown as Mailer,
      publicUrl: null,
      securityLogDays: 365,
      slackApiUrl: slack.apiUrl,
      encryptionKeys: [{ id: 'test', key: Buffer.alloc(32, 7) }],
      log: makeLog({ logLevel: 'silent' }, false),
    })

    await sent
    const { length } = slack.calls
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
      slack.trouble('chat.postMessage', { error })
      const id = await ring()
      await runJobs()
      expect(await faultOf()).toBe(error)
      expect(await slackJobs()).toEqual([])

      await run('update app_public.rings set count = 2 where id = $1', [id])
      await runJobs()

      expect(await faultOf()).toBe(null)
      expect(slack.messages.size).toBe(1)
    },
  )

  test('a message that somebody has deleted is let go', async () => {
    const id = await ring()
    await runJobs()
    slack.messages.clear()
    await answer(id, studio.member, false)

    await runJobs()

    expect(slack.messages.size).toBe(0)
    expect(await slackJobs()).toEqual([])
    expect(await faultOf()).toBe(null)
  })

  test('what is written down of a failure has no token in it', async () => {
    slack.trouble('chat.postMessage', 'cuts')
    await ring()
    await runJobs()

    expect(JSON.stringify(await jobs())).not.toContain('xoxb')
    expect(JSON.stringify(await jobs())).toContain('Slack does not answer')
  })
})

describe('the tokens', () => {
  const [old, fresh] = [1, 2].map((byte) => ({ id: `key${byte}`, key: Buffer.alloc(32, byte) }))
  const withPgClient = async (use: (client: object) => Promise<unknown>) =>
    use({ query: async (sql: string, values: unknown[]) => ({ rows: await run(sql, values) }) })
  const encryptAnew = (cipher: Cipher) =>
    slack_token__encrypt_anew({ cipher, log: { info: () => {} } } as unknown as TaskServices)({}, {
      withPgClient,
    } as unknown as JobHelpers)
  const token = async () => (await run('select key_id, sealed from app_private.slack_tokens'))[0]!

  test('are encrypted anew with the first key, after which the other can be taken away', async () => {
    const { keyId, data } = makeCipher([old!]).encrypt(botToken, studio.organizationId)
    await run('update app_private.slack_tokens set key_id = $1, sealed = $2', [keyId, data])

    await encryptAnew(makeCipher([fresh!, old!]))

    const { key_id, sealed } = await token()
    expect(key_id).toBe('key2')
    expect(
      makeCipher([fresh!]).decrypt({ keyId: 'key2', data: sealed as Buffer }, studio.organizationId),
    ).toBe(botToken)
  })

  test('that are with the first key are left as they are, and so are all without keys', async () => {
    const before = await token()

    await encryptAnew(testCipher)
    await encryptAnew(makeCipher([]))

    expect(await token()).toEqual(before)
  })

  test('whose key was taken away cannot be used, and it is said which key is missing', async () => {
    await run(`update app_private.slack_tokens set key_id = 'gone'`)
    await ring()

    await runJobs()

    expect(await slackJobs()).toMatchObject([
      { last_error: 'A key of ENCRYPTION_KEYS is needed, and "gone" is not among them.' },
    ])
  })
})
