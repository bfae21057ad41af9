import 'postgraphile'
import type { PgCodec, WithPgClient } from 'postgraphile/@dataplan/pg'
import 'postgraphile/graphile-build-pg'
import { AppError } from '../../src/errors.ts'
import { type FunctionResource, readCall } from '../functionFields.ts'

/** The statement that counts an attempt, and what its values are: fields of the input. */
export type Counting = { text: string; values: { field: string; codec: PgCodec }[] }

/** Reads tags of a function that say how attempts at it are counted. */
export function counting(build: GraphileBuild.Build, resource: FunctionResource, tags: string[]): Counting {
  const { argDetails } = build.pgGetArgDetailsFromParameters(resource, resource.parameters)
  const values: Counting['values'] = []
  const calls = tags.map((tag) => {
    const { schema, name, arguments: given } = readCall('attempt', tag)
    const placeholders = given.map((argument) => {
      const detail = argDetails.find(({ postgresArgName }) => postgresArgName === argument)
      if (!detail) throw new Error(`The tag attempt "${tag}": ${resource.name} has no argument ${argument}.`)
      return `$${values.push({ field: detail.graphqlArgName, codec: detail.pgCodec })}`
    })
    return `"${schema}"."${name}"(${placeholders.join(', ')})`
  })
  // All of them count, whichever refuses; of those that do, the longest wait is the answer.
  return { text: `select greatest(${calls.join(', ')}) as seconds`, values }
}

/** For whom an attempt is counted. */
export type CallerContext = {
  withPgClient: WithPgClient
  pgSettings: Record<string, string | undefined> | null
}

/** Counts an attempt that is made with an input; throws TOO_MANY_ATTEMPTS where there were too many. */
export async function count(
  { text, values }: Counting,
  input: Record<string, unknown>,
  { withPgClient, pgSettings }: CallerContext,
): Promise<void> {
  const given = values.map(({ field, codec }) => {
    const value = input[field] ?? null
    return value === null ? null : codec.toPg(value)
  })
  const { rows } = await withPgClient(pgSettings, (client) =>
    // By its name it is told from a change, with which the transaction of a request begins.
    client.query<{ seconds: number | string | null }>({ name: text, text, values: given }),
  )
  const seconds = rows[0]?.seconds ?? null
  if (seconds !== null) throw tooMany(Math.max(1, Math.ceil(Number(seconds))))
}

function tooMany(retryAfter: number): AppError {
  return new AppError('TOO_MANY_ATTEMPTS', `Too many attempts. Try again in ${inWords(retryAfter)}.`, {
    retryAfter,
  })
}

/** Rounded up, so that who waits as long has waited long enough: "1 minute", "2 hours". */
function inWords(seconds: number): string {
  const unit = units.find(({ size }) => seconds >= size) ?? units.at(-1)!
  const count = Math.ceil(seconds / unit.size)
  return `${count} ${unit.name}${count === 1 ? '' : 's'}`
}

const units = [
  { name: 'hour', size: 3600 },
  { name: 'minute', size: 60 },
  { name: 'second', size: 1 },
]
