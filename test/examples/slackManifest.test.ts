import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { slackPaths, slackRedirectUrl, slackScopes } from '../../src/slackApp.ts'

const root = join(import.meta.dirname, '../..')
const read = (file: string) => readFileSync(join(root, file), 'utf8')
const manifest = JSON.parse(read('examples/slack/manifest.json')) as Record<string, any>
const server = 'https://doors.example.com'

test('Slack is told the addresses that the server answers at', () => {
  const { features, oauth_config, settings } = manifest

  expect(features.slash_commands).toMatchObject([{ command: '/door', url: server + slackPaths.commands }])
  expect(settings.interactivity).toEqual({ is_enabled: true, request_url: server + slackPaths.actions })
  expect(settings.event_subscriptions.request_url).toBe(server + slackPaths.events)
  expect(oauth_config.redirect_urls).toEqual([slackRedirectUrl(server)])
})

test('Slack is asked for what the server asks for, and for nothing else', () => {
  expect(manifest.oauth_config.scopes).toEqual({ bot: slackScopes })
})

test('every method that is called needs no more than that', () => {
  const needs: Record<string, string | null> = {
    'auth.revoke': null,
    'chat.postMessage': 'chat:write',
    'chat.update': 'chat:write',
  }

  const called = readdirSync(join(root, 'worker/tasks')).flatMap((file) => {
    const matches = read(`worker/tasks/${file}`).matchAll(/slack\s*\.call\(\w+, '([\w.]+)'/g)
    return [...matches].map(([, method]) => method!)
  })

  expect(called.sort()).toEqual(Object.keys(needs).sort())
  expect(slackScopes).toEqual(expect.arrayContaining(Object.values(needs).filter((scope) => scope !== null)))
})

test('Slack tells the events that are listened to', () => {
  const listened = read('migrations/fixtures/functions/app_private/slack_event.sql').matchAll(
    /'type' = '(\w+)'/g,
  )

  expect(manifest.settings.event_subscriptions.bot_events).toEqual([...listened].map(([, type]) => type))
})
