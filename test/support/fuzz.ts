import { Agent, request } from 'node:http'
import {
  buildClientSchema,
  getIntrospectionQuery,
  type GraphQLSchema,
  type IntrospectionQuery,
} from 'postgraphile/graphql'
import { isErrorCode } from '../../src/errorRegistry.ts'
import type { Answer } from './ask.ts'
import type { Grammar, Operation } from './operationGrammar.ts'
import type { TestApi } from './api.ts'

/** How many operations a run sends, and the seed that decides which; `FUZZ_COUNT` and `FUZZ_SEED` change them. */
export function fuzzOptions(count: number): { count: number; seed: number } {
  const { FUZZ_COUNT, FUZZ_SEED } = process.env
  return {
    count: FUZZ_COUNT === undefined ? count : Number(FUZZ_COUNT),
    seed: FUZZ_SEED === undefined ? 20_260_101 : Number(FUZZ_SEED),
  }
}

/** The schema of an API, as it says itself. */
export async function schemaOf(api: TestApi): Promise<GraphQLSchema> {
  const { data } = await api.ask(getIntrospectionQuery())
  return buildClientSchema(data as unknown as IntrospectionQuery)
}

/** Sends operations on connections that are kept. */
function makeSender(url: string): {
  send(operation: Operation, token?: string): Promise<Answer>
  close(): void
} {
  const agent = new Agent({ keepAlive: true, maxSockets: 8 })
  return {
    close: () => agent.destroy(),
    send: (operation, token) =>
      new Promise((resolve, reject) => {
        const body = JSON.stringify(operation)
        const sent = request(`${url}/graphql`, {
          agent,
          method: 'POST',
          headers: {
            'Content-Type': 'application/json',
            Accept: 'application/json',
            'Content-Length': Buffer.byteLength(body),
            ...(token !== undefined && { Authorization: `Bearer ${token}` }),
          },
        })
        sent.on('error', reject)
        sent.on('response', (response) => {
          const chunks: Buffer[] = []
          response.on('data', (chunk: Buffer) => chunks.push(chunk))
          response.on('error', reject)
          response.on('end', () => {
            const text = Buffer.concat(chunks).toString()
            try {
              resolve({ status: response.statusCode ?? 0, ...(JSON.parse(text) as object) })
            } catch {
              resolve({ status: response.statusCode ?? 0, errors: [{ message: `not JSON: ${text}` }] })
            }
          })
        })
        sent.end(body)
      }),
  }
}

// What only the server's own words could hold; nothing that the grammar sends does.
const internals =
  /node_modules|\.[jt]s:\d|\bat \w+ \(|Cannot read|is not a function|is not iterable|undefined|\[object|Internal|call stack|violates|duplicate key|invalid input syntax|\bapp_\w+\.|plinth_|pg_(?!class)|\bselect [^{]|insert into|syntax error at|portal|bind message|relation "|column "/

/** What is wrong with an answer; null when it is as it should be, whatever was asked. */
export function faultOf({ status, data, errors }: Answer): string | null {
  if (status >= 500 || status < 200) return `status ${status}`
  if (data === undefined && !errors) return 'neither data nor errors'
  for (const error of errors ?? []) {
    const code = error.extensions?.code
    if (!isErrorCode(code)) return `no registered code: ${JSON.stringify(error)}`
    if (code === 'INTERNAL' || code === 'UNAVAILABLE') return `${code}: ${JSON.stringify(error)}`
    const found = internals.exec(
      `${error.message} ${JSON.stringify(error.extensions).replaceAll('\\"', '"')}`,
    )
    if (found) return `internals (${found[0]}): ${JSON.stringify(error)}`
  }
  return null
}

/**
 * Sends operations of a grammar, eight at a time, and lists those with a fault, ten at most. `token` is
 * asked for each; `refused` hears of one that no longer counts.
 */
export async function fuzz(
  api: TestApi,
  grammar: Grammar,
  count: number,
  { token, refused }: { token?: () => string | undefined; refused?: () => Promise<void> } = {},
): Promise<{ faults: string[]; outcomes: Map<string, number> }> {
  const sender = makeSender(api.url)
  const faults: string[] = []
  const outcomes = new Map<string, number>()
  const operations = inOrder(grammar, count)
  const worker = async () => {
    for (const operation of operations) {
      if (faults.length >= 10) return
      const answer = await sender.send(operation, token?.())
      const fault = faultOf(answer)
      if (fault !== null) faults.push(`${fault}\n${JSON.stringify(operation)}`)
      const codes = new Set(answer.errors?.map(({ extensions }) => String(extensions?.code)) ?? ['none'])
      for (const code of codes) outcomes.set(code, (outcomes.get(code) ?? 0) + 1)
      if (codes.has('UNAUTHENTICATED')) await refused?.()
    }
  }
  await Promise.all(Array.from({ length: 8 }, worker)).finally(sender.close)
  if (process.env.FUZZ_SHOW) process.stderr.write(JSON.stringify([...outcomes]) + '\n')
  return { faults, outcomes }
}

/** The same operations for the same seed, whoever of those that send them is the first to be done. */
function* inOrder(grammar: Grammar, count: number): Generator<Operation> {
  let operation: Operation | undefined
  for (let index = 0; index < count; index++) {
    // Every plan is tried with several sets of variables.
    operation = !operation || index % 5 === 0 ? grammar.next() : grammar.again(operation)
    yield operation
  }
}
