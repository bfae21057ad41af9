import { hash } from 'node:crypto'
import type { RequestHandler } from 'express'
import { z } from 'zod'
import { escapeHtml } from '../../../worker/mailForms.ts'
import { slackRedirectUrl } from '../../slackApp.ts'
import { makeSlackClient, toSlackFault } from '../../slackClient.ts'
import type { SlackParts } from './routes.ts'
import { runStatement } from './statement.ts'

const takenShape = z.object({ organization_id: z.string(), person_id: z.string() }).nullable()
const installedShape = z.union([z.object({ organization: z.string() }), z.object({ refusal: z.string() })])

/** What Slack tells of a workspace that lets us in. An app for a whole enterprise has no workspace, and is not ours. */
const grantShape = z.object({
  access_token: z.string().min(1),
  bot_user_id: z.string(),
  team: z.object({ id: z.string(), name: z.string() }),
})

/**
 * Where Slack sends people back who have connected a workspace. The browser does not say who they are, and need not:
 * the state does, which is theirs and good once. The page says what was connected with what, since whoever agreed to
 * it may have been sent there by somebody else.
 */
export function makeInstalled({ config, encrypt, pool, log }: SlackParts): RequestHandler {
  const { slack, slackApiUrl, serverUrl, publicUrl } = config

  return async (request, response, next) => {
    if (request.method !== 'GET') return next() // a HEAD looks, and must not use anything up
    const show = (status: number, title: string, text: string) => {
      response.setHeader('Cache-Control', 'no-store')
      response.setHeader('Content-Security-Policy', "default-src 'none'; frame-ancestors 'none'")
      response
        .status(status)
        .type('html')
        .send(page(title, text, publicUrl))
    }
    const { searchParams } = new URL(request.url, serverUrl)
    const [state, code] = [searchParams.get('state') ?? '', searchParams.get('code')]

    const begun = takenShape.parse(
      await runStatement(
        pool,
        request,
        'select to_json(taken) as result from app_private.take_slack_install($1) as taken',
        [hash('sha256', state, 'buffer')],
      ),
    )
    if (!begun)
      return show(
        400,
        failed,
        'This link has been used already, or has expired. Begin again where you got it.',
      )
    if (code === null) return show(400, failed, 'Slack was not allowed to.')

    const client = makeSlackClient(slackApiUrl)
    const answer: unknown = await client.oauth.v2
      .access({
        client_id: slack.clientId,
        client_secret: slack.clientSecret,
        code,
        redirect_uri: slackRedirectUrl(serverUrl),
      })
      .catch((error: unknown) => {
        log.warn({ requestId: request.requestId, error: toSlackFault(error).message }, 'no Slack token')
      })
    if (answer === undefined) return show(502, failed, 'Slack did not confirm it. Begin again.')
    const grant = grantShape.safeParse(answer)
    if (!grant.success) return show(400, failed, 'Connect a single workspace, and let our bot into it.')

    const { access_token: token, bot_user_id: botUserId, team } = grant.data
    const { keyId, data } = encrypt(token, begun.organization_id)
    const installed = installedShape.parse(
      await runStatement(
        pool,
        request,
        'select app_private.slack_installed($1, $2, $3, $4, $5, $6, $7) as result',
        [begun.organization_id, begun.person_id, team.id, team.name.slice(0, 200), botUserId, keyId, data],
      ),
    )
    if ('refusal' in installed) return show(409, failed, installed.refusal)
    return show(
      200,
      'Slack is connected',
      `The workspace “${team.name}” opens the doors of “${installed.organization}”. If you did not mean that, remove the app in Slack.`,
    )
  }
}

const failed = 'Slack is not connected'

const page = (title: string, text: string, publicUrl: string | null): string => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${escapeHtml(title)}</title>
<h1>${escapeHtml(title)}</h1>
<p>${escapeHtml(text)}</p>
${publicUrl === null ? '' : `<p><a href="${escapeHtml(publicUrl)}">Go on</a></p>`}
</html>
`
