import { describe, expect, test } from '@jest/globals'
import { createClient } from 'graphql-ws'

import { getIntrospectionQuery, parse } from 'postgraphile/graphql'
import WebSocket from 'ws'
import { measureOperations, measureText } from '../../src/http/measureOperation.ts'
import { type LimitName, limitTable } from '../../src/limits.ts'
import { makeApi, useApi } from '../support/api.ts'

const { api, database } = useApi()

const times = (n: number, text: (index: number) => string): string =>
  Array.from({ length: n }, (_, index) => text(index)).join(' ')
const nested = (n: number, open: string, inside: string, close: string): string =>
  open.repeat(n) + inside + close.repeat(n)

const fields = (n: number) => `{ ${times(n, () => '__typename')} }`
/** Each fragment spreads the next one twice: n fragments, 2^(n + 1) fields. */
const bomb = (n: number) =>
  `{ ...f0 } ${times(n, (i) => `fragment f${i} on Query { ...f${i + 1} ...f${i + 1} }`)} fragment f${n} on Query { currentPerson { id } }`

const filtered = 'query ($filter: OfficeFilter) { offices(filter: $filter) { nodes { id } } }'

/** For each limit what exceeds it, and by how much. */
const excesses: [LimitName, number, string, variables?: Record<string, unknown>][] = [
  ['tokens', 2001, `{ ${times(1999, () => 'a')} }`],
  ['depth', 16, nested(16, '{ a ', '', '}')],
  ['depth', 31, `{ ...a } fragment a on Query ${nested(30, '{ a ', '{ b }', '}')}`],
  ['inputDepth', 17, `{ offices(filter: ${nested(17, '[', '', ']')}) { nodes { id } } }`],
  ['inputDepth', 17, `{ offices(filter: ${nested(16, '{ not: ', '{}', '}')}) { nodes { id } } }`],
  ['inputDepth', 17, filtered, { filter: JSON.parse(nested(40, '{"not":', '{}', '}')) }],
  ['inputObjects', 2001, filtered, { filter: { or: Array.from({ length: 1999 }, () => ({})) } }],
  ['aliases', 31, `{ ${times(31, (i) => `a${i}: __typename`)} }`],
  ['directives', 31, `{ __typename ${times(31, () => '@include(if: true)')} }`],
  ['fragments', 61, `{ ${times(61, () => '...{ __typename }')} }`],
  ['fields', 251, `{ currentPerson ${fields(250)} }`],
  ['fields', 2 ** 30, bomb(29)],
  ['objects', 51, `{ offices { nodes { ${times(49, () => 'organization { id }')} } } }`],
  ['rootFields', 21, fields(21)],
  ['rootFields', 21, `{ ...a ...a ...a } fragment a on Query ${fields(7)}`],
  ['pageSize', 1001, '{ offices(first: 1001) { nodes { id } } }'],
  ['pageSize', 2000, '{ offices { nodes { doors(last: 2000) { nodes { id } } } } }'],
  ['pageSize', 1001, 'query ($n: Int) { offices(first: $n) { nodes { id } } }', { n: 1001 }],
  ['pageSize', 1001, 'query ($n: Int = 1001) { offices(first: $n) { nodes { id } } }'],
]

