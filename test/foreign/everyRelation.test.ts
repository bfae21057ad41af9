import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { withConnection } from '../../src/database/connection.ts'
import type { TestApi } from '../support/api.ts'
import { type ApiModel, nameIn, readModel, written } from '../support/foreignApi.ts'
import { listCatalog, listRows, serveAsIs, useForeignDatabase } from '../support/foreignDatabase.ts'
import { foreignSchema } from '../support/foreignSchema.ts'
import { brokenShapeRules } from '../support/shapeRules.ts'

const { database } = useForeignDatabase(foreignSchema())

let before: { catalog: string[]; rows: string[] }
let api: TestApi
let model: ApiModel
beforeAll(async () => {
  before = { catalog: await listCatalog(database()), rows: await listRows(database()) }
  api = await serveAsIs(database())
  model = await readModel(api)
}, 300_000)
afterAll(() => api.close())

type Row = Record<string, unknown>
const sql = async <T extends Row>(text: string): Promise<T[]> =>
  withConnection(database().superuserUrl, async (client) => (await client.query<T>(text)).rows)

/** Those who have a fault, with it; asked a few at a time. */
async function faults<T>(
  things: readonly T[],
  check: (thing: T) => Promise<string | null>,
): Promise<string[]> {
  const found: string[] = []
  const rest = [...things]
  const worker = async () => {
    for (let thing = rest.shift(); thing !== undefined; thing = rest.shift()) {
      const fault = await check(thing)
      if (fault !== null) found.push(`${JSON.stringify(thing)}: ${fault}`)
    }
  }
  await Promise.all(Array.from({ length: 4 }, worker))
  return found
}

// A partition is part of its table. Text search documents are for indexes, not for callers: a table of
// nothing else has nothing to ask for.
const isShownColumn = `attnum > 0 and not attisdropped and atttypid not in ('tsvector'::regtype, 'tsquery'::regtype)`
const shown = `
  select relations.oid, relations.relname as name, relations.oid::regclass::text as sql
  from pg_class as relations
  where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm') and not relispartition
    and exists (select from pg_attribute where attrelid = relations.oid and ${isShownColumn})`

