import { AppError } from './errors.ts'

/** What the table says of a limit. */
export type LimitEntry = {
  default: number
  /** What is counted, as in "too many …", or the unit of time. */
  unit: string
  /** What is limited, and why at this number. */
  reason: string
}

/**
 * Every limit that a request meets. The settings LIMIT_… and docs/limits.md are made from it. A request over
 * one of them is refused before anything is planned; those in milliseconds end what takes longer.
 */
export const limitTable = {
  bodyBytes: {
    default: 100_000,
    unit: 'bytes in the body',
    reason: 'The body of a request, uncompressed. Enough for any operation; files are not sent this way.',
  },
  tokens: {
    default: 2000,
    unit: 'tokens',
    reason: 'Words and signs of a document, counted before it is parsed. Introspection takes 200.',
  },
  depth: {
    default: 15,
    unit: 'levels of fields',
    reason: 'Fields within fields, fragments followed. Introspection as GraphiQL asks for it takes 15.',
  },
  inputDepth: {
    default: 16,
    unit: 'levels of lists and objects',
    reason: 'Lists and objects within each other, in arguments and in variables; a filter takes two a step.',
  },
  inputObjects: {
    default: 2000,
    unit: 'lists and objects in the variables',
    reason: 'Each condition of a filter and each row to be written is one; plain values do not count.',
  },
  aliases: {
    default: 30,
    unit: 'aliases',
    reason: 'Aliases have the same thing done again and again in one request.',
  },
  directives: {
    default: 30,
    unit: 'directives',
    reason: 'Each is checked against all others of its place.',
  },
  fragments: {
    default: 60,
    unit: 'fragments',
    reason: 'Places where a fragment is spread or begins inline. Introspection takes some 10.',
  },
  fields: {
    default: 250,
    unit: 'fields',
    reason:
      'Fields of an operation with each fragment counted wherever it is spread. Introspection takes 230.',
  },
  objects: {
    default: 50,
    unit: 'fields with fields of their own',
    reason:
      'Of those the ones that hold others, which are what takes time to plan: one to two milliseconds each.',
  },
  rootFields: {
    default: 20,
    unit: 'root fields',
    reason: 'Fields at the top of an operation: each is a statement, and takes a connection to run it.',
  },
  pageSize: {
    default: 1000,
    unit: 'rows on a page',
    reason: 'What `first` and `last` may be, at every level. More is had page by page.',
  },
  defaultPageSize: {
    default: 100,
    unit: 'rows',
    reason: 'The size of a page where neither `first` nor `last` is given.',
  },
  mutationRows: {
    default: 1000,
    unit: 'rows in a mutation',
    reason: 'Rows that one bulk mutation may create, change or delete: they are one statement.',
  },
  planningMs: {
    default: 5000,
    unit: 'milliseconds',
    reason:
      'Time to plan an operation that is new to the server: a net below the limits above; what they allow takes some 100 ms.',
  },
  statementMs: {
    default: 10_000,
    unit: 'milliseconds',
    reason: 'Time of one SQL statement; Postgres itself ends it then.',
  },
  connectionMs: {
    default: 5000,
    unit: 'milliseconds',
    reason: 'Time to wait for a connection to Postgres while all are in use.',
  },
  waiting: {
    default: 500,
    unit: 'statements waiting',
    reason: 'Statements that wait for a connection; while there are as many, new requests are turned away.',
  },
  connectionsPerCaller: {
    default: 50,
    unit: 'WebSockets',
    reason:
      'Open at once with one token; without a token, from one address. Enough for a person’s tabs and devices.',
  },
  operationsPerConnection: {
    default: 100,
    unit: 'operations',
    reason: 'Under way at once on one WebSocket, subscriptions included. A page rarely needs ten.',
  },
  frameBytes: {
    default: 100_000,
    unit: 'bytes in a message',
    reason: 'The longest message a client may send by WebSocket; as much as a POST may have.',
  },
  initMs: {
    default: 3000,
    unit: 'milliseconds',
    reason: 'Until a new WebSocket must say who it is. One that does not costs memory and is nobody’s.',
  },
  unreadMs: {
    default: 10_000,
    unit: 'milliseconds',
    reason: 'A client that does not take a message within this time is cut; it can resume by its cursor.',
  },
  unreadBytes: {
    default: 1_000_000,
    unit: 'bytes unread',
    reason: 'Kept for one WebSocket that does not read; beyond, it is cut.',
  },
  retentionHours: {
    default: 24,
    unit: 'hours',
    reason: 'How long a subscription can be resumed after; the log of changes keeps lines as long.',
  },
  providerMs: {
    default: 5000,
    unit: 'milliseconds',
    reason: 'Each answer of a provider that people sign in with; three or four make a sign-in.',
  },
} as const satisfies Record<string, LimitEntry>

