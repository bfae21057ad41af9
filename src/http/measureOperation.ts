import {
  type DocumentNode,
  type FragmentDefinitionNode,
  Kind,
  Lexer,
  type SelectionSetNode,
  Source,
  type Token,
  TokenKind,
} from 'postgraphile/graphql'
import type { LimitName } from '../limits.ts'

/** The size of something in the terms of some limits. */
export type Measures = Partial<Record<LimitName, number>>

/**
 * What can be counted of a document before it is parsed, in one pass over its tokens. Bounds what the
 * parser, which is recursive, is given. Counts up to where the text stops being GraphQL.
 */
export function measureText(text: string): Measures {
  const lexer = new Lexer(new Source(text))
  const measures = { tokens: 0, depth: 0, inputDepth: 0, aliases: 0, directives: 0, fragments: 0 }
  const open = { fields: 0, inputs: 0, parentheses: 0 }
  // Whether a brace opens a selection or an object shows in whether parentheses are open.
  const opened = (by: 1 | -1) => {
    if (open.parentheses === 0) open.fields += by
    else open.inputs += by
    measures.depth = Math.max(measures.depth, open.fields)
    measures.inputDepth = Math.max(measures.inputDepth, open.inputs)
  }

  for (let token = advance(lexer); token && token.kind !== TokenKind.EOF; token = advance(lexer)) {
    measures.tokens++
    switch (token.kind) {
      case TokenKind.PAREN_L:
        open.parentheses++
        break
      case TokenKind.PAREN_R:
        open.parentheses = Math.max(0, open.parentheses - 1)
        break
      case TokenKind.BRACE_L:
      case TokenKind.BRACKET_L:
        opened(1)
        break
      case TokenKind.BRACE_R:
      case TokenKind.BRACKET_R:
        opened(-1)
        break
      case TokenKind.COLON:
        if (open.parentheses === 0) measures.aliases++
        break
      case TokenKind.AT:
        measures.directives++
        break
      case TokenKind.SPREAD:
        measures.fragments++
        break
    }
  }
  return measures
}

function advance(lexer: Lexer): Token | null {
  try {
    return lexer.advance()
  } catch {
    return null // the parser says what is wrong
  }
}

type Size = { depth: number; fields: number; objects: number; rootFields: number }

const noSize = (): Size => ({ depth: 0, fields: 0, objects: 0, rootFields: 0 })

/**
 * The size of a document's largest operation with every fragment counted wherever it is spread. Each
 * fragment is visited once, so this takes no longer than the document is long; one that contains itself
 * counts as nothing there, and validation names it. What lies in the schema's own description of itself
 * is no object: it takes no planning.
 */
export function measureOperations({ definitions }: DocumentNode): Measures {
  const fragments = new Map<string, FragmentDefinitionNode>()
  for (const definition of definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition)
  }
  const known = new Map<string, Size>()

  const ofFragment = (name: string): Size => {
    const size = known.get(name)
    if (size) return size
    const fragment = fragments.get(name)
    known.set(name, noSize())
    const measured = ofSelections(fragment?.selectionSet)
    known.set(name, measured)
    return measured
  }

  const ofSelections = (set: SelectionSetNode | undefined): Size => {
    const size = noSize()
    for (const selection of set?.selections ?? []) {
      if (selection.kind === Kind.FIELD) {
        const inside = ofSelections(selection.selectionSet)
        size.depth = Math.max(size.depth, 1 + inside.depth)
        size.fields += 1 + inside.fields
        if (selection.selectionSet && !selection.name.value.startsWith('__'))
          size.objects += 1 + inside.objects
        size.rootFields += 1
      } else {
        const spread =
          selection.kind === Kind.INLINE_FRAGMENT
            ? ofSelections(selection.selectionSet)
            : ofFragment(selection.name.value)
        size.depth = Math.max(size.depth, spread.depth)
        size.fields += spread.fields
        size.objects += spread.objects
        size.rootFields += spread.rootFields
      }
    }
    return size
  }

  const largest = noSize()
  for (const definition of definitions) {
    if (definition.kind !== Kind.OPERATION_DEFINITION) continue
    const size = ofSelections(definition.selectionSet)
    for (const name of Object.keys(largest) as (keyof Size)[]) {
      largest[name] = Math.max(largest[name], size[name])
    }
  }
  return largest
}

/**
 * How deep lists and objects lie within each other in the variables of an operation, and how many there
 * are; the variables as a whole do not count. Goes no deeper than one level past `most`.
 */
export function measureVariables(variables: object, most: number): Measures {
  const measures = { inputDepth: 0, inputObjects: 0 }
  const visit = (value: unknown, depth: number): void => {
    if (typeof value !== 'object' || value === null) return
    measures.inputObjects++
    measures.inputDepth = Math.max(measures.inputDepth, depth)
    if (depth <= most) for (const inside of Object.values(value)) visit(inside, depth + 1)
  }
  for (const value of Object.values(variables)) visit(value, 1)
  return measures
}
