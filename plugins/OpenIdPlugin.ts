import 'postgraphile'
import {
  access,
  constant,
  context,
  type FieldArgs,
  object,
  sideEffect,
  type Step,
} from 'postgraphile/grafast'
import 'postgraphile/graphile-build-pg'
import { extendSchema } from 'postgraphile/utils'
import type { Caller } from './openId/attempts.ts'
import { makeSignIn, type OpenIdOptions } from './openId/signIn.ts'
import { typeDefs } from './openId/typeDefs.ts'

/**
 * Signing in with others by OpenID Connect: the front end sends people to the provider and hands on what
 * they bring back. Where the database has the type app_public.new_session, the fields are there, also
 * without any provider: clients are generated from one schema, whatever the deployment.
 */
export function makeOpenIdPlugin(options: OpenIdOptions): GraphileConfig.Plugin {
  const signIn = makeSignIn(options)

  const extension = extendSchema((build) => {
    const session = findSession(build)
    if (!session) return { typeDefs: [] }
    return {
      typeDefs: typeDefs(build.inflection.tableType(session)),
      objects: {
        Query: { plans: { signInProviders: () => constant(signIn.providers) } },
        Mutation: {
          plans: {
            beginSignInWith: mutation(async (caller, { provider, link }) => ({
              result: await signIn.begin(caller, provider, link ?? false),
            })),
            finishSignInWith: mutation((caller, { id, callbackUrl }) =>
              signIn.finish(caller, id, callbackUrl),
            ),
          },
        },
      },
    }
  }, 'OpenIdPlugin')

  return {
    ...extension,
    version: '1.0.0',
    description: 'Signs people in with others, by OpenID Connect.',
    schema: {
      ...extension.schema,
      hooks: {
        ...extension.schema?.hooks,
        // Rows of a type that is no table's come from a function, as far as PostGraphile knows. Ours do not.
        GraphQLObjectType: (type, build, { scope }) =>
          scope.pgCodec && scope.pgCodec === findSession(build) ? { ...type, assertStep: undefined } : type,
        GraphQLObjectType_fields_field: (field, _build, { scope }) =>
          scope.isRootMutation && ['beginSignInWith', 'finishSignInWith'].includes(scope.fieldName)
            ? { ...field, extensions: { ...field.extensions, standsAlone } }
            : field,
      },
    },
  }
}

// As the end of a sentence.
const standsAlone = 'it waits for the provider, and cannot be undone'

const findSession = ({ input }: GraphileBuild.Build) =>
  Object.values(input.pgRegistry.pgCodecs).find(({ extensions }) => {
    const { schemaName, name } = extensions?.pg ?? {}
    return schemaName === 'app_public' && name === 'new_session'
  })

/** What the inputs of these mutations say; the schema sees to it that what is asked for is there. */
type Input = { provider: string; link: boolean | null; id: string; callbackUrl: string }

/** A mutation that is carried out by the server, for a caller. */
const mutation =
  (run: (caller: Caller, input: Input) => Promise<object>) => (_$root: Step, args: FieldArgs) => {
    const $caller = object({
      withPgClient: context().get('withPgClient'),
      pgSettings: context().get('pgSettings'),
    })
    const $asked = object({ caller: $caller, input: args.getRaw('input') })
    const $done = sideEffect($asked, ({ caller, input }) => run(caller as Caller, input as Input))
    return object({
      clientMutationId: args.getRaw(['input', 'clientMutationId']),
      result: access($done, 'result'),
      refusal: access($done, 'refusal'),
    })
  }
