import { expect, test } from '@jest/globals'
import { loadConfig } from '../../src/config.ts'
import { Fault } from '../../src/fault.ts'
import { slackApp } from '../support/slackRequests.ts'
import { encryptionKeys } from '../support/slackServices.ts'

/** What is said to be wrong with some settings. */
function faultsOf(env: Record<string, string>): readonly string[] {
  try {
    loadConfig({ env })
  } catch (error) {
    if (error instanceof Fault) return error.advice
    throw error
  }
  return []
}
const all = { ...slackApp, ENCRYPTION_KEYS: encryptionKeys }

test('an operator sets up a Slack app, and says where the server is', () => {
  const config = loadConfig({ env: { ...all, SERVER_URL: 'https://doors.example.com/' } })

  expect(config).toMatchObject({
    slack: {
      clientId: slackApp.SLACK_CLIENT_ID,
      clientSecret: slackApp.SLACK_CLIENT_SECRET,
      signingSecret: slackApp.SLACK_SIGNING_SECRET,
    },
    slackApiUrl: 'https://slack.com/api/',
    serverUrl: 'https://doors.example.com',
    encryptionKeys: [{ id: 'test', key: Buffer.alloc(32, 7) }],
  })
})

test('keys are read in their order, also without Slack', () => {
  const key = (byte: number) => Buffer.alloc(32, byte).toString('base64')

  const { encryptionKeys: keys } = loadConfig({ env: { ENCRYPTION_KEYS: `2026:${key(2)}, 2025:${key(1)}` } })

  expect(keys.map(({ id }) => id)).toEqual(['2026', '2025'])
})

test.each(Object.keys(slackApp))('without %s the others are a fault', (name) => {
  const others = Object.fromEntries(Object.entries(all).filter(([other]) => other !== name))

  expect(faultsOf(others)).toEqual([expect.stringContaining('go together: set all or none')])
})

test('a Slack app without keys is a fault, which says how to make one', () => {
  expect(faultsOf(slackApp)).toEqual([expect.stringContaining('openssl rand -base64 32')])
})

test('a database that is served as it is has no Slack', () => {
  expect(faultsOf({ ...all, SCHEMAS: 'public', DATABASE_URL: 'postgres://a@b/c' })).toEqual([
    expect.stringContaining('SLACK_CLIENT_ID is for the project'),
  ])
})
