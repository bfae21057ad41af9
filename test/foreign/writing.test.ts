import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { withConnection } from '../../src/database/connection.ts'
import type { TestApi } from '../support/api.ts'
import { type ApiModel, isList, nameIn, readModel } from '../support/foreignApi.ts'
import { listCatalog, listRows, serveAsIs, useForeignDatabase } from '../support/foreignDatabase.ts'
import { foreignSchema } from '../support/foreignSchema.ts'

const rights = `
  create role clerk login password 'clerk';
  create role reader login password 'reader';
  alter role reader set default_transaction_read_only to on;
  grant select on shops to reader;
  grant select, delete on shop_parts to clerk;
  grant select, insert (code, labels), update (amount) on shops to clerk;
  grant select on two_keys, "order" to clerk;
  alter table "order" enable row level security;
  create policy select_clerk on "order" for select to clerk using (key = 2);
  revoke execute on all functions in schema public from public;
  grant execute on function shop_count() to clerk;`

const { database } = useForeignDatabase(`${foreignSchema(1)}; ${rights}`)

let catalog: string[]
beforeAll(async () => {
  catalog = await listCatalog(database())
}, 120_000)

const namesOf = (things: readonly { name: string }[] | null | undefined) =>
  (things ?? []).map(({ name }) => name)

describe('an owner', () => {
  let api: TestApi
  let model: ApiModel
  beforeAll(async () => {
    api = await serveAsIs(database())
    model = await readModel(api)
  }, 120_000)
  afterAll(() => api.close())

  test('writes back every row as it was read, whatever its types', async () => {
    const before = await listRows(database())
    const updates = model.mutation.filter(
      ({ name, args }) =>
        /^update/.test(name) &&
        model.type(nameIn(args[0]!.type)).inputFields!.every((field) => !isList(field.type)),
    )

    const wrong: string[] = []
    for (const { name, type, args } of updates) {
      const input = model.type(nameIn(args[0]!.type))
      const keys = namesOf(input.inputFields).filter(
        (field) => !['clientMutationId', 'patch'].includes(field),
      )
      const patch = model.type(nameIn(input.inputFields!.find((field) => field.name === 'patch')!.type))
      const row = model.type(nameIn(model.type(nameIn(type)).fields![1]!.type))
      const columns = namesOf(patch.inputFields)
      const { name: all } = model.connectionOf(row)!

      const { data } = await api.ask(`{ ${all} { nodes { ${keys.join(' ')} ${model.writable(patch)} } } }`)
      for (const node of data![all].nodes as Record<string, unknown>[]) {
        const take = (fields: string[]) => Object.fromEntries(fields.map((field) => [field, node[field]]))
        if (Object.values(take(keys)).includes(null)) continue
        const { errors } = await api.ask(
          `mutation ($input: ${input.name}!) { ${name}(input: $input) { clientMutationId } }`,
          { variables: { input: { ...take(keys), patch: take(columns) } } },
        )
        if (errors) wrong.push(`${name} ${JSON.stringify(errors)} ${JSON.stringify(node)}`)
      }
    }

    expect(updates.length).toBeGreaterThan(80)
    expect(wrong).toEqual([])
    expect(await listRows(database())).toEqual(before)
  }, 120_000)

  test('creates, changes and deletes a row with a composite key', async () => {
    const created = await api.ask(`mutation {
      createShopPart(input: { shopPart: { shopId: "2", position: 7, name: "bolt" } }) { shopPart { shop { code } } }
    }`)
    const changed = await api.ask(`mutation {
      updateShopPart(input: { shopId: "2", position: 7, patch: { name: "nut" } }) { shopPart { name } }
    }`)
    const deleted = await api.ask(`mutation {
      deleteShopPart(input: { shopId: "2", position: 7 }) { shopPart { name } }
    }`)
    const after = await api.ask('{ shopPart(shopId: "2", position: 7) { name } }')

    expect(created.data).toEqual({ createShopPart: { shopPart: { shop: { code: 'B' } } } })
    expect(changed.data).toEqual({ updateShopPart: { shopPart: { name: 'nut' } } })
    expect(deleted.data).toEqual({ deleteShopPart: { shopPart: { name: 'nut' } } })
    expect(after.data).toEqual({ shopPart: null })
  })

  test('creates a row with composite types, arrays and ranges', async () => {
    const { data, errors } = await api.ask(`mutation {
      createShop(input: { shop: {
        code: "Z", pastStates: [in_use, gone], size: { width: "1.5", height: "2" }, labels: ["a b", "{}"],
        valid: { start: { value: "2026-01-01", inclusive: true } }, duration: { days: 1, seconds: 2.5 },
        details: { deep: [1, null] }, picture: "/w==", address: "::1", amount: "9007199254740993"
      } }) { shop {
        code pastStates size { width height } labels valid { start { value inclusive } end { value } }
        duration { days seconds } details picture address amount priceWithTax
      } }
    }`)

    expect(errors).toBeUndefined()
    expect(data!.createShop.shop).toEqual({
      code: 'Z',
      pastStates: ['in_use', 'gone'],
      size: { width: '1.50', height: '2.00' },
      labels: ['a b', '{}'],
      valid: { start: { value: '2026-01-01', inclusive: true }, end: null },
      duration: { days: 1, seconds: 2.5 },
      details: { deep: [1, null] },
      picture: '/w==',
      address: '::1',
      amount: '9007199254740993',
      priceWithTax: null,
    })
  })

  test('calls functions of every kind', async () => {
    const { data, errors } = await api.ask(`{
      shopCount queryFunction unnamed(arg0: 1, arg1: "x") withDefault(b: "y") arrayOf(n: 2)
      outs(n: 3) { double halfOf } rowsOf { nodes { id query _proto__ } } wordsOf(arg0: "a b") { nodes }
      firstOf(firstArgument: 5, first: 1) { nodes { id } } officeFunction(id: 1) { name }
      personIn(mood: fine, at: { x: 1, y: 2, z: 3 }, labels: [in_progress, true_VALUE])
      people { nodes { personName friends(firstArgument: 1) { nodes { id } } } }
    }`)
    const { data: changed } = await api.ask(
      'mutation { change(input: { query: "q", clientMutationIdArgument: "m" }) { result } nothingOf(input: {}) { clientMutationId } }',
    )

    expect(errors).toBeUndefined()
    expect(data).toMatchObject({
      queryFunction: 1,
      unnamed: 'x1',
      withDefault: '1y',
      arrayOf: [2],
      outs: { double: 6, halfOf: '1.5000000000000000' },
      rowsOf: { nodes: [{ id: 1, query: 'q', _proto__: 'p' }] },
      wordsOf: { nodes: ['a', 'b'] },
      firstOf: { nodes: [{ id: 1 }] },
      officeFunction: { name: 'Main' },
      personIn: 'fine (1,2,3) {in_progress,true}',
      people: { nodes: [{ personName: 'computed', friends: { nodes: [{ id: 2 }] } }, {}] },
    })
    expect(changed).toEqual({ change: { result: 'changed' }, nothingOf: { clientMutationId: null } })
  })
})

