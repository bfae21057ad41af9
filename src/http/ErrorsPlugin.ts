import 'postgraphile'
import 'postgraphile/grafserv'
import type { GrafastExecutionArgs, PromiseOrDirect } from 'postgraphile/grafast'
import { type ExecutionResult, GraphQLError } from 'postgraphile/graphql'
import type { Log } from '../log.ts'
import type { Asked } from './askedArguments.ts'
import type { Explain } from './explainRefusal.ts'
import { type Access, tellReadOnlyToken } from './readOnlyTokens.ts'
import { type Circumstances, makeMaskError, type MaskError } from './maskError.ts'
import { usesOf } from './requestErrors.ts'
import { unsoundLiterals } from './unsoundLiterals.ts'
import { unsoundPart } from './unsoundValues.ts'

type Carried = Pick<ExecutionResult, 'data' | 'errors' | 'extensions'>

/**
 * Sees to it that every error of an answer, by HTTP or by WebSocket, has a registered code: they all come
 * by its `maskError`, which learns here what an operation asked for. Refuses texts that Postgres
 * cannot keep before anything is carried out.
 */
export function makeErrorsPlugin(
  log: Log,
  explain: Explain | null,
): { plugin: GraphileConfig.Plugin; maskError: MaskError } {
  const circumstances = new WeakMap<Error, Circumstances>()
  const maskError = makeMaskError(log, (error) => circumstances.get(error))

  const remember = async (result: Carried, asked: Asked, context: object) => {
    for (const error of result.errors ?? []) {
      const explained = explain && (await explain(asked, context, error.path ?? [], error))
      circumstances.set(error, { asked, ...(explained && { explain: explained }) })
    }
  }

  // A row that is hidden is null, and no error: it is explained beside the data.
  const explainNulls = async (result: Carried, asked: Asked, context: object) => {
    const failed = new Set(result.errors?.map(({ path }) => path?.[0]))
    const nulls = Object.entries(result.data ?? {}).filter(
      ([key, value]) => value === null && !failed.has(key),
    )
    for (const [key] of nulls) {
      const explained = await explain?.(asked, context, [key])
      if (!explained) continue
      const known = result.extensions?.explain as object | undefined
      result.extensions = { ...result.extensions, explain: { ...known, [key]: explained } }
    }
  }

  const carryOut = async <Result extends object>(
    next: () => PromiseOrDirect<Result>,
    args: GrafastExecutionArgs,
  ): Promise<Result> => {
    const refused = refuseUnsound(args)
    if (refused) return { errors: refused } as unknown as Result
    // As they are before the request has a transaction, which puts its own in place.
    const { withPgClient, pgSettings } = args.contextValue as Access
    const result = await next()
    const carried: Carried = result // or a stream of them, which has none of these members
    if (carried.errors) {
      carried.errors = await tellReadOnlyToken(carried.errors, { withPgClient, pgSettings })
      await remember(carried, args, args.contextValue as object)
    }
    if (explain && carried.data) await explainNulls(carried, args, args.contextValue as object)
    return result
  }

  const plugin: GraphileConfig.Plugin = {
    name: 'ErrorsPlugin',
    version: '1.0.0',
    description: 'Gives every error its code.',

    grafast: {
      middleware: {
        execute: (next, { args }) => carryOut(next, args),
        subscribe: (next, { args }) => carryOut(next, args),
      },
    },

    grafserv: {
      middleware: {
        setPreset(next, event) {
          event.validationRules.push(unsoundLiterals)
          return next()
        },
      },
    },
  }
  return { plugin, maskError }
}

function refuseUnsound({ variableValues, document }: Asked): GraphQLError[] | null {
  for (const [name, value] of Object.entries(variableValues ?? {})) {
    const fault = unsoundPart(value)
    if (!fault) continue
    const paths = usesOf(name, document).map((path) => [...path, ...fault.path])
    const extensions = { code: 'BAD_USER_INPUT', ...(paths.length > 0 && { arguments: paths }) }
    return [new GraphQLError(fault.message, { extensions })]
  }
  return null
}
