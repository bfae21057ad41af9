// Longer than most: it is the list of who may press what, and of what may become of a reply.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { useConnections } from '../support/connections.ts'
import { type FakeSlack, startFakeSlack } from '../support/fakeSlack.ts'
import { makePerson, makeStudio, type Studio } from '../support/people.ts'
import { deliver } from '../support/post.ts'
import { connectSlack, linkSlackUser } from '../support/slackStudio.ts'

const { database, owner: run, connections } = useConnections(2)
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
  await linkSlackUser(run, studio.member, 'U1')
  await linkSlackUser(run, studio.manager, 'U2')
  slack.calls.length = 0
  slack.replies.length = 0
  slack.messages.clear()
})

let count = 0
const responseUrl = (user: string) => slack.responseUrl(user)
const door = async (user = 'U1', url = responseUrl(user)) => {
  const [row] = await run('select app_private.slack_command($1, $2) as answer', [
    `signature ${++count}`,
    { team_id: 'T1', user_id: user, trigger_id: `${count}`, text: '', response_url: url },
  ])
  return (row!.answer as { text: string }).text
}
const pressed = (action: string, value: string, user = 'U1', team = 'T1') => ({
  text: 'select app_private.slack_action($1, $2) as answer',
  values: [
    `signature ${++count}`,
    {
      type: 'block_actions',
      team: { id: team },
      user: { id: user },
      container: { message_ts: '1.1' },
      actions: [{ action_id: action, value, action_ts: `${count}` }],
      response_url: responseUrl(user),
    },
  ],
})
const press = (...given: Parameters<typeof pressed>) => {
  const { text, values } = pressed(...given)
  return run(text, values)
}
const runJobs = () => deliver(database(), slack.apiUrl)
const settle = (state: string) =>
  run(
    `update app_public.unlock_commands
     set state = $1::text, finished_at = now(),
       claimed_at = case when $1::text in ('opened', 'failed', 'unknown') then now() end`,
    [state],
  )
const commands = () => run('select person_id from app_public.unlock_commands')
const left = () => run('select from app_private.slack_replies')
const slackJobs = () =>
  run(`select last_error from graphile_worker.jobs where task_identifier like 'slack\\_reply%'`)

async function ring(): Promise<string> {
  const [row] = await run(
    `insert into app_public.rings (organization_id, office_id, door_id) values ($1, $2, $3) returning id`,
    [studio.organizationId, studio.officeId, studio.doorId],
  )
  return row!.id as string
}
const ringOf = async (id: string) =>
  (await run('select state, answered_by from app_public.rings where id = $1', [id]))[0]

describe('a member who opens a door from Slack', () => {
  test.each([
    ['opened', '*Front* is open.'],
    ['failed', '*Front* did not open: its controller says so.'],
    ['expired', '*Front* stayed shut: its controller did not answer in time.'],
    ['refused', '*Front* stayed shut: you may not open it any more.'],
    ['unknown', 'Nobody knows whether *Front* opened: its controller fell silent.'],
  ])('hears, alone and once, when it is %s', async (state, text) => {
    expect(await door()).toBe('Opening *Front* …')
    await runJobs()
    expect(slack.replies).toEqual([])

    await settle(state)
    await runJobs()
    await run(
      `select graphile_worker.add_job('slack_reply__send', json_build_object('id', gen_random_uuid()))`,
    )
    await runJobs()

    expect(slack.replies).toEqual([{ to: 'U1', text }])
    expect(slack.calls[0]!.given).toMatchObject({ response_type: 'ephemeral', replace_original: false })
    expect(await left()).toEqual([])
  })

  test('by a button hears the decision too, which Slack does not show of an answer', async () => {
    await press(`open_door ${studio.doorId}`, studio.doorId)
    await runJobs()
    await settle('opened')
    await runJobs()

    expect(slack.replies.map(({ text }) => text)).toEqual(['Opening *Front* …', '*Front* is open.'])
  })

  test('by a button that may not, hears why', async () => {
    await run('delete from app_public.access_rules')

    await press(`open_door ${studio.doorId}`, studio.doorId)
    await runJobs()

    expect(slack.replies).toEqual([{ to: 'U1', text: expect.stringMatching(/^\*Front\* stays shut\. ./) }])
    expect(await commands()).toEqual([])
  })
})

describe('a button', () => {
  test('opens nothing for a user whom nobody knows, nor in another workspace', async () => {
    const id = await ring()
    await connectSlack(run, studio.strangerOrganizationId, 'T2')
    await linkSlackUser(run, studio.stranger, 'U1', 'T2')

    await press(`open_door ${studio.doorId}`, studio.doorId, 'U9')
    await press(`open_door ${studio.doorId}`, studio.doorId, 'U1', 'T2')
    await press(`open_door ${studio.doorId}`, studio.doorId, 'U1', 'T3')
    await press('open_ring', id, 'U9')
    await press('open_ring', id, 'U1', 'T2')
    await runJobs()

    expect(await commands()).toEqual([])
    expect(await ringOf(id)).toMatchObject({ state: 'ringing' })
    expect(slack.replies.map(({ to, text }) => [to, text])).toContainEqual([
      'U9',
      'Nobody knows yet who you are here. Type `/door link` first.',
    ])
  })

  test.each(['', 'no id', `x' or true --`, '00000000-0000-7000-8000-000000000000'])(
    'with the value %j opens nothing',
    async (value) => {
      await press('open_door', value)
      await press('open_ring', value)
      await press('something else', value)

      expect(await commands()).toEqual([])
    },
  )

  test('of somebody who was removed a moment ago opens nothing', async () => {
    await run('delete from app_public.memberships where person_id = $1', [studio.member])

    await press(`open_door ${studio.doorId}`, studio.doorId)

    expect(await commands()).toEqual([])
  })
})

