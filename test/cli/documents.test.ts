import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { documentId } from '../../src/trustedDocuments.ts'
import { makeApi, type TestApi } from '../support/api.ts'
import { makeDatabase, type TestDatabase } from '../support/database.ts'
import { usePlinth } from '../support/process.ts'

const plinth = usePlinth(afterEach)
const schema = join(import.meta.dirname, '../../schema.graphql')

/** A client's folder: two operations in two files, one of them with a fragment from the other. */
function clientFolder(files: Record<string, string> = {}): string {
  const folder = plinth.folder()
  mkdirSync(join(folder, 'src/deep'), { recursive: true })
  const all: Record<string, string> = {
    'src/who.graphql': 'query Who { currentPerson { ...Person } }',
    'src/deep/offices.gql':
      'fragment Person on Person { id name }\nquery   Offices($n: Int) { offices(first: $n) { nodes { id } } }',
    'src/notes.txt': 'query Ignored { nothing }',
    ...files,
  }
  for (const [name, text] of Object.entries(all)) writeFileSync(join(folder, name), text)
  return folder
}

const record = (cwd: string, ...args: string[]) =>
  plinth.run(['documents', ...args, '--schema', schema], { cwd })

describe('plinth documents', () => {
  test('records a client’s operations, each whole, under the hashes of their texts', async () => {
    const folder = clientFolder()

    const { code, stdout } = await record(folder, 'src', '--out', 'client.json')

    const manifest = JSON.parse(readFileSync(join(folder, 'client.json'), 'utf8'))
    expect(code).toBe(0)
    expect(manifest).toMatchObject({
      format: 'apollo-persisted-query-manifest',
      version: 1,
      operations: [
        { name: 'Offices', type: 'query' },
        { name: 'Who', type: 'query', body: expect.stringContaining('fragment Person on Person') },
      ],
    })
    for (const { id, name, body } of manifest.operations as Record<string, string>[]) {
      expect(id).toBe(documentId(body!))
      expect(stdout).toContain(`${id} ${name}\n`)
    }
  })

  test('writes the same for the same operations, in whatever files and order', async () => {
    const one = clientFolder()
    const other = clientFolder({
      'src/who.graphql': 'query Offices($n: Int) {\n  offices(first: $n) { nodes { id } } }',
      'src/deep/offices.gql':
        'query Who { currentPerson { ...Person } } fragment Person on Person { id, name }',
    })

    await record(one, 'src')
    await record(other, 'src/who.graphql', 'src/deep')

    const written = [one, other].map((folder) => readFileSync(join(folder, 'operations.json'), 'utf8'))
    expect(written[0]).toBe(written[1])
  })

  test('records nothing when anything is wrong, and says all that is', async () => {
    const folder = clientFolder({
      'src/broken.graphql': 'query Broken {',
      'src/wrong.graphql': 'query Wrong { offices { nodes { nme } } }',
      'src/nameless.graphql': '{ currentPerson { id } }',
      'src/large.graphql': 'query Large { offices(first: 5000) { nodes { id } } }',
      'src/again.graphql': 'query Who { currentPerson { id } }',
      'src/lost.graphql': 'query Lost { currentPerson { ...Nowhere } }',
    })

    const { code, stderr } = await record(folder, 'src')

    expect(code).toBe(1)
    for (const said of [
      'broken.graphql:1: Syntax Error',
      'wrong.graphql: Wrong: Cannot query field "nme" on type "Office". Did you mean "name"?',
      'nameless.graphql: an operation has no name.',
      'large.graphql: Large: Too many rows on a page: 5000, where at most 1000 are allowed.',
      'there is another Who.',
      'lost.graphql: Lost: Unknown fragment "Nowhere".',
    ]) {
      expect(stderr).toContain(said)
    }
    expect(() => readFileSync(join(folder, 'operations.json'))).toThrow('ENOENT')
  })

  test.each([
    [['nowhere'], 'nowhere cannot be read.'],
    [[], 'There is no .graphql or .gql file to read.'],
  ])('of %j says what is missing', async (args, said) => {
    const { code, stderr } = await record(plinth.folder(), ...args)

    expect(code).toBe(1)
    expect(stderr).toContain(said)
  })
})

describe('a server that was given a manifest', () => {
  let database: TestDatabase
  let api: TestApi
  let ids: Record<string, string>
  beforeAll(async () => {
    const folder = clientFolder()
    await record(folder, 'src')
    const file = join(folder, 'operations.json')
    const { operations } = JSON.parse(readFileSync(file, 'utf8')) as {
      operations: { id: string; name: string }[]
    }
    ids = Object.fromEntries(operations.map(({ id, name }) => [name, id]))
    database = await makeDatabase()
    api = await makeApi(database, { TRUSTED_DOCUMENTS: file })
  })
  afterAll(async () => {
    await api.close()
    await database.drop()
  })

  async function send(body: object) {
    const response = await fetch(`${api.url}/graphql`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Accept: 'application/json' },
      body: JSON.stringify(body),
    })
    return { status: response.status, ...((await response.json()) as { data?: any; errors?: any[] }) }
  }

  test('answers its operations by id, in each way that clients spell it', async () => {
    const id = ids.Who!
    const spellings = [
      { documentId: id },
      { id },
      { extensions: { persistedQuery: { version: 1, sha256Hash: id } } },
      { documentId: id, query: '{ offices { nodes { id } } }' },
    ]

    for (const body of spellings)
      expect(await send(body)).toEqual({ status: 200, data: { currentPerson: null } })
  })

  test('holds their variables against the limits', async () => {
    const { status, errors } = await send({ documentId: ids.Offices, variables: { n: 1001 } })

    expect(status).toBe(400)
    expect(errors).toMatchObject([{ extensions: { code: 'LIMIT_EXCEEDED', limit: 'pageSize' } }])
  })

  test.each([
    ['a text', { query: '{ __typename }' }],
    ['the very text of one of them', { query: 'query Who { currentPerson { id name } }' }],
    ['an unknown id', { documentId: '0'.repeat(64) }],
    ['an id that every object has', { documentId: 'constructor' }],
    ['an id that is none', { documentId: 1 }],
    ['no extensions', { extensions: null }],
    ['extensions without a hash', { extensions: { persistedQuery: null } }],
    ['nothing', {}],
  ])('refuses %s', async (_, body) => {
    const { status, data, errors } = await send(body)

    expect({ status, data }).toEqual({ status: 400, data: undefined })
    expect(errors).toEqual([
      {
        message: expect.any(String),
        extensions: { code: 'UNKNOWN_OPERATION', requestId: expect.any(String) },
      },
    ])
  })

  test('does not start on a manifest that was altered, or is none', async () => {
    const folder = plinth.folder()
    const operation = { id: documentId('{ a }'), name: 'A', type: 'query', body: '{ b }' }
    const manifest = { format: 'apollo-persisted-query-manifest', version: 1, operations: [operation] }
    writeFileSync(join(folder, 'altered.json'), JSON.stringify(manifest))
    writeFileSync(join(folder, 'none.json'), '{}')

    for (const name of ['altered.json', 'none.json', 'absent.json']) {
      const starting = makeApi(database, { TRUSTED_DOCUMENTS: join(folder, name) })
      await expect(starting).rejects.toThrow(/^TRUSTED_DOCUMENTS: /)
    }
  })
})
