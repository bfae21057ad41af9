import 'postgraphile'
import 'postgraphile/graphile-build-pg'
import { lambda, type Step } from 'postgraphile/grafast'
import { extendSchema } from 'postgraphile/utils'
import { type SlackDoor, slackInstallUrl } from '../src/slackApp.ts'

/**
 * Where the database has the type app_public.slack_install, says to which address of Slack its state belongs: SQL does
 * not know our settings. The field is there without them too, and null, so that clients are generated from one schema.
 */
export const makeSlackInstallPlugin = (door: SlackDoor | null): GraphileConfig.Plugin =>
  extendSchema(({ input, inflection }) => {
    const codec = Object.values(input.pgRegistry.pgCodecs).find(({ extensions }) => {
      const { schemaName, name } = extensions?.pg ?? {}
      return schemaName === 'app_public' && name === 'slack_install'
    })
    if (!codec) return { typeDefs: [] }
    const type = inflection.tableType(codec as Parameters<typeof inflection.tableType>[0])
    return {
      typeDefs: `extend type ${type} {
        "Where to send the browser; null where this server has no Slack app."
        url: String
      }`,
      objects: {
        [type]: {
          plans: {
            url: ($install: Step & { get(name: string): Step<string> }) =>
              lambda($install.get('state'), (state) => door && slackInstallUrl(door, state), true),
          },
        },
      },
    }
  }, 'SlackInstallPlugin')