describe('a ring', () => {
  test('that a member opens is answered by them, who hear what becomes of it', async () => {
    const id = await ring()

    await press('open_ring', id)
    await settle('opened')
    await runJobs()

    expect(await ringOf(id)).toEqual({ state: 'answered', answered_by: studio.member })
    expect(await commands()).toEqual([{ person_id: studio.member }])
    expect(slack.replies).toEqual([{ to: 'U1', text: '*Front* is open.' }])
  })

  test('that a member dismisses opens nothing', async () => {
    const id = await ring()

    await press('dismiss_ring', id)

    expect(await ringOf(id)).toEqual({ state: 'answered', answered_by: studio.member })
    expect(await commands()).toEqual([])
  })

  test('of two who answer at the same moment, one opens, and the other hears who did', async () => {
    const id = await ring()
    const [one, other] = connections() as [
      ReturnType<typeof connections>[0],
      ReturnType<typeof connections>[0],
    ]
    await one.run('begin')
    const first = pressed('open_ring', id, 'U1')
    await one.run(first.text, first.values)
    const second = pressed('open_ring', id, 'U2')
    const waiting = other.run(second.text, second.values)
    await other.untilWaiting()
    await one.run('commit')
    await waiting
    await runJobs()

    expect(await commands()).toEqual([{ person_id: studio.member }])
    expect(slack.replies).toEqual([{ to: 'U2', text: 'Mia has opened.' }])
  })

  test('is not answered by one who may not open, who hears why', async () => {
    await run('delete from app_public.access_rules')
    const id = await ring()

    await press('open_ring', id)
    await runJobs()

    expect(await ringOf(id)).toMatchObject({ state: 'ringing' })
    expect(slack.replies).toEqual([{ to: 'U1', text: expect.stringMatching(/./) }])
  })

  test('or a door of another organization is not theirs, though they are a member there too', async () => {
    const zoe = await makePerson(run, 'Zoe')
    for (const organization of [studio.organizationId, studio.strangerOrganizationId]) {
      await run('insert into app_public.memberships (organization_id, person_id) values ($1, $2)', [
        organization,
        zoe,
      ])
    }
    await connectSlack(run, studio.strangerOrganizationId, 'T2')
    await linkSlackUser(run, zoe, 'U7', 'T2')
    const id = await ring()

    await press('open_ring', id, 'U7', 'T2')
    await press('dismiss_ring', id, 'U7', 'T2')
    await press(`open_door ${studio.doorId}`, studio.doorId, 'U7', 'T2')
    await runJobs()

    expect(await ringOf(id)).toMatchObject({ state: 'ringing' })
    expect(await commands()).toEqual([])
    expect(slack.replies).toEqual(
      Array(3).fill({ to: 'U7', text: 'There is nothing here to answer any more.' }),
    )
  })
})

describe('a reply', () => {
  test.each([
    'https://169.254.169.254/latest',
    'http://127.0.0.1:1/replies/U1',
    'https://hooks.slack.com.evil.example/replies/U1',
    'file:///etc/passwd',
    'nonsense',
  ])('is not sent to %s', async (url) => {
    await door('U1', url)
    await settle('opened')

    await runJobs()

    expect(slack.calls).toEqual([])
    expect(await slackJobs()).toEqual([])
    expect(await left()).toEqual([])
  })

  test.each(['hangs', 'cuts', { status: 500 }] as const)('that meets %j is sent later', async (trouble) => {
    slack.trouble('response', trouble)
    await door()
    await settle('opened')
    await runJobs()
    expect(slack.replies).toEqual([])

    await run('update graphile_worker._private_jobs set run_at = now()')
    await runJobs()

    expect(slack.replies).toEqual([{ to: 'U1', text: '*Front* is open.' }])
  })

  test('that Slack puts off waits as long as Slack says', async () => {
    slack.trouble('response', { status: 429, retryAfter: 30 })
    await door()
    await settle('opened')

    await runJobs()

    expect(
      await run(
        `select run_at > now() + interval '20 seconds' as is_later from graphile_worker.jobs
         where task_identifier = 'slack_reply__send'`,
      ),
    ).toEqual([{ is_later: true }])
  })

  test('whose address has ended is given up', async () => {
    slack.trouble('response', { status: 404 })
    await door()
    await settle('opened')

    await runJobs()

    expect(await left()).toEqual([])
    expect(await slackJobs()).toEqual([])
  })

  test('that comes after half an hour is not sent', async () => {
    await door()
    await run(`update app_private.slack_replies set created_at = now() - interval '31 minutes'`)
    await settle('opened')

    await runJobs()

    expect(slack.calls).toEqual([])
  })
})