describe('a clerk with few rights', () => {
  let api: TestApi
  let model: ApiModel
  beforeAll(async () => {
    api = await serveAsIs(database(), 'clerk')
    model = await readModel(api)
  }, 120_000)
  afterAll(() => api.close())

  test('is shown what the grants allow, and nothing else', () => {
    expect(namesOf(model.query).toSorted()).toEqual(
      ['order', 'orders', 'shop', 'shopByCode', 'shopCount', 'shopPart', 'shopPartByShopIdAndName']
        .concat(['shopParts', 'shops', 'twoKey', 'twoKeyByB', 'twoKeyByC', 'twoKeys'])
        .toSorted(),
    )
    expect(namesOf(model.mutation).toSorted()).toEqual([
      'createShop',
      'createShops',
      'deleteShopPart',
      'deleteShopPartByShopIdAndName',
      'deleteShopParts',
      'updateShop',
      'updateShopByCode',
      'updateShops',
    ])
    expect(namesOf(model.type('ShopInput').inputFields)).toEqual(['code', 'labels'])
    expect(namesOf(model.type('ShopPatch').inputFields)).toEqual(['amount'])
  })

  test('creates, changes and deletes as far as they go', async () => {
    const { data } = await api.ask(`mutation {
      createShop(input: { shop: { code: "Q", labels: ["new"] } }) { shop { code state labels } }
      updateShopByCode(input: { code: "Q", patch: { amount: "5" } }) { shop { amount } }
    }`)
    const rows = await withConnection(database().superuserUrl, async (client) => {
      return (await client.query(`select amount from shops where code = 'Q'`)).rows as unknown[]
    })

    expect(data!.createShop).toEqual({ shop: { code: 'Q', state: 'new', labels: ['new'] } })
    expect(data!.updateShopByCode).toEqual({ shop: { amount: '5' } })
    expect(rows).toEqual([{ amount: '5' }])
  })

  test('is told by a code what the database refuses', async () => {
    const refusals = [
      {
        mutation: `deleteShopPart(input: { shopId: "1", position: 1 }) { shopPart { name } }`,
        code: 'STILL_REFERENCED',
        arguments: [
          ['input', 'shopId'],
          ['input', 'position'],
        ],
      },
      {
        mutation: `createShop(input: { shop: { code: "lower case", labels: [] } }) { shop { code } }`,
        code: 'BAD_USER_INPUT',
        arguments: [['input', 'shop', 'code']],
      },
      {
        mutation: `createShop(input: { shop: { code: "A", labels: [] } }) { shop { code } }`,
        code: 'UNIQUE_VIOLATION',
        arguments: [['input', 'shop', 'code']],
      },
    ]
    for (const { mutation, ...expected } of refusals) {
      const { data, errors } = await api.ask(`mutation { ${mutation} }`)

      expect({ data, errors }).toMatchObject({ data: null, errors: [{ extensions: expected }] })
    }
  })

  test('sees the rows that policies allow', async () => {
    const { data } = await api.ask('{ orders { nodes { key } totalCount } order(key: 1) { key } }')

    expect(data).toEqual({ orders: { nodes: [{ key: 2 }], totalCount: 1 }, order: null })
  })
})

test('a reader is served who may not even begin a transaction that writes', async () => {
  const api = await serveAsIs(database(), 'reader')
  const { data } = await api.ask('{ shops(first: 1) { nodes { code } } }')
  const { data: schema } = await api.ask('{ __schema { mutationType { name } } }')
  await api.close()

  expect(data).toEqual({ shops: { nodes: [{ code: 'A' }] } })
  expect(schema).toEqual({ __schema: { mutationType: null } })
})

test('writing rows has changed nothing in the catalog', async () => {
  expect(await listCatalog(database())).toEqual(catalog)
})
