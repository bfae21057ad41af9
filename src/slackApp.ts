/** What our Slack app asks for in a workspace. examples/slack/manifest.json says the same. */
export const slackScopes = ['chat:write', 'commands']

/** Where Slack reaches us, below SERVER_URL. */
export const slackPaths = {
  commands: '/slack/commands',
  actions: '/slack/actions',
  events: '/slack/events',
  installed: '/slack/install/callback',
}

/** What of an app tells Slack where to send people to, and whom they come from. */
export type SlackDoor = { apiUrl: string; clientId: string; serverUrl: string }

/** The address to which Slack sends people back who have connected a workspace. */
export const slackRedirectUrl = (serverUrl: string): string => `${serverUrl}${slackPaths.installed}`

/** Where somebody connects a workspace; they come back with the state. */
export function slackInstallUrl({ apiUrl, clientId, serverUrl }: SlackDoor, state: string): string {
  const url = new URL('/oauth/v2/authorize', apiUrl)
  url.search = new URLSearchParams({
    client_id: clientId,
    scope: slackScopes.join(','),
    redirect_uri: slackRedirectUrl(serverUrl),
    state,
  }).toString()
  return url.href
}
