import { gzipSync } from 'node:zlib'
import { describe, expect, test } from '@jest/globals'
import { errorRegistry } from '../../src/errorRegistry.ts'
import { useApi } from '../support/api.ts'
import { json, operation, send } from '../support/send.ts'

const { api } = useApi()

describe('a request that cannot be understood', () => {
  const cases: [string, number, string, Record<string, string>, (string | Buffer)?][] = [
    ['is a GET', 405, 'GET', {}],
    ['is a PUT', 405, 'PUT', json, operation],
    ['has no Content-Type', 400, 'POST', {}, operation],
    [
      'is a form',
      415,
      'POST',
      { 'Content-Type': 'application/x-www-form-urlencoded' },
      'query=%7B__typename%7D',
    ],
    ['is plain text', 415, 'POST', { 'Content-Type': 'text/plain' }, operation],
    ['is a form of parts', 415, 'POST', { 'Content-Type': 'multipart/form-data; boundary=x' }, operation],
    ['is GraphQL itself', 415, 'POST', { 'Content-Type': 'application/graphql' }, '{ __typename }'],
    ['is in Latin-1', 415, 'POST', { 'Content-Type': 'application/json; charset=iso-8859-1' }, operation],
    ['is compressed', 415, 'POST', { ...json, 'Content-Encoding': 'gzip' }, gzipSync(operation)],
    ['wants XML', 406, 'POST', { ...json, Accept: 'application/xml' }, operation],
    ['is empty', 400, 'POST', json, ''],
    ['is not JSON', 400, 'POST', json, '{"query": "{ __typename }"'],
    ['is not UTF-8', 400, 'POST', json, Buffer.from('{"query": "{ a\xff }"}', 'latin1')],
    ['is a list', 400, 'POST', json, `[${operation},${operation}]`],
    ['is a text', 400, 'POST', json, '"{ __typename }"'],
    ['is null', 400, 'POST', json, 'null'],
    ['is lists in lists', 400, 'POST', json, '['.repeat(50_000) + ']'.repeat(50_000)],
    ['has no operation', 400, 'POST', json, '{"query": 1}'],
    ['has variables that are none', 400, 'POST', json, '{"query": "{ __typename }", "variables": [1]}'],
  ]

  test.each(cases)(
    'because it %s is told so with a code, and nothing is run',
    async (_, status, method, headers, ...rest) => {
      const answer = await send(`${api().url}/graphql`, method, headers, ...(rest as [string?]))

      expect(answer.status).toBe(status)
      expect(answer.headers['content-type']).toMatch(/^application\/json/)
      expect(answer.body).toEqual({
        errors: [
          {
            message: expect.any(String),
            extensions: { code: 'BAD_REQUEST', requestId: answer.headers['x-request-id'] },
          },
        ],
      })
      if (status === 405) expect(answer.headers.allow).toBe('POST')
    },
  )

  test('has no effect by any way that a page has without asking', async () => {
    const mutation = 'mutation { createOrganization(input: { name: "Forged" }) { result { id } } }'
    const query = encodeURIComponent(mutation)
    const form = { 'Content-Type': 'application/x-www-form-urlencoded' }

    const answers = await Promise.all([
      send(`${api().url}/graphql?query=${query}`, 'GET', {}),
      send(`${api().url}/graphql?query=${query}`, 'POST', form),
      send(`${api().url}/graphql`, 'POST', form, `query=${query}`),
      send(
        `${api().url}/graphql`,
        'POST',
        { 'Content-Type': 'text/plain' },
        JSON.stringify({ query: mutation }),
      ),
      send(`${api().url}/graphql`, 'POST', {}, JSON.stringify({ query: mutation })),
    ])

    expect(answers.map(({ status }) => status)).toEqual([405, 415, 415, 415, 400])
  })

  test('reaches nobody else: the next one on the connection is answered', async () => {
    for (const [, , method, headers, ...rest] of cases) {
      await send(
        `${api().url}/graphql`,
        method,
        { ...headers, Connection: 'keep-alive' },
        ...(rest as [string?]),
      )
    }

    expect(await api().ask('{ __typename }')).toEqual({ status: 200, data: { __typename: 'Query' } })
  })
})

describe('every error', () => {
  test.each([
    ['of a document that is not GraphQL', '{', {}],
    ['of one that does not fit the schema', '{ nothing }', {}],
    ['of one with several operations and no name', 'query a { __typename } query b { __typename }', {}],
    ['of variables', 'query ($id: UUID!) { office(id: $id) { id } }', { id: 1 }],
    ['of a denied field', '{ offices { nodes { id } } }', {}],
    ['of a cursor that is none', '{ offices(after: "x") { nodes { id } } }', {}],
  ])('%s has a registered code and the id of its request', async (_, query, variables) => {
    const response = await fetch(`${api().url}/graphql`, {
      method: 'POST',
      headers: { ...json, 'X-Request-Id': 'order-66' },
      body: JSON.stringify({ query, variables }),
    })
    const { errors } = (await response.json()) as { errors: { extensions: Record<string, string> }[] }

    expect(errors.length).toBeGreaterThan(0)
    for (const { extensions } of errors) {
      expect(extensions.requestId).toBe('order-66')
      expect(Object.keys(errorRegistry)).toContain(extensions.code)
      expect(extensions.code).not.toBe('INTERNAL')
    }
  })

  test('is its own request’s, though two ask the same at once', async () => {
    const ask = async (id: string) => {
      const headers = { ...json, 'X-Request-Id': id }
      const body = JSON.stringify({ query: '{ offices { nodes { id } } nothing }' })
      const response = await fetch(`${api().url}/graphql`, { method: 'POST', headers, body })
      const { errors } = (await response.json()) as { errors: { extensions: { requestId: string } }[] }
      return errors.map(({ extensions }) => extensions.requestId)
    }
    const ids = Array.from({ length: 20 }, (_, index) => `r${index}`)

    expect(await Promise.all(ids.map(ask))).toEqual(ids.map((id) => [id]))
  })
})
