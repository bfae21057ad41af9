import 'postgraphile'
import { type PgCodec, TYPES } from 'postgraphile/@dataplan/pg'
import { GraphQLError, Kind, print, type ValueNode } from 'postgraphile/graphql'
import { AppError } from '../src/errors.ts'
import { rules } from './exactScalars.ts'

/**
 * A value arrives as it was sent, or is refused by name. The stock scalars take anything and leave it to
 * Postgres, which guesses: `tomorrow` is a date, `{}` becomes a text, half of a time zone is dropped.
 */
export const ExactScalarsPlugin: GraphileConfig.Plugin = {
  name: 'ExactScalarsPlugin',
  version: '1.0.0',
  description: 'Takes values that are of their type, and no others.',

  gather: {
    hooks: {
      pgCodecs_PgCodec(_info, { pgCodec }) {
        refuseWhatIsCut(pgCodec)
        if (pgCodec === TYPES.json || pgCodec === TYPES.jsonb) pgCodec.fromPg = parseExactly
      },
    },
  },

  schema: {
    hooks: {
      GraphQLScalarType(config, build) {
        const name = nameOf(config.name, build)
        const rule = name && rules[name]
        if (!rule) return config
        // The stock Oid takes, and gives, half of the numbers there are.
        const isOid = name === 'Oid'
        const parseValue = (!isOid && config.parseValue) || ((value: unknown) => value)
        const parse = (value: unknown, written?: ValueNode): unknown => {
          const fault = rule(value)
          if (fault === null) return parseValue(value)
          throw new GraphQLError(`${config.name} ${fault}`, written ? { nodes: written } : {})
        }
        const isNumeric = name === 'BigInt' || name === 'BigFloat'
        return {
          ...config,
          ...(isOid && { serialize: Number }),
          parseValue: (value) => parse(value),
          parseLiteral: (written) =>
            // All of its digits, not those that JavaScript would keep.
            isNumeric && 'value' in written && typeof written.value === 'string'
              ? parse(written.value, written)
              : parse(valueOf(written), written),
        }
      },
    },
  },
}

/** What Graphile calls a scalar, or the one that a domain is over; undefined for what it does not know. */
function nameOf(type: string, build: GraphileBuild.Build): string | undefined {
  const known = new Map(Object.keys(rules).map((name) => [build.inflection.builtin(name), name]))
  if (known.has(type)) return known.get(type)
  for (const codec of build.allPgCodecs) {
    let base: PgCodec = codec
    if (!codec.domainOfCodec || build.getGraphQLTypeNameByPgCodec(codec, 'input') !== type) continue
    while (base.domainOfCodec) base = base.domainOfCodec as PgCodec
    return known.get(build.getGraphQLTypeNameByPgCodec(base, 'input') ?? '')
  }
  return undefined
}

/** What is written in an operation, as JSON would have it. */
function valueOf(written: ValueNode): unknown {
  switch (written.kind) {
    case Kind.STRING:
    case Kind.BOOLEAN:
      return written.value
    case Kind.NULL:
      return null
    case Kind.INT:
    case Kind.FLOAT:
      return Number(written.value)
    case Kind.LIST:
      return written.values.map(valueOf)
    case Kind.OBJECT:
      return Object.fromEntries(written.fields.map(({ name, value }) => [name.value, valueOf(value)]))
    case Kind.ENUM:
    case Kind.VARIABLE:
      throw new GraphQLError(`A value cannot have ${print(written)} in it: pass all of it as a variable.`, {
        nodes: written,
      })
  }
}

// The digits of a number that JavaScript would round go out as they came.
function parseExactly(text: string): unknown {
  if (!/\d{16}/.test(text)) return JSON.parse(text)
  return parseWithSource(text, (_key, value, { source }) =>
    typeof value === 'number' &&
    Number.isInteger(value) &&
    !Number.isSafeInteger(value) &&
    source !== undefined
      ? rawJSON(source)
      : value,
  )
}

// Part of JavaScript, though not yet of TypeScript's types.
const { parse: parseWithSource, rawJSON } = JSON as unknown as {
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { source?: string }) => unknown,
  ): unknown
  rawJSON(text: string): unknown
}

const adjusted = new WeakSet<PgCodec>() // these codecs are shared by all schemas

/** Has a type that Postgres would cut a value to refuse what does not fit. */
function refuseWhatIsCut(codec: PgCodec): void {
  const fault = cuts.get(codec)
  if (!fault || adjusted.has(codec)) return
  adjusted.add(codec)
  const { toPg } = codec
  codec.toPg = (value: unknown) => {
    const message = fault(String(value))
    if (message) throw new AppError('BAD_USER_INPUT', message, { value })
    return toPg(value)
  }
}

const hasOffset = (text: string) => /[+-]\d\d(:?\d\d)*$/.test(text.replace(/^\d+-\d\d-\d\d/, ''))

const cuts = new Map<PgCodec, (text: string) => string | null>([
  [TYPES.char, (text) => (Buffer.byteLength(text) > 1 ? 'It has at most one character.' : null)],
  [TYPES.name, (text) => (Buffer.byteLength(text) > 63 ? 'It has at most 63 bytes.' : null)],
  [TYPES.time, (text) => (hasOffset(text) ? 'It is a time without an offset.' : null)],
  [TYPES.timestamp, (text) => (hasOffset(text) ? 'It is a date and time without an offset.' : null)],
])
