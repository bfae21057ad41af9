import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import {
  assertObjectType,
  buildSchema,
  type DocumentNode,
  getNamedType,
  GraphQLError,
  Kind,
  parse,
  validate,
} from 'graphql'

const root = join(import.meta.dirname, '../..')
const schema = buildSchema(readFileSync(join(root, 'schema.graphql'), 'utf8'))

// All of these speak of the Office. Examples about another database, such as one served as it is, cannot be checked
// against its schema: their page has to be named here.
const aboutOtherDatabases: string[] = []
const pages = ['README.md', ...['docs', 'examples'].flatMap(pagesIn)]
  .filter((page) => !aboutOtherDatabases.includes(page))
  .sort()

function pagesIn(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md') && !name.includes('node_modules'))
    .map((name) => `${folder}/${name}`)
}

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
const onPages = pages.flatMap(examplesOf)
const examples = [...onPages, [demo, readFileSync(join(root, demo), 'utf8')] as const]

test.each(examples)('a reader can send the example at %s', (_place, text) => {
  expect(faultsOf(text)).toEqual([])
})

test('the examples of every page are found', () => {
  const fences = pages.map((page) => readFileSync(join(root, page), 'utf8').split('```graphql').length - 1)
  expect(fences.reduce((sum, count) => sum + count)).toBe(onPages.length)
  expect(examples.length).toBeGreaterThan(20)
})

test.each([
  ['{ nobody }', 'Cannot query field "nobody" on type "Query".'],
  ['{ currentPerson { name }', 'Syntax Error: Expected Name, found <EOF>.'],
])('an example that has gone stale is noticed: %s', (text, fault) => {
  expect(faultsOf(text)).toEqual([fault])
})

/** The queries and mutations that do something of their own, as opposed to those that every table has. */
function ownOperations(): string[] {
  const ofQuery = Object.values(schema.getQueryType()!.getFields()).filter(({ name, type, args }) => {
    const row = getNamedType(type).name
    const one = row[0]!.toLowerCase() + row.slice(1)
    return name !== one && !name.startsWith(`${one}By`) && !args.some((arg) => arg.name === 'orderBy')
  })
  const ofMutation = Object.values(schema.getMutationType()!.getFields()).filter(
    // What a function gives is the `result` of its payload; others name the row there.
    ({ type }) => 'result' in assertObjectType(getNamedType(type)).getFields(),
  )
  return [...ofQuery, ...ofMutation].map(({ name }) => name)
}

/** The names of the fields at the top of an example: of each of its operations. */
const fieldsAtTheTop = (text: string): string[] =>
  parse(text).definitions.flatMap((definition) =>
    definition.kind === Kind.OPERATION_DEFINITION
      ? definition.selectionSet.selections.flatMap((one) => (one.kind === Kind.FIELD ? [one.name.value] : []))
      : [],
  )

// Operations that no page needs to show, each with the reason. A new one gets an example rather than a line here.
const shownNowhere: Record<string, string> = {}

test('a newcomer finds an example of each operation that is not of a table', () => {
  const shown = new Set(onPages.flatMap(([, text]) => fieldsAtTheTop(text)))

  expect(ownOperations().filter((name) => !shown.has(name))).toEqual(Object.keys(shownNowhere))
})

test('each function that the API shows is one of these operations', () => {
  const fields = { ...schema.getQueryType()!.getFields(), ...schema.getMutationType()!.getFields() }
  const functions = readdirSync(join(root, 'migrations/fixtures/functions/app_public'))
    .map((file) => file.replace('.sql', '').replaceAll(/_(.)/g, (_, letter: string) => letter.toUpperCase()))
    .filter((name) => name in fields)

  expect(functions.length).toBeGreaterThan(50)
  expect(ownOperations()).toEqual(expect.arrayContaining(functions))
})
