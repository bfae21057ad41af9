import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import {
  buildSchema,
  type GraphQLSchema,
  isObjectType,
  type DefinitionNode,
  type FragmentDefinitionNode,
  GraphQLError,
  Kind,
  type OperationDefinitionNode,
  parse,
  print,
  Source,
  specifiedRules,
  visit,
} from 'postgraphile/graphql'
import type { Command } from '../command.ts'
import { Fault, messageOf } from '../fault.ts'
import { makeDocumentReader } from '../http/documentReader.ts'
import type { Limits } from '../limits.ts'
import { documentId, type TrustedDocument, writeManifest } from '../trustedDocuments.ts'

export const documents: Command = {
  name: 'documents',
  summary: 'Records the operations of a client in a manifest, for TRUSTED_DOCUMENTS.',
  details:
    'Reads the .graphql and .gql files that are named, or that lie in the folders named. Each operation needs a\n' +
    'name of its own; fragments may lie in other files. All must fit the schema and the limits.',
  positionals: '<files or folders>',
  options: {
    out: { type: 'string', about: 'The file to write (operations.json).' },
    schema: { type: 'string', about: 'The schema to hold them against (schema.graphql).' },
  },
  async run(context) {
    const { out = 'operations.json', schema = 'schema.graphql' } = context.options
    const { limits } = context.config()
    const files = (await Promise.all(context.positionals.map(filesIn))).flat()
    if (files.length === 0) throw new Fault('There is no .graphql or .gql file to read.')

    const sources = await Promise.all(
      files.map(async (file) => new Source(await readFile(file, 'utf8'), file)),
    )
    const recorded = record(await readText(String(schema)), sources, limits)
    await writeFile(String(out), writeManifest(recorded))
    for (const { id, name } of recorded) context.print(`${id} ${name}`)
    context.progress.line(`${String(out)}: ${recorded.length} operations`)
    return 0
  },
}

async function filesIn(path: string): Promise<string[]> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new Fault(`${path} cannot be read.`, [messageOf(cause)], { cause })
  })
  if (!found.isDirectory()) return [path]
  const entries = await readdir(path, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile() && ['.graphql', '.gql'].includes(extname(entry.name)))
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted()
}

const readText = (file: string): Promise<string> =>
  readFile(file, 'utf8').catch((cause: unknown) => {
    throw new Fault(`The schema ${file} cannot be read.`, ['Name another with --schema <file>.'], { cause })
  })

/** The operations of some files, each with the fragments it uses. Throws one Fault for all that is wrong. */
function record(schema: string, sources: readonly Source[], limits: Limits): TrustedDocument[] {
  const faults: string[] = []
  const definitions = sources.flatMap((source) => {
    try {
      return parse(source).definitions
    } catch (error) {
      faults.push(place(error as GraphQLError))
      return []
    }
  })
  const operations = definitions.filter((node) => node.kind === Kind.OPERATION_DEFINITION)
  const fragments = new Map(
    definitions
      .filter((node) => node.kind === Kind.FRAGMENT_DEFINITION)
      .map((node) => [node.name.value, node]),
  )
  faults.push(...repeated(definitions))

  const reader = makeDocumentReader(readSchema(schema), {
    limits,
    rules: specifiedRules,
    isTalkative: true,
    trusted: null,
    maskError: (error) => (error instanceof GraphQLError ? error : new GraphQLError(error.message)),
  })
  const recorded = operations.map((operation): TrustedDocument => {
    const body = withFragments(operation, fragments)
    const name = operation.name?.value ?? 'an operation without a name'
    if (!operation.name) faults.push(`${fileOf(operation)}: an operation has no name.`)
    for (const { message } of reader.read(body).errors ?? [])
      faults.push(`${fileOf(operation)}: ${name}: ${message}`)
    return { id: documentId(body), name, type: operation.operation, body }
  })
  if (faults.length > 0) throw new Fault('Nothing was recorded.', faults)
  return recorded
}

/** A schema from its text, in which the sizes of pages are marked, as they are where it was made. */
function readSchema(text: string): GraphQLSchema {
  const schema = buildSchema(text)
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type)) continue
    for (const { args } of Object.values(type.getFields())) {
      // Every list with pages has both.
      if (!['first', 'offset'].every((name) => args.some((argument) => argument.name === name))) continue
      for (const argument of args) {
        if (['first', 'last'].includes(argument.name)) argument.extensions = { isPageSize: true }
      }
    }
  }
  return schema
}

/** Names that are given twice, among operations or among fragments. */
function* repeated(definitions: readonly DefinitionNode[]): Generator<string> {
  const seen = new Set<string>()
  for (const node of definitions) {
    if (node.kind !== Kind.OPERATION_DEFINITION && node.kind !== Kind.FRAGMENT_DEFINITION) continue
    if (!node.name) continue
    const key = `${node.kind} ${node.name.value}`
    if (seen.has(key)) yield `${fileOf(node)}: there is another ${node.name.value}.`
    seen.add(key)
  }
}

/** The text of an operation with all fragments that it uses, whatever it is written in. */
function withFragments(
  operation: OperationDefinitionNode,
  fragments: ReadonlyMap<string, FragmentDefinitionNode>,
): string {
  const used = new Map<string, FragmentDefinitionNode>()
  const follow = (node: DefinitionNode) =>
    visit(node, {
      FragmentSpread({ name: { value } }) {
        const fragment = fragments.get(value)
        if (!fragment || used.has(value)) return
        used.set(value, fragment)
        follow(fragment)
      },
    })
  follow(operation)
  return [operation, ...used.values()].map(print).join('\n\n')
}

const fileOf = (node: DefinitionNode): string => node.loc?.source.name ?? ''

const place = ({ source, locations, message }: GraphQLError): string =>
  `${source?.name}:${locations?.[0]?.line}: ${message}`
