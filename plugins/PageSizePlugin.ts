import 'postgraphile'
import 'postgraphile/graphile-build'
import 'postgraphile/graphile-build-pg'
import { constant, type Step } from 'postgraphile/grafast'
import type { GraphQLArgument } from 'postgraphile/graphql'

declare global {
  // eslint-disable-next-line @typescript-eslint/no-namespace -- where its options are declared
  namespace GraphileBuild {
    interface SchemaOptions {
      /** How many rows a list gives where neither `first` nor `last` is given; without, all. */
      defaultPageSize?: number
    }
  }
}

/**
 * Gives every list a page, also where nobody asked for one, at every level. It is known when the operation is
 * planned, so that lists within lists remain one statement. Marks the arguments that say how large a page
 * is by the extension `isPageSize`, by which the server finds those that ask for too much.
 */
export const PageSizePlugin: GraphileConfig.Plugin = {
  name: 'PageSizePlugin',
  version: '1.0.0',
  description: 'Gives lists a size where none is asked for, and marks the arguments that ask for one.',
  after: ['PgFirstLastBeforeAfterArgsPlugin'],

  schema: {
    hooks: {
      GraphQLObjectType_fields_field_args(args, _build, { scope }) {
        if (!isList(scope)) return args
        for (const name of ['first', 'last'] as const) {
          const argument = args[name]
          if (!argument?.applyPlan) continue
          args[name] = {
            ...argument,
            extensions: { ...argument.extensions, isPageSize: true },
            // `first` is seen to below, where it also is when it was not given.
            ...(name === 'first' && { applyPlan: undefined }),
          }
        }
        return args
      },
      GraphQLObjectType_fields_field(field, build, { scope }) {
        const { plan } = field
        const otherwise = build.options.defaultPageSize
        if (!isList(scope) || !plan) return field
        return {
          ...field,
          plan($parent, given, info) {
            const $list = plan($parent, given, info) as PagedStep
            const { args } = info.field
            const isGiven = (name: string) =>
              args.some((argument) => argument.name === name && argument.extensions.isPageSize === true) &&
              !isNothing(given.getRaw(name) as unknown as Testable)
            if (isGiven('first')) $list.setFirst(given.getRaw('first'))
            else if (otherwise !== undefined && !isGiven('last') && hasPages(args)) {
              $list.setFirst(constant(otherwise))
            }
            return $list
          },
        }
      },
    },
  },
}

type PagedStep = Step & { setFirst($first: Step): void }

/** What an argument is at planning; to ask it ties the plan to the answer, so that another gets another plan. */
type Testable = { evalIs(value: unknown): boolean }

const isNothing = ($value: Testable): boolean => $value.evalIs(undefined) || $value.evalIs(null)

const hasPages = (args: readonly GraphQLArgument[]): boolean =>
  args.some(({ extensions }) => extensions.isPageSize === true)

const isList = (scope: { isPgFieldConnection?: boolean; isPgFieldSimpleCollection?: boolean }): boolean =>
  scope.isPgFieldConnection === true || scope.isPgFieldSimpleCollection === true
