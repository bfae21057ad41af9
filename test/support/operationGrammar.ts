import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isObjectType,
} from 'postgraphile/graphql'
import { fittingValue, strangeValue } from './hostileValues.ts'
import type { Random } from './random.ts'

/** What is sent to an API. */
export type Operation = { query: string; variables: Record<string, unknown>; operationName?: string }

/** Makes operations that a schema allows, or nearly. */
export type Grammar = {
  /** Another operation; with what was found so far as values to ask for, where there is something. */
  next(): Operation
  /** The same operation with other variables. */
  again(operation: Operation): Operation
  /** Remembers values of a type, such as ids, to use in later operations. */
  learn(type: string, values: readonly unknown[]): void
}

const oddNames = [
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  '_',
  '__typename',
  'data',
  'x'.repeat(200),
]

/** The grammar of a schema. Half of what it makes is valid; of the rest, each part is wrong by a chance. */
export function makeGrammar(schema: GraphQLSchema, random: Random): Grammar {
  const known = new Map<string, unknown[]>()
  let wrong = 0
  let aliases = 0
  let fragments: string[] = []
  let types: Record<string, string> = {}
  let variables: Record<string, unknown> = {}

  const value = (wrapped: GraphQLInputType, depth: number): unknown => {
    if (random.chance(wrong)) return strangeValue(random)
    if (!isNonNullType(wrapped) && random.chance(0.05)) return null
    const type = isNonNullType(wrapped) ? wrapped.ofType : wrapped
    if (isListType(type)) {
      return Array.from({ length: random.upTo(3) }, () => value(type.ofType, depth + 1))
    }
    if (isEnumType(type)) return new EnumValue(random.pick(type.getValues()).name)
    if (!isInputObjectType(type)) {
      const learnt = known.get(type.name)
      return learnt && random.chance(0.7) ? random.pick(learnt) : fittingValue(random, type.name)
    }
    const entries = Object.values(type.getFields())
      .filter((field) =>
        isNonNullType(field.type) ? !random.chance(wrong) : random.chance(depth > 3 ? 0 : 0.25),
      )
      .map((field) => [field.name, value(field.type, depth + 1)])
    if (random.chance(wrong)) entries.push([random.pick(oddNames), strangeValue(random)])
    return Object.fromEntries(entries) as unknown
  }

  const argument = ({ name, type }: GraphQLArgument): string => {
    if (random.chance(0.5)) return `${name}: ${literal(value(type, 0))}`
    const variable = random.chance(wrong) ? random.pick(oddNames) : `v${Object.keys(types).length}`
    types[variable] = random.chance(wrong) ? 'Int' : String(type)
    if (!random.chance(wrong)) variables[variable] = value(type, 0)
    return `${name}: $${variable}`
  }

  const directive = (): string => {
    if (!random.chance(0.05)) return ''
    if (random.chance(wrong)) return ' @nothing(if: 1)'
    return ` @${random.pick(['include', 'skip'])}(if: ${String(random.chance(0.5))})`
  }

  const field = (of: GraphQLField<unknown, unknown>, depth: number): string => {
    const given = of.args.filter((arg) =>
      isNonNullType(arg.type) && arg.defaultValue === undefined ? !random.chance(wrong) : random.chance(0.2),
    )
    const isOdd = random.chance(wrong * 3)
    // A name of its own, so that fields with other arguments do not collide.
    const alias = isOdd
      ? `${random.pick(oddNames)}: `
      : given.length > 0 || depth === 0
        ? `a${aliases++}: `
        : ''
    const args = given.length > 0 ? `(${given.map(argument).join(', ')})` : ''
    const name = random.chance(wrong) ? random.pick([...oddNames, 'nothing']) : of.name
    return `${alias}${name}${args}${directive()}${selection(getNamedType(of.type), depth)}`
  }

  const selection = (type: GraphQLNamedType, depth: number): string => {
    if (!isObjectType(type)) return random.chance(wrong) ? ' { a }' : ''
    if (random.chance(wrong)) return ''
    return ` { ${fields(type, depth + 1)} }`
  }

  const fields = (type: GraphQLObjectType, depth: number): string => {
    const all = Object.values(type.getFields())
    // Deep down, whatever has no parts of its own.
    const possible = depth < 5 ? all : all.filter(({ type: of }) => !isObjectType(getNamedType(of)))
    const chosen = Array.from({ length: 1 + random.upTo(depth < 3 ? 2 : 1) }, () => {
      if (possible.length === 0 || random.chance(0.05)) return '__typename'
      return field(random.pick(possible), depth)
    })
    const text = chosen.join(' ')
    if (random.chance(0.05)) return `... on ${type.name}${directive()} { ${text} }`
    if (!random.chance(0.05)) return text
    fragments.push(`fragment F${fragments.length} on ${type.name} { ${text} }`)
    return `...F${fragments.length - 1}`
  }

  /** The same value with another text, number or whatever somewhere in it. */
  const altered = (from: unknown): unknown => {
    if (typeof from !== 'object' || from === null || from instanceof EnumValue || isRaw(from)) {
      return strangeValue(random)
    }
    if (Array.isArray(from))
      return from.map((part, index) => (index === 0 ? altered(part) : (part as unknown)))
    const keys = Object.keys(from)
    if (keys.length === 0) return strangeValue(random)
    const key = random.pick(keys)
    return { ...from, [key]: altered((from as Record<string, unknown>)[key]) }
  }

  const spoil = (text: string): string => {
    const at = random.upTo(text.length)
    return random.pick([
      () => text.slice(0, at),
      () =>
        text.slice(0, at) +
        random.pick(['{', '}', '"', '$', '...', '\0', '\ud800', '"""', '!', '[']) +
        text.slice(at),
      () => text + text,
      () => text.replaceAll(' ', ',#\n'),
    ])()
  }

  return {
    learn(type, values) {
      if (values.length > 0) known.set(type, [...values])
    },
    next() {
      fragments = []
      types = {}
      variables = {}
      aliases = 0
      wrong = random.chance(0.5) ? 0 : 0.04
      const mutation = schema.getMutationType()
      const isMutation = mutation !== undefined && mutation !== null && random.chance(0.3)
      const root = isMutation ? mutation : schema.getQueryType()!
      const body = fields(root, 0)
      const declared = Object.entries(types).map(([name, type]) => `$${name}: ${type}`)
      const head = `${isMutation ? 'mutation' : 'query'} Q${declared.length > 0 ? `(${declared.join(', ')})` : ''}`
      const query = [`${head} { ${body} }`, ...fragments].join('\n')
      return {
        query: random.chance(wrong) ? spoil(query) : query,
        variables,
        ...(random.chance(wrong) && { operationName: random.pick(['Q', ...oddNames]) }),
      }
    },
    again(operation) {
      const names = Object.keys(operation.variables)
      if (names.length === 0) return operation
      const name = random.pick(names)
      return {
        ...operation,
        variables: { ...operation.variables, [name]: altered(operation.variables[name]) },
      }
    },
  }
}

/** A value that is a bare name in an operation, and a text in JSON. */
export class EnumValue {
  readonly name: string
  constructor(name: string) {
    this.name = name
  }
  toJSON(): string {
    return this.name
  }
}

/** A value as it is written in an operation. */
export function literal(value: unknown): string {
  if (value instanceof EnumValue) return value.name
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`
  if (typeof value !== 'object' || value === null || isRaw(value)) return JSON.stringify(value)
  const entries = Object.entries(value).map(
    ([key, part]) => `${/^[_a-z]\w*$/i.test(key) ? key : '_'}: ${literal(part)}`,
  )
  return `{ ${entries.join(', ')} }`
}

const isRaw = (value: object) => (JSON as unknown as { isRawJSON(value: unknown): boolean }).isRawJSON(value)