export type LimitName = keyof typeof limitTable

/** Each limit's maximum. */
export type Limits = Readonly<Record<LimitName, number>>

/** The names of all limits, in the order in which they are documented. */
export const limitNames = Object.keys(limitTable) as LimitName[]

type Shouted<Name extends string> = Name extends `${infer First}${infer Rest}`
  ? `${First extends Lowercase<First> ? '' : '_'}${Uppercase<First>}${Shouted<Rest>}`
  : ''

/** The name of a limit's setting. */
export type LimitSetting = `LIMIT_${Shouted<LimitName>}`

/** The setting of a limit: LIMIT_BODY_BYTES for bodyBytes. */
export const limitSetting = (name: LimitName): LimitSetting =>
  `LIMIT_${name.replace(/[A-Z]/g, '_$&').toUpperCase()}` as LimitSetting

/** Which limit was exceeded, by how much. */
export type Excess = { limit: LimitName; value: number; maximum: number }

/** The first of some measures that is over its limit, or null. */
export function findExcess(
  measures: Partial<Readonly<Record<LimitName, number>>>,
  limits: Limits,
): Excess | null {
  for (const [limit, value] of Object.entries(measures) as [LimitName, number][]) {
    if (value > limits[limit]) return { limit, value, maximum: limits[limit] }
  }
  return null
}

/** What is said to the one who exceeded a limit. */
export const excessMessage = ({ limit, value, maximum }: Excess): string =>
  `Too many ${limitTable[limit].unit}: ${value}, where at most ${maximum} are allowed.`

/** The error of a request that exceeds a limit. */
export class LimitError extends AppError {
  readonly excess: Excess

  constructor(excess: Excess) {
    super('LIMIT_EXCEEDED', excessMessage(excess))
    this.excess = excess
  }
}

/** The page docs/limits.md: every limit, its setting, its default and the reason for it. */
export function limitDocument(): string {
  const rows = limitNames.map((name) => {
    const { default: value, unit, reason } = limitTable[name]
    return `| \`${name}\` | \`${limitSetting(name)}\` | ${value} | ${unit} | ${reason} |`
  })
  return `# Limits

A request over a limit is refused before anything is planned, with HTTP status 400 (413 where it is the body) and
one error:

\`\`\`json
{ "code": "LIMIT_EXCEEDED", "limit": "depth", "value": 31, "maximum": 15 }
\`\`\`

A limit in milliseconds ends what takes longer: planning with \`LIMIT_EXCEEDED\`, a statement with \`TIMEOUT\`, the
wait for a connection with \`UNAVAILABLE\`, as does a request that finds too many waiting before it; the answer's
\`Retry-After\` then says when to come back. The first plan of a process, which has yet to warm up, may take five times
as long as \`planningMs\` says, each further one a little less, and the ninth no more than that.

| limit | setting | default | unit | what and why |
|---|---|---|---|---|
${rows.join('\n')}

Generated by \`npm run generate\` from \`src/limits.ts\`.
`
}
