import {
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  parse,
  type ValidationRule,
  validate,
} from 'postgraphile/graphql'
import { errorRegistry } from '../errorRegistry.ts'
import { type Excess, findExcess, type Limits } from '../limits.ts'
import type { MaskError } from './maskError.ts'
import { measureOperations, measureText } from './measureOperation.ts'
import { excessError, findPageExcess, pageSizeRule } from './pageSizeRule.ts'

/** What has been read of a document: itself, or what is wrong with it. */
export type Reading =
  | { document: DocumentNode; errors?: undefined }
  /** Refused: not for what it says, but for its size or because it is not known. */
  | { errors: readonly GraphQLError[]; isRefused: boolean; document?: undefined }

/** Reads documents for a schema. */
export type DocumentReader = {
  /** Parses and validates a text, or finds it among those that were read before. */
  read(text: string): Reading
  /** The size of a page that a document is given by its variables, where it is too large. */
  findPageExcess(document: DocumentNode, variables: Readonly<Record<string, unknown>>): Excess | null
}

/** What documents are read by. */
export type ReaderOptions = {
  limits: Limits
  rules: readonly ValidationRule[]
  /** Whether an error tells more than that there is one: all others as well, and near names. */
  isTalkative: boolean
  /** The only texts that are accepted; null: any is. */
  trusted: ReadonlySet<string> | null
  /** Gives what is wrong with a document its code. */
  maskError: MaskError
}

/** How many documents are kept, parsed; the least recently used goes first. */
const kept = 500

/** Makes a reader, which costs a document that it knows no more than to look it up by its text. */
export function makeDocumentReader(schema: GraphQLSchema, options: ReaderOptions): DocumentReader {
  const { limits, rules, isTalkative, trusted, maskError } = options
  const documents = new Map<string, DocumentNode>()
  const most = Math.max(kept, trusted?.size ?? 0)
  const pageSizes = new WeakMap<DocumentNode, ReadonlySet<string>>()

  const refusal = (error: GraphQLError): Reading => ({ errors: [error], isRefused: true })

  const readAnew = (text: string): Reading => {
    if (trusted && !trusted.has(text)) return refusal(fault('UNKNOWN_OPERATION'))
    const excess = findExcess(measureText(text), limits)
    if (excess) return refusal(excessError(excess))
    let document
    try {
      document = parse(text)
    } catch (error) {
      return { errors: [maskError(error as Error)], isRefused: false }
    }
    const largeness = findExcess(measureOperations(document), limits)
    if (largeness) return refusal(excessError(largeness))

    const variables = new Set<string>()
    const errors = validate(
      schema,
      document,
      [...rules, pageSizeRule(limits, variables)],
      isTalkative ? {} : { hideSuggestions: true },
    )
    const oversize = errors.find(isExcess)
    if (oversize) return refusal(oversize)
    if (errors.length > 0) {
      return { errors: (isTalkative ? errors : errors.slice(0, 1)).map(maskError), isRefused: false }
    }
    if (variables.size > 0) pageSizes.set(document, variables)
    return { document }
  }

  return {
    read(text) {
      const known = documents.get(text)
      if (known) {
        documents.delete(text)
        documents.set(text, known)
        return { document: known }
      }
      const reading = readAnew(text)
      if (reading.document) {
        if (documents.size >= most) documents.delete(documents.keys().next().value!)
        documents.set(text, reading.document)
      }
      return reading
    },
    findPageExcess(document, values) {
      for (const name of pageSizes.get(document) ?? []) {
        const excess = findPageExcess(values[name], limits)
        if (excess) return excess
      }
      return null
    },
  }
}

const isExcess = ({ extensions }: GraphQLError): boolean => extensions.code === 'LIMIT_EXCEEDED'

const fault = (code: 'UNKNOWN_OPERATION') =>
  new GraphQLError(errorRegistry[code].message, { extensions: { code } })