describe('a request over a limit', () => {
  test.each(excesses)('is refused for its %s of %d: %#', async (...[limit, value, query, variables]) => {
    const { status, data, errors } = await api().ask(query, { variables })

    const maximum = limitTable[limit].default
    expect({ status, data }).toEqual({ status: 400, data: undefined })
    expect(errors).toEqual([
      {
        message: `Too many ${limitTable[limit].unit}: ${value}, where at most ${maximum} are allowed.`,
        extensions: { code: 'LIMIT_EXCEEDED', limit, value, maximum, requestId: expect.any(String) },
      },
    ])
  })

  test('is refused in the same words over a WebSocket', async () => {
    const client = createClient({
      url: `${api().url.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
    })
    const refused: unknown[] = []
    for (const [, , query, variables] of excesses) {
      const next = client.iterate({ query, variables }).next()
      refused.push(
        await next.then(
          ({ value }) => value?.errors as unknown,
          (errors: unknown) => errors,
        ),
      )
    }
    await client.dispose()

    expect(refused).toEqual(
      excesses.map(([limit, value]) => [
        expect.objectContaining({
          extensions: expect.objectContaining({ code: 'LIMIT_EXCEEDED', limit, value }),
        }),
      ]),
    )
  })

  test('is refused for its body of more bytes, announced or not', async () => {
    const body = `{"query": "{ __typename }"${' '.repeat(100_001)}}`
    const headers = { 'Content-Type': 'application/json' }
    const chunks = new ReadableStream({
      start(controller) {
        for (let at = 0; at < body.length; at += 10_000) {
          controller.enqueue(new TextEncoder().encode(body.slice(at, at + 10_000)))
        }
        controller.close()
      },
    })

    const answers = await Promise.all([
      fetch(`${api().url}/graphql`, { method: 'POST', headers, body }),
      fetch(`${api().url}/graphql`, { method: 'POST', headers, body: chunks, duplex: 'half' } as RequestInit),
    ])

    for (const answer of answers) {
      expect(answer.status).toBe(413)
      expect(await answer.json()).toMatchObject({
        errors: [{ extensions: { code: 'LIMIT_EXCEEDED', limit: 'bodyBytes', maximum: 100_000 } }],
      })
    }
  })

  test('is given up when it takes too long to plan, and planned where it does not', async () => {
    const query = getIntrospectionQuery()
    const hasty = await makeApi(database(), { LIMIT_PLANNING_MS: '1' })

    const { status, errors } = await hasty.ask(query)
    await hasty.close()

    expect(status).toBe(400)
    expect(errors).toMatchObject([
      { extensions: { code: 'LIMIT_EXCEEDED', limit: 'planningMs', maximum: 1 } },
    ])
    expect((await api().ask(query)).errors).toBeUndefined()
  })

  test('leaves nothing behind that a smaller one would meet', async () => {
    const text = 'query ($n: Int) { offices(first: $n) { nodes { id } } }'

    const statuses = []
    for (const n of [1001, 1000, 1001]) statuses.push((await api().ask(text, { variables: { n } })).status)

    expect(statuses).toEqual([400, 200, 400])
  })
})

describe('a request within the limits', () => {
  test.each([
    [fields(20)],
    [`{ currentPerson ${fields(249)} }`],
    [`{ ${times(20, (i) => `a${i}: __typename`)} }`],
    ['{ ...a ...a } fragment a on Query { ...b ...b } fragment b on Query { __typename }'],
  ])('is answered: %s', async (query) => {
    const { errors } = await api().ask(query)

    expect(errors).toBeUndefined()
  })

  test('is answered in any order of fragments, and one that contains itself is named', async () => {
    const { status, errors } = await api().ask(
      '{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }',
    )

    expect(status).toBe(200)
    expect(errors).toMatchObject([
      {
        message: 'Cannot spread fragment "a" within itself via "b".',
        extensions: { code: 'GRAPHQL_VALIDATION_FAILED' },
      },
    ])
  })
})

describe('the measures of a document', () => {
  test('let GraphiQL and generators ask for the schema', () => {
    const query = getIntrospectionQuery({
      descriptions: true,
      specifiedByUrl: true,
      directiveIsRepeatable: true,
      schemaDescription: true,
      inputValueDeprecation: true,
      oneOf: true,
    })

    for (const [limit, value] of Object.entries({
      ...measureText(query),
      ...measureOperations(parse(query)),
    })) {
      expect([limit, value <= limitTable[limit as LimitName].default]).toEqual([limit, true])
    }
  })

  test.each([
    [
      '{ a(x: [[{ a: [1] }]]) { b: c @x ...d ... on E { f } } }',
      { depth: 3, inputDepth: 4, aliases: 1, directives: 1, fragments: 2 },
    ],
    ['query ($a: [[Int]] = [1] @x) { a }', { depth: 1, inputDepth: 2, aliases: 0, directives: 1 }],
    ['{ a(x: "{[(:@... \\"{") # {{{{\n }', { depth: 1, inputDepth: 0, aliases: 0, directives: 0 }],
    ['input A { a: [[[Int]]] }', { depth: 4 }],
    ['))) {{{ "', { depth: 3, inputDepth: 0 }],
  ])('are right of %s', (text, measures) => {
    expect(measureText(text)).toMatchObject(measures)
  })
})
