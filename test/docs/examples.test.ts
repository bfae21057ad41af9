import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { buildSchema, type DocumentNode, GraphQLError, parse, validate } from 'graphql'

const root = join(import.meta.dirname, '../..')
const schema = buildSchema(readFileSync(join(root, 'schema.graphql'), 'utf8'))

// All of these speak of the Office. Examples about another database, such as one served as it is, cannot be checked
// against its schema: their page has to be named here.
const aboutOtherDatabases: string[] = []
const pages = [
  'README.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' }).map((name) => `docs/${name}`),
]
  .filter((page) => page.endsWith('.md') && !aboutOtherDatabases.includes(page))
  .sort()

/** The fenced examples of a page, those within lists too, each with the line it begins at. */
function examplesOf(page: string): [place: string, text: string][] {
  const markdown = readFileSync(join(root, page), 'utf8')
  return [...markdown.matchAll(/^ *```graphql *\n(.*?)^ *```/gms)].map((match) => {
    const line = markdown.slice(0, match.index).split('\n').length + 1
    return [`${page}:${line}`, match[1]!]
  })
}

/** What GraphQL has against a text: nothing, for one that can be sent as it is. */
function faultsOf(text: string): readonly string[] {
  let document: DocumentNode
  try {
    document = parse(text)
  } catch (error) {
    if (error instanceof GraphQLError) return [error.message]
    throw error
  }
  return validate(schema, document).map(({ message }) => message)
}

const demo = 'migrations/demo/example.graphql'
const examples = [...pages.flatMap(examplesOf), [demo, readFileSync(join(root, demo), 'utf8')] as const]

test.each(examples)('a reader can send the example at %s', (_place, text) => {
  expect(faultsOf(text)).toEqual([])
})

test('the examples of every page are found', () => {
  const fences = pages.map((page) => readFileSync(join(root, page), 'utf8').split('```graphql').length - 1)
  expect(fences.reduce((sum, count) => sum + count)).toBe(examples.length - 1)
  expect(examples.length).toBeGreaterThan(20)
})

test.each([
  ['{ nobody }', 'Cannot query field "nobody" on type "Query".'],
  ['{ currentPerson { name }', 'Syntax Error: Expected Name, found <EOF>.'],
])('an example that has gone stale is noticed: %s', (text, fault) => {
  expect(faultsOf(text)).toEqual([fault])
})
