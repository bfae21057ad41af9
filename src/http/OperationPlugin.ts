import type { IncomingMessage } from 'node:http'
import { isPromiseLike, isSafeError } from 'postgraphile/grafast'
import {
  type ExecutionArgs,
  type ExecutionResult,
  GraphQLError,
  type GraphQLSchema,
  NoSchemaIntrospectionCustomRule,
} from 'postgraphile/graphql'
import type { BufferResult, ExecutionConfig, RequestDigest, Result } from 'postgraphile/grafserv'
import { type ErrorCode, errorRegistry } from '../errorRegistry.ts'
import { toPublicError } from '../errors.ts'
import { type Excess, findExcess, type Limits } from '../limits.ts'
import { type DocumentReader, makeDocumentReader } from './documentReader.ts'
import type { MaskError } from './maskError.ts'
import { measureVariables } from './measureOperation.ts'
import { excessError } from './pageSizeRule.ts'
import { readBody } from './requestBody.ts'
import { rememberRequest, withExtensions } from './requestIds.ts'

/** What operations are accepted by. */
export type OperationOptions = {
  limits: Limits
  introspection: boolean
  /** See ReaderOptions. */
  isTalkative: boolean
  /** The only texts that are accepted; null: any is. */
  trusted: ReadonlySet<string> | null
  /** Gives what is wrong with a document its code. */
  maskError: MaskError
}

/**
 * What stands between a request and the planning of its operation, over HTTP and over a WebSocket alike:
 * the body is read, the document held against the limits, the schema and the manifest, the variables
 * against the limits. Gives each error its request's id, and the answer the status that fits.
 */
export function makeOperationPlugin(options: OperationOptions): GraphileConfig.Plugin {
  const { limits } = options
  const statuses = new WeakMap<RequestDigest, number>()

  return {
    name: 'OperationPlugin',
    version: '1.0.0',
    description: 'Holds requests against limits before they are planned, and completes their errors.',

    grafserv: {
      middleware: {
        setPreset(next, event) {
          if (!options.introspection) event.validationRules.push(NoSchemaIntrospectionCustomRule)
          guardExecution(event, options, statuses)
          return next()
        },
        processRequest(next, { requestDigest }) {
          const request = requestDigest.requestContext.node?.req
          if (request) {
            requestDigest.getBody = async () => ({
              type: 'json',
              json: (await readBody(request, limits)) as never,
            })
          }
          const finish = (result: Result | null) =>
            result?.type === 'buffer'
              ? complete(result, statuses.get(requestDigest), request?.requestId)
              : result
          const result = next()
          return isPromiseLike(result) ? result.then(finish) : finish(result)
        },
      },
    },
  }
}

type Context = Partial<Grafast.RequestContext>
type Execute = (args: ExecutionArgs) => ReturnType<ExecutionConfig['execute']>
type SetPresetEvent = Parameters<GraphileConfig.GrafservMiddleware['setPreset']>[0]

