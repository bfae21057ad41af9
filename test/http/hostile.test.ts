import { beforeAll, describe, expect, test } from '@jest/globals'
import { useApi } from '../support/api.ts'

// As a stranger meets the server: in production, with nothing else set.
const { api } = useApi({ INTROSPECTION: '' })

const times = (n: number, text: (index: number) => string): string =>
  Array.from({ length: n }, (_, index) => text(index)).join(' ')
const nested = (n: number, open: string, close: string): string => open.repeat(n) + close.repeat(n)
const query = (text: string, variables?: object): string => JSON.stringify({ query: text, variables })
const uuid = '018f0000-0000-7000-8000-000000000000'
const filtered = 'query ($filter: OfficeFilter) { offices(filter: $filter) { nodes { id } } }'

/** Requests of up to the size that is read at all, made to cost as much as they can. */
const hostile: Record<string, string> = {
  'a thousand aliases of a list': query(`{ ${times(1000, (i) => `a${i}: offices { nodes { id } }`)} }`),
  'fifty thousand tokens': query(`{ ${times(49_000, () => 'a')} }`),
  depth: query(nested(9000, '{ a ', '}')),
  'lists in lists': query(`{ offices(filter: ${nested(45_000, '[', ']')}) { nodes { id } } }`),
  'objects in objects': query(`{ offices(filter: ${nested(9000, '{ a: ', '}')}) { nodes { id } } }`),
  'types in types': query(`query ($a: ${nested(45_000, '[', ']')}) { a }`),
  directives: query(`{ __typename ${times(5000, () => '@include(if: true)')} }`),
  'unknown directives': query(`{ __typename ${times(30_000, () => '@a')} }`),
  'a bomb of fragments': query(
    `{ ...f0 } ${times(28, (i) => `fragment f${i} on Query { ...f${i + 1} ...f${i + 1} }`)} fragment f28 on Query { currentPerson { id } }`,
  ),
  'fragments in circles': query(
    `{ ...f0 } ${times(1500, (i) => `fragment f${i} on Query { ...f${(i + 1) % 1500} }`)}`,
  ),
  'the same field again and again': query(`{ ${times(8000, () => '__typename')} }`),
  'fields that have to be merged': query(`{ ${times(1500, () => 'offices { nodes { id id } }')} }`),
  arguments: query(`{ offices(${times(9000, (i) => `a${i}: 1`)}) { nodes { id } } }`),
  variables: query(`query (${times(5000, (i) => `$v${i}: Int`)}) { __typename }`),
  operations: query(times(4000, (i) => `query q${i} { __typename }`)),
  'a large literal': query(
    `{ offices(filter: { id: { in: [${times(2400, () => `"${uuid}"`)}] } }) { nodes { id } } }`,
  ),
  orders: query(`{ offices(orderBy: [${times(14_000, () => 'ID_ASC')}]) { nodes { id } } }`),
  'introspection in circles': query(
    `{ __schema { ${'types { fields { type { '.repeat(1000)} name ${'} } }'.repeat(1000)} } }`,
  ),
  'a page of a billion rows': query('{ offices(first: 1000000000) { nodes { id } } }'),
  'a filter of thousands of conditions': query(filtered, {
    filter: { or: Array.from({ length: 1700 }, () => ({ doors: { some: { id: { isNull: false } } } })) },
  }),
  'a filter as deep as it is long': `{"query": "${filtered}", "variables": {"filter": ${nested(9000, '{"not":', '}').replace('}', '{}}')}}}`,
  'variables in lists in lists': `{"query": "${filtered}", "variables": {"filter": ${nested(45_000, '[', ']')}}}`,
  'a value that is quoted back': query('query ($n: Int) { offices(first: $n) { nodes { id } } }', {
    n: ' Did you mean'.repeat(7400),
  }),
  'more than is read': query(`{ __typename } ${'#'.repeat(5_000_000)}`),
  compression: query('{ __typename }').padEnd(99_000, ' '),
}

async function send(
  body: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; text: string }> {
  const response = await fetch(`${api().url}/graphql`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body,
  })
  return { status: response.status, text: await response.text() }
}

/**
 * Does something, and tells for how long at most nothing else could be done in this process meanwhile. It is
 * counted in time of the processor, so that what else the machine does is no part of it.
 */
async function blockedMs(run: () => Promise<unknown>): Promise<number> {
  const spent = () => {
    const { user, system } = process.threadCpuUsage()
    return (user + system) / 1000
  }
  let last = spent()
  let longest = 0
  const ticking = setInterval(() => {
    const now = spent()
    longest = Math.max(longest, now - last)
    last = now
  }, 1)
  await run()
  await new Promise((resolve) => setTimeout(resolve, 5))
  clearInterval(ticking)
  return longest
}

describe('a hostile request', () => {
  // What is compiled or loaded on the first request of all is not what a request costs.
  beforeAll(async () => {
    for (const body of [query('{ __typename }'), ...Object.values(hostile)]) await send(body)
  })

  test.each(Object.entries(hostile).filter(([name]) => name !== 'compression'))(
    'of %s is refused, in words that tell nothing',
    async (_, body) => {
      const { status, text } = await send(body)

      expect([400, 413]).toContain(status)
      expect(JSON.parse(text)).toEqual({
        errors: [
          expect.objectContaining({
            message: expect.not.stringMatching(/call stack|RangeError|node_modules|^[^]{1100}/),
            extensions: expect.objectContaining({
              code: expect.stringMatching(
                /^(LIMIT_EXCEEDED|GRAPHQL_PARSE_FAILED|BAD_REQUEST|BAD_USER_INPUT)$/,
              ),
            }),
          }),
        ],
      })
    },
  )

  // The client is in the same process, so its own work counts too, and garbage is collected at times: the least of
  // several attempts is what the request costs.
  test('that holds everybody up would be noticed', async () => {
    const block = async () => {
      const work = () => JSON.parse(JSON.stringify(Array.from({ length: 1000 }, () => 'work'))) as unknown
      const { user } = process.threadCpuUsage()
      while (process.threadCpuUsage().user < user + 120_000) work()
    }

    expect(await blockedMs(block)).toBeGreaterThan(100)
  })

  test.each(Object.entries(hostile))('of %s holds nobody else up', async (_, body) => {
    const attempts = []
    for (let attempt = 0; attempt < 3; attempt++) attempts.push(await blockedMs(() => send(body)))

    expect(Math.min(...attempts)).toBeLessThan(100)
  })
})

describe('the largest operation that is let in', () => {
  const lists = (unique: number) =>
    `{ z${unique}: __typename organizations { nodes { ${times(23, (i) => `a${i}: offices { nodes { id } }`)} } } }`
  const roots = (unique: number) =>
    `{ z${unique}: __typename ${times(16, (i) => `a${i}: offices(filter: { id: { isNull: false } }, orderBy: [ID_ASC]) { nodes { id name timeZone } pageInfo { hasNextPage } totalCount }`)} }`

  // Each is new to the server, so it is planned.
  test.each([
    ['lists in a list', lists],
    ['lists at the top', roots],
  ])('of %s holds nobody else up', async (_, operation) => {
    const attempts = []
    for (let unique = 0; unique < 6; unique++) {
      attempts.push(await blockedMs(() => send(query(operation(unique)))))
    }

    expect(await send(query(operation(0)))).toMatchObject({ status: 200 })
    expect(Math.min(...attempts)).toBeLessThan(100)
  })
})
