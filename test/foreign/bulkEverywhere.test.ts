import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { TestApi } from '../support/api.ts'
import { type ApiModel, isList, nameIn, readModel } from '../support/foreignApi.ts'
import { listRows, serveAsIs, useForeignDatabase } from '../support/foreignDatabase.ts'
import { foreignSchema } from '../support/foreignSchema.ts'

const { database } = useForeignDatabase(foreignSchema(3))

let api: TestApi
let model: ApiModel
let before: string[]
beforeAll(async () => {
  before = await listRows(database())
  api = await serveAsIs(database())
  model = await readModel(api)
}, 120_000)
afterAll(() => api.close())

type Row = Record<string, unknown>
type Mutation = ApiModel['mutation'][number]

const inputOf = ({ args }: Mutation) =>
  model.type(nameIn(args[0]!.type)).inputFields!.filter(({ name }) => name !== 'clientMutationId')
const payloadRow = ({ type }: Mutation) =>
  model.type(nameIn(type)).fields!.find(({ name }) => !/^(clientMutationId|query)$|Edge$/.test(name))
const rowType = (mutation: Mutation) => {
  const row = payloadRow(mutation)
  return row && nameIn(row.type)
}
const mutations = (verb: string, isOfMany: boolean) =>
  model.mutation.filter(
    (mutation) =>
      mutation.name.startsWith(verb) &&
      inputOf(mutation).some(({ type }) => isList(type)) === isOfMany &&
      model.mutation.some(({ name }) => name === `update${rowType(mutation)}`),
  )

/** The columns by which the single form of update, or its form of another key, finds a row. */
function keysOf(updateName: string): string[] {
  const update = model.mutation.find(({ name }) => name === updateName)!
  return inputOf(update)
    .map(({ name }) => name)
    .filter((name) => name !== 'patch')
}

async function rowsOf(typeName: string, selection: string): Promise<Row[]> {
  const { name } = model.connectionOf(model.type(typeName))!
  const { data, errors } = await api.ask(`{ ${name} { nodes { ${selection} } } }`)
  if (errors) throw new Error(`${typeName} ${JSON.stringify(errors)}`)
  return data![name].nodes as Row[]
}

const take = (row: Row, fields: string[]) => Object.fromEntries(fields.map((field) => [field, row[field]]))
const hasAll = (row: Row) => !Object.values(row).includes(null)

/** Sends a mutation; gives what it answers, and its faults as one text. */
async function write(mutation: Mutation, input: Row, keys: string[]) {
  const { name, args } = mutation
  const output = payloadRow(mutation)!.name
  const { data, errors } = await api.ask(
    `mutation ($input: ${nameIn(args[0]!.type)}!) { ${name}(input: $input) { ${output} { ${keys.join(' ')} } } }`,
    { variables: { input } },
  )
  return {
    rows: [data?.[name]?.[output] ?? []].flat() as Row[],
    fault: errors ? `${name} ${JSON.stringify(errors)}` : '',
  }
}

describe('an owner of a schema made of awkward names', () => {
  test('writes back every row of every table by bulk updates', async () => {
    const updates = mutations('update', true)
    const wrong: string[] = []
    for (const update of updates) {
      const [keyField, patchField] = inputOf(update)
      const type = rowType(update)!
      const keys = keysOf(`update${type}`)
      const patch = model.type(nameIn(patchField!.type))
      const columns = patch.inputFields!.map(({ name }) => name)
      for (const row of await rowsOf(type, `${keys.join(' ')} ${model.writable(patch)}`)) {
        const key = take(row, keys)
        if (!hasAll(key)) continue
        const which = keys.length > 1 ? key : Object.values(key)[0]
        const { rows, fault } = await write(
          update,
          { [keyField!.name]: [which], patch: take(row, columns) },
          keys,
        )
        if (JSON.stringify(rows) !== JSON.stringify([key])) wrong.push(fault || JSON.stringify({ key, rows }))
      }
    }

    expect(updates.length).toBeGreaterThan(80)
    expect(wrong).toEqual([])
    expect(await listRows(database())).toEqual(before)
  }, 240_000)

  test('writes back every row by upserts of every key', async () => {
    const upserts = mutations('upsert', false)
    const wrong: string[] = []
    for (const upsert of upserts) {
      const [rowField] = inputOf(upsert)
      const input = model.type(nameIn(rowField!.type))
      const keys = keysOf(upsert.name.replace(/^upsert/, 'update'))
      for (const row of await rowsOf(rowType(upsert)!, model.writable(input))) {
        const key = take(row, keys)
        if (!hasAll(key)) continue
        const { rows, fault } = await write(upsert, { [rowField!.name]: row }, keys)
        if (JSON.stringify(rows) !== JSON.stringify([key])) wrong.push(fault || JSON.stringify({ key, rows }))
      }
    }

    expect(upserts.length).toBeGreaterThan(80)
    expect(wrong).toEqual([])
    expect(await listRows(database())).toEqual(before)
  }, 240_000)

  test('writes back all rows of a table at once by bulk upserts', async () => {
    const upserts = mutations('upsert', true).filter(({ name }) => !/By[A-Z]/.test(name))
    const wrong: string[] = []
    for (const upsert of upserts) {
      const [rowsField] = inputOf(upsert)
      const type = rowType(upsert)!
      const keys = keysOf(`update${type}`)
      const given = await rowsOf(type, model.writable(model.type(nameIn(rowsField!.type))))
      const backwards = given.toReversed().filter((row) => hasAll(take(row, keys)))
      const { rows, fault } = await write(upsert, { [rowsField!.name]: backwards }, keys)
      const expected = backwards.map((row) => take(row, keys))
      if (JSON.stringify(rows) !== JSON.stringify(expected))
        wrong.push(fault || `${type} ${JSON.stringify(rows)}`)
    }

    expect(upserts.length).toBeGreaterThan(80)
    expect(wrong).toEqual([])
    expect(await listRows(database())).toEqual(before)
  }, 240_000)

  test.each(['bytes_key', 'date_key', 'domain_key', 'enum_key', 'numeric_key', 'every_label', 'moments'])(
    'deletes all rows of %s at once and creates them again from what that gave',
    async (table) => {
      const type = model.typeOf(table)!.name
      const [remove] = mutations('delete', true).filter((each) => rowType(each) === type)
      const [create] = mutations('create', true).filter((each) => rowType(each) === type)
      const [key] = keysOf(`update${type}`)
      const [rowsField] = inputOf(create!)
      const all = model.writable(model.type(nameIn(rowsField!.type)))
      const given = (await rowsOf(type, all)).toReversed()

      const removed = await write(remove!, { [inputOf(remove!)[0]!.name]: given.map((row) => row[key!]) }, [
        all,
      ])
      const left = await rowsOf(type, all)
      const created = await write(create!, { [rowsField!.name]: removed.rows }, [all])

      expect({ ...removed, left }).toEqual({ rows: given, fault: '', left: [] })
      expect(created).toEqual(removed)
      expect(await listRows(database())).toEqual(before)
    },
  )
})
