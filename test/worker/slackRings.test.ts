import { describe, expect, test } from '@jest/globals'
import { rang, rings, useSlackRings } from '../support/slackRings.ts'
import { botToken } from '../support/slackStudio.ts'

const { run, slack, studio, runJobs, slackJobs, ring, answer, expire, texts } = useSlackRings()
const shown = () => [...slack().messages.values()]

describe('a ring', () => {
  test('is posted to the channel, by our bot, with two buttons', async () => {
    const id = await ring()

    await runJobs()

    expect(slack().calls.map(({ method, token }) => [method, token])).toEqual([
      ['chat.postMessage', botToken],
    ])
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
    await run(`update app_public.doors set name = '<!channel> & *co*' where id = $1`, [studio().doorId])
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
    await answer(id, studio().member, opens)

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

    expect(slack().calls).toEqual([])
  })

  test('is not posted where no channel is chosen, nor for another organization', async () => {
    await run('update app_public.slack_installations set channel_id = null')
    await ring()
    await runJobs()

    expect(slack().calls).toEqual([])
    expect(await slackJobs()).toEqual([])
  })

  test('is posted once when its job runs twice', async () => {
    const id = await ring()
    await runJobs()
    await run(`select graphile_worker.add_job('slack_ring__show', json_build_object('ringId', $1::uuid))`, [
      id,
    ])

    await runJobs()

    expect(slack().messages.size).toBe(1)
  })

  test('that is gone is nothing to show', async () => {
    await ring()
    await run('delete from app_public.rings')

    await runJobs()

    expect(slack().calls).toEqual([])
    expect(await slackJobs()).toEqual([])
  })
})
