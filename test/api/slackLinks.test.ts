import { beforeAll, describe, expect, test } from '@jest/globals'
import { withConnection } from '../../src/database/connection.ts'
import { useApi } from '../support/api.ts'
import type { Run } from '../support/database.ts'
import { makeStudio, type Studio } from '../support/people.ts'
import { signInWith } from '../support/sessions.ts'
import { connectSlack, linkSlackUser } from '../support/slackStudio.ts'

const { api, database } = useApi()
const run: Run = (sql, values) =>
  withConnection(
    database().ownerUrl,
    async (client) => (await client.query<Record<string, unknown>>(sql, values)).rows,
  )
let studio: Studio
let tokens: Record<'manager' | 'member' | 'stranger', string>
beforeAll(async () => {
  studio = await makeStudio(run)
  await connectSlack(run, studio.organizationId)
  tokens = {
    manager: await signInWith(run, studio.manager),
    member: await signInWith(run, studio.member),
    stranger: await signInWith(run, studio.stranger),
  }
})
const linkSlack = `mutation ($code: String!) { linkSlack(input: { code: $code }) { result { slackUserId } } }`

describe('the API', () => {
  test('lets nobody see a token, a code or a reply', async () => {
    const { data } = await api().ask('{ __schema { types { name fields { name } } } }')

    const names = JSON.stringify(data)
    expect(names).not.toMatch(
      /slackToken|slackReceipt|slackRepl|slackLinkCode|slackInstalls|"state_hash"|sealed/i,
    )
  })

  test('has no address of Slack where the server has no app', async () => {
    const { data } = await api().ask(
      'mutation ($id: UUID!) { startSlackInstall(input: { organizationId: $id }) { result { url } } }',
      { token: tokens.manager, variables: { id: studio.organizationId } },
    )

    expect(data?.startSlackInstall.result).toEqual({ url: null })
  })

  test('a manager chooses the channel, a member and a stranger cannot', async () => {
    const [installation] = await run('select id from app_public.slack_installations')
    const choose = (token: string, channelId: string) =>
      api().ask(
        `mutation ($id: UUID!, $channelId: String) {
          updateSlackInstallation(input: { id: $id, patch: { channelId: $channelId } }) {
            slackInstallation { channelId }
          }
        }`,
        { token, variables: { id: installation!.id, channelId } },
      )

    const chosen = await choose(tokens.manager, 'C9')
    expect(chosen.data?.updateSlackInstallation.slackInstallation).toEqual({ channelId: 'C9' })
    expect((await choose(tokens.manager, '#door')).errors?.[0]?.extensions?.code).toBe('BAD_USER_INPUT')
    for (const token of [tokens.member, tokens.stranger]) {
      expect((await choose(token, 'C8')).errors?.[0]?.extensions?.code).toBe('NOT_FOUND')
    }
  })

  test('a member sees their own link, a manager all, a stranger none', async () => {
    await linkSlackUser(run, studio.member, 'U1')
    await linkSlackUser(run, studio.manager, 'U2')
    const seen = async (token: string) => {
      const { data } = await api().ask('{ slackLinks { nodes { slackUserId } } }', { token })
      const { nodes } = data!.slackLinks as { nodes: { slackUserId: string }[] }
      return nodes.map(({ slackUserId }) => slackUserId).sort()
    }

    expect(await seen(tokens.member)).toEqual(['U1'])
    expect(await seen(tokens.manager)).toEqual(['U1', 'U2'])
    expect(await seen(tokens.stranger)).toEqual([])
  })

  test('whoever guesses codes is told to wait after ten', async () => {
    const guess = async () =>
      (await api().ask(linkSlack, { token: tokens.member, variables: { code: 'AAAA-BBBB-CCCC' } }))
        .errors?.[0]?.extensions?.code

    const codes: unknown[] = []
    for (let index = 0; index < 11; index++) codes.push(await guess())

    expect(codes).toEqual([...Array<undefined>(10).fill(undefined), 'TOO_MANY_ATTEMPTS'])
  })

  test('of two who give one code at the same moment, one is linked', async () => {
    await run('delete from app_private.attempts')
    await run('delete from app_public.slack_links')
    const [answer] = await run('select app_private.slack_command($1, $2) as body', [
      'signature',
      { team_id: 'T1', user_id: 'U5', user_name: 'mia', trigger_id: '1', text: 'link' },
    ])
    const code = /`(.+)`/.exec((answer!.body as { text: string }).text)![1]

    const answers = await Promise.all(
      [tokens.member, tokens.manager].map((token) => api().ask(linkSlack, { token, variables: { code } })),
    )

    const results = answers.map(({ data }) => data?.linkSlack.result as unknown)
    expect(results).toContainEqual({ slackUserId: 'U5' })
    expect(results).toContain(null)
  })
})
