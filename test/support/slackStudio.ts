import type { Run } from './database.ts'
import { testCipher } from './slackServices.ts'

/** The bot token of the workspace that `connectSlack` connects. */
export const botToken = 'xoxb-of-the-studio'

/** Connects the workspace T1 to an organization, with a channel that hears the bell; returns the installation. */
export async function connectSlack(owner: Run, organizationId: string, team = 'T1'): Promise<string> {
  const [installation] = await owner(
    `insert into app_public.slack_installations (organization_id, team_id, team_name, bot_user_id, channel_id)
     values ($1, $2, 'Studio', 'B1', 'C1') returning id`,
    [organizationId, team],
  )
  const { keyId, data } = testCipher.encrypt(botToken, organizationId)
  await owner(
    `insert into app_private.slack_tokens (organization_id, team_id, installation_id, key_id, sealed)
     values ($1, $2, $3, $4, $5)`,
    [organizationId, team, installation!.id, keyId, data],
  )
  return installation!.id as string
}

/** Links a Slack user to a member. */
export async function linkSlackUser(owner: Run, person: string, user: string, team = 'T1'): Promise<void> {
  await owner(
    `insert into app_public.slack_links
       (organization_id, installation_id, person_id, slack_user_id, slack_user_name)
     select organization_id, id, $1, $2, 'mia' from app_public.slack_installations where team_id = $3`,
    [person, user, team],
  )
}