function guardExecution(
  event: SetPresetEvent,
  options: OperationOptions,
  statuses: WeakMap<RequestDigest, number>,
): void {
  const { validationRules: rules, getExecutionConfig } = event
  let latest: { schema: GraphQLSchema; reader: DocumentReader } | undefined
  const readerFor = (schema: GraphQLSchema) => {
    if (latest?.schema !== schema) {
      latest = { schema, reader: makeDocumentReader(schema, { ...options, rules }) }
    }
    return latest.reader
  }

  const guard = (config: ExecutionConfig, context: Context): ExecutionConfig => {
    const reader = readerFor(config.schema)
    const requestId = requestOf(context)?.requestId
    const answerWith = (status: number) => context.http && statuses.set(context.http, status)
    const refuse = (excess: Excess) => {
      answerWith(400)
      return { errors: [withExtensions(excessError(excess), { requestId })] }
    }

    const guarded =
      (run: Execute): Execute =>
      (args: ExecutionArgs) => {
        const excess = findVariableExcess(reader, args, options.limits)
        if (excess) return refuse(excess)
        const settle = (result: Awaited<ReturnType<Execute>>) => {
          if (!('errors' in result) || !result.errors) return result
          if (result.errors.some(isPlanningTimeout)) {
            const maximum = options.limits.planningMs
            return refuse({ limit: 'planningMs', value: maximum + 1, maximum })
          }
          for (const error of result.errors) rememberRequest(error, requestId)
          const code = soleCode(result)
          if (code === 'UNAVAILABLE' || code === 'TOO_MANY_ATTEMPTS') answerWith(errorRegistry[code].status)
          return result
        }
        // What is thrown would reach the client as it is; as an error of the result it is masked.
        const fail = (originalError: unknown) =>
          settle({ errors: [new GraphQLError('Failed.', { originalError: originalError as Error })] })
        try {
          const result = run(args)
          return isPromiseLike(result) ? Promise.resolve(result).then(settle, fail) : settle(result)
        } catch (error) {
          return fail(error)
        }
      }

    return {
      ...config,
      parseAndValidate(text) {
        const reading = reader.read(text)
        if (reading.document) return reading
        if (reading.isRefused) answerWith(400)
        return { errors: reading.errors.map((error) => withExtensions(error, { requestId })) }
      },
      execute: guarded(config.execute),
      subscribe: guarded(config.subscribe),
    }
  }

  event.getExecutionConfig = function (context) {
    const config = getExecutionConfig.call(this, context)
    return isPromiseLike(config) ? config.then((ready) => guard(ready, context)) : guard(config, context)
  }
}

const requestOf = ({ node, ws }: Context): IncomingMessage | undefined => node?.req ?? ws?.request

function findVariableExcess(
  reader: DocumentReader,
  { document, variableValues }: ExecutionArgs,
  limits: Limits,
): Excess | null {
  if (!variableValues) return null
  const measures = measureVariables(variableValues, limits.inputDepth)
  return findExcess(measures, limits) ?? reader.findPageExcess(document, variableValues)
}

// Grafast's own error for it, which nothing else tells from others.
const isPlanningTimeout = ({ originalError }: GraphQLError): boolean =>
  originalError !== undefined &&
  isSafeError(originalError) &&
  originalError.message.startsWith('Operation took too long to plan')

/** The code of all errors of a result in which there is nothing else; null where they differ. */
function soleCode({ data, errors = [] }: ExecutionResult): ErrorCode | null {
  if (Object.values(data ?? {}).some((value) => value !== null)) return null
  const codes = errors.map(({ originalError }) => (originalError ? toPublicError(originalError).code : null))
  return new Set(codes).size === 1 ? codes[0]! : null
}

/** An answer with its right status and, where it is an error, with a code and the request's id in each. */
function complete(result: BufferResult, status: number | undefined, requestId: string | undefined): Result {
  if (status !== undefined) result.statusCode = status
  const { statusCode, headers, buffer } = result
  if (statusCode < 400 || !headers['content-type']?.includes('json')) return result
  if (statusCode === 405) headers.allow = 'POST'
  if (statusCode === 503) headers['retry-after'] = '1'

  type Extensions = Record<string, unknown> & { retryAfter?: number }
  const body = JSON.parse(buffer.toString()) as { errors?: { extensions?: Extensions }[] }
  const seconds = body.errors?.find(({ extensions }) => extensions?.retryAfter)?.extensions?.retryAfter
  if (seconds !== undefined) headers['retry-after'] = String(seconds)
  const errors = body.errors?.map(({ extensions: { statusCode: _, ...extensions } = {}, ...error }) => ({
    ...error,
    extensions: { code: codeOfStatus(statusCode), ...extensions, requestId },
  }))
  result.buffer = Buffer.from(JSON.stringify({ ...body, errors }))
  headers['content-length'] = String(result.buffer.length)
  return result
}

const codeOfStatus = (status: number): ErrorCode =>
  status < 500 ? 'BAD_REQUEST' : status === 503 ? 'UNAVAILABLE' : 'INTERNAL'