describe('a caller who may do everything', () => {
  test('meets the same shape as everywhere', () => {
    expect(brokenShapeRules(model)).toEqual([])
  })

  test('finds a field for every relation, and no two share a type', async () => {
    const relations = await sql<{ name: string }>(shown)

    const types = relations.map(({ name }) => model.typeOf(name))
    const unasked = relations.filter((_, index) => !types[index] || !model.connectionOf(types[index]))

    expect(relations.length).toBeGreaterThan(300)
    expect(unasked).toEqual([])
    expect(new Set(types).size).toBe(relations.length)
  })

  test('finds a field for every column', async () => {
    const columns = await sql<{ relation: string; name: string }>(
      `select shown.name as relation, attname as name from (${shown}) as shown join pg_attribute on attrelid = shown.oid
       where ${isShownColumn}`,
    )

    const missing = columns.filter(
      ({ relation, name }) => !model.typeOf(relation)?.fields?.some((field) => field.description === name),
    )

    expect(columns.length).toBeGreaterThan(1000)
    expect(missing).toEqual([])
  })

  test('reads everything of every relation', async () => {
    const relations = await sql<{ name: string; sql: string }>(shown)

    const wrong = await faults(relations, async ({ name, sql: relation }) => {
      const type = model.typeOf(name)!
      const { name: field } = model.connectionOf(type)!
      const [counted] = await sql<{ count: number }>(`select count(*)::int from ${relation}`)
      const { data, errors } = await api.ask(
        `{ ${field}(first: 2) { nodes { ${model.selection(type)} } totalCount } }`,
      )
      if (errors) return JSON.stringify(errors)
      const { nodes, totalCount } = data![field] as { nodes: unknown[]; totalCount: number }
      return counted!.count > 0 && totalCount === counted!.count && nodes.length === Math.min(2, totalCount)
        ? null
        : `${nodes.length} of ${totalCount}, in the database ${counted!.count}`
    })

    expect(wrong).toEqual([])
  }, 300_000)

  test('gets a row by every key', async () => {
    const byKey = model.query.filter(
      ({ args, type }) =>
        args.length > 0 && args.every((arg) => arg.type.kind === 'NON_NULL') && type.kind === 'OBJECT',
    )

    const wrong = await faults(byKey, async ({ name, args, type }) => {
      const key = args.map((arg) => arg.name).join(' ')
      const { name: connection } = model.connectionOf(model.type(nameIn(type)))!
      const { data: rows } = await api.ask(`{ ${connection} { nodes { ${key} } } }`)
      const row = (rows![connection].nodes as Row[]).find((each) =>
        Object.values(each).every((value) => value !== null),
      )
      if (!row) return null
      const variables = args.map((arg) => `$${arg.name}: ${written(arg.type)}`).join(', ')
      const passed = args.map((arg) => `${arg.name}: $${arg.name}`).join(', ')
      const found = await api.ask(`query (${variables}) { ${name}(${passed}) { ${key} } }`, {
        variables: row,
      })
      return JSON.stringify(found.data?.[name]) === JSON.stringify(row)
        ? null
        : JSON.stringify({ row, found })
    })

    expect(byKey.length).toBeGreaterThan(300)
    expect(wrong).toEqual([])
  }, 300_000)

  test('follows every foreign key', async () => {
    // Several constraints that say the same are one relation; those of a partition are its table's.
    const keys = await sql<{ relation: string; names: string[]; columns: string[] }>(
      `select shown.name as relation, array_agg(conname::text) as names,
         array(select attname::text from pg_attribute where attrelid = shown.oid and attnum = any (conkey)) as columns
       from pg_constraint join (${shown}) as shown on shown.oid = conrelid
       join pg_class as referenced on referenced.oid = confrelid
       where contype = 'f' and conparentid = 0
         and referenced.relnamespace = 'public'::regnamespace and not referenced.relispartition
       group by shown.oid, shown.name, conkey, confrelid, confkey`,
    )

    const wrong = await faults(keys, async ({ relation, names, columns }) => {
      const type = model.typeOf(relation)!
      const field = type.fields!.find(({ description }) => names.includes(description ?? ''))
      if (!field) return 'has no field'
      const local = columns.map(
        (column) => type.fields!.find(({ description }) => description === column)!.name,
      )
      const { name: connection } = model.connectionOf(type)!
      const { data } = await api.ask(
        `{ ${connection} { nodes { ${local.join(' ')} row: ${field.name} { __typename } } } }`,
      )
      const rows = data![connection].nodes as Row[]
      const isRight = (row: Row) => local.some((column) => row[column] === null) === (row.row === null)
      return rows.every(isRight) ? null : JSON.stringify(rows)
    })

    expect(keys.length).toBeGreaterThan(200)
    expect(wrong).toEqual([])
  }, 300_000)

  test('orders and filters by columns of any name', async () => {
    const awkward = model.typeOf('awkward_columns')!
    const { name } = model.connectionOf(awkward)!
    const orders = model.type(`${awkward.name}OrderBy`).enumValues!.map((value) => value.name)
    const filters = model
      .type(`${awkward.name}Filter`)
      .inputFields!.filter((field) => !['and', 'or', 'not'].includes(field.name))
      .map((field) => `{ ${field.name}: { isNull: false } }`)

    const ordered = await api.ask(`{ ${name}(orderBy: [${orders.join(' ')}]) { nodes { camelCase } } }`)
    const filtered = await api.ask(
      `{ ${name}(filter: { or: [${filters.join(' ')}] }) { nodes { camelCase } } }`,
    )

    expect([orders.length, filters.length].every((length) => length > 40)).toBe(true)
    expect(ordered).toEqual({ status: 200, data: { [name]: { nodes: [{ camelCase: 'camel' }] } } })
    expect(filtered).toEqual(ordered)
  })

  test('leaves nothing behind in the database by reading it', async () => {
    expect(await listCatalog(database())).toEqual(before.catalog)
    expect(await listRows(database())).toEqual(before.rows)
  })
})
