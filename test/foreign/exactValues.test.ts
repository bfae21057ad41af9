import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { withConnection } from '../../src/database/connection.ts'
import type { TestApi } from '../support/api.ts'
import { type ApiModel, nameIn, readModel, written } from '../support/foreignApi.ts'
import { serveAsIs, useForeignDatabase } from '../support/foreignDatabase.ts'
import { foreignSchema } from '../support/foreignSchema.ts'
import { valuesFor } from '../support/hostileValues.ts'
import { isSameValue } from '../support/sameValue.ts'

const { database } = useForeignDatabase(foreignSchema(1))

let api: TestApi
let model: ApiModel
beforeAll(async () => {
  api = await serveAsIs(database())
  model = await readModel(api)
}, 120_000)
afterAll(() => api.close())

// Postgres writes these in a form of its own, or rounds them to what their type holds.
const normalised = ['JSONPath', 'TSQuery', 'CidrAddress', 'MacAddress', 'MacAddress8']
const coarse = ['e', 'g', 'i', 'ax', 'bt', 'bw'] // real, money, char(3), tsvector, xid, inet[]

describe('a value of any type, however hostile', () => {
  test('is read as it was written, or refused at its argument', async () => {
    const columns = model
      .type('EveryTypeInput')
      .inputFields!.filter(({ name, type }) => name !== 'id' && model.type(nameIn(type)).kind === 'SCALAR')
      .filter(({ name }) => !coarse.includes(name))
    const wrong: string[] = []
    let kept = 0
    let refused = 0
    let id = 100

    for (const { name, type } of columns) {
      const scalar = nameIn(type)
      if (normalised.includes(scalar) || scalar.startsWith('Reg')) continue
      const isList = type.kind === 'LIST'
      for (const value of valuesFor(scalar)) {
        const sent = JSON.parse(JSON.stringify(isList ? [value] : value)) as unknown
        const { data, errors } = await api.ask(
          `mutation ($id: Int!, $value: ${written(type)}) {
            createEveryType(input: { everyType: { id: $id, ${name === 'bb' ? '' : 'bb: 5,'} ${name}: $value } }) { everyType { ${name} } }
          }`,
          { variables: { id: id++, value: isList ? [value] : value } },
        )
        const says = `${name} ${written(type)} ${JSON.stringify(value).slice(0, 80)}`
        if (errors) {
          refused++
          const { code, arguments: at } = errors[0]!.extensions as { code: string; arguments?: unknown[][] }
          const isNamed =
            JSON.stringify(at?.[0]?.slice(0, 3)) === JSON.stringify(['input', 'everyType', name])
          if (code !== 'BAD_USER_INPUT' || !isNamed) wrong.push(`${says}: ${JSON.stringify(errors[0])}`)
        } else {
          kept++
          const read = data!.createEveryType.everyType[name] as unknown
          if (!isSameValue(scalar, sent, read))
            wrong.push(`${says} became ${JSON.stringify(read).slice(0, 80)}`)
        }
      }
    }

    expect(wrong).toEqual([])
    expect(kept).toBeGreaterThan(500)
    expect(refused).toBeGreaterThan(500)
  }, 300_000)
})

test('a stored number that GraphQL cannot write is null, and said to be so', async () => {
  await withConnection(database().superuserUrl, (client) =>
    client.query(`update every_type set f = 'NaN', e = '-infinity' where id = 1`),
  )

  const { status, data, errors } = await api.ask('{ everyType(id: 1) { b e f } }')

  expect(status).toBe(200)
  expect(data).toEqual({ everyType: { b: 2, e: null, f: null } })
  expect(errors!.map(({ path, extensions }) => [path, extensions])).toMatchObject([
    [['everyType', 'e'], { code: 'UNREPRESENTABLE' }],
    [['everyType', 'f'], { code: 'UNREPRESENTABLE' }],
  ])
})

describe('what is easily lost', () => {
  /** The answer's text, because to parse it could lose something again. */
  async function textOf(query: string, variables: object = {}): Promise<string> {
    const response = await fetch(`${api.url}/graphql`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ query, variables }),
    })
    return response.text()
  }

  test('large numbers inside of stored JSON keep their digits', async () => {
    await withConnection(database().superuserUrl, (client) =>
      client.query(`update every_type set w = '{"a": [12345678901234567890, 1.5]}' where id = 1`),
    )

    expect(await textOf('{ everyType(id: 1) { w } }')).toBe(
      '{"data":{"everyType":{"w":{"a":[12345678901234567890,1.5]}}}}',
    )
  })

  test('a name that JavaScript has a use for is a name', async () => {
    expect(await textOf('{ __proto__: __typename constructor: __typename }')).toBe(
      '{"data":{"__proto__":"Query","constructor":"Query"}}',
    )
    const { data } = await api.ask('query ($__proto__: String!) { unnamed(arg0: 1, arg1: $__proto__) }', {
      variables: JSON.parse('{ "__proto__": "kept" }') as Record<string, unknown>,
    })
    expect(data).toEqual({ unnamed: 'kept1' })
  })

  test.each([
    ['f: 1e400', 'f'],
    ['v: { a: 12345678901234567890 }', 'v'],
    ['v: { a: maybe }', 'v'],
    ['c: 9223372036854775808', 'c'],
    ['j: "a\\u0000b"', 'j'],
    ['s: "2026-02-30T00:00:00Z"', 's'],
  ])('%s, written in the operation, is refused at its argument', async (written, name) => {
    const { errors } = await api.ask(
      `mutation { createEveryType(input: { everyType: { id: 1, bb: 5, ${written} } }) { clientMutationId } }`,
    )

    expect(errors).toHaveLength(1)
    expect(errors![0]!.extensions).toMatchObject({
      code: 'BAD_USER_INPUT',
      arguments: [expect.arrayContaining(['input', 'everyType', name])],
    })
  })

  test('numbers written in the operation keep all their digits', async () => {
    const { data, errors } = await api.ask(
      `mutation { createEveryType(input: { everyType: {
        id: 5000, bb: 5, c: 9007199254740993, d: 0.12345678901234567890123
      } }) { everyType { c d } } }`,
    )

    expect(errors).toBeUndefined()
    expect(data).toEqual({
      createEveryType: { everyType: { c: '9007199254740993', d: '0.12345678901234567890123' } },
    })
  })
})
