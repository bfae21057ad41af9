import { describe, expect, test } from '@jest/globals'
import { useApi } from '../support/api.ts'

// What GraphQL Cop and BatchQL ask of an API, and by what they tell that it is open to an attack. As they
// come: without a token, on a server in production with nothing else set.
const { api } = useApi({ INTROSPECTION: '' })

type Body = { data?: any; errors?: { message: string; extensions?: any }[]; extensions?: any }
const endpoint = () => `${api().url}/graphql`

async function post(body: unknown, headers: Record<string, string> = {}): Promise<Body> {
  const init = { method: 'POST', headers: { 'Content-Type': 'application/json', ...headers } }
  const response = await fetch(endpoint(), { ...init, body: JSON.stringify(body) })
  return (await response.json()) as Body
}
const repeat = (text: string, n: number) => Array.from({ length: n }, () => text).join(' ')

/** For each probe, whether it finds what it looks for. */
const graphqlCop: Record<string, () => Promise<boolean>> = {
  introspection: async () =>
    (await post({ query: '{ __schema { types { name fields { name } } } }' })).data != null,
  'a description of one type': async () =>
    (await post({ query: '{ __type(name: "Query") { name } }' })).data != null,
  'suggestions of fields': async () =>
    /did you mean/i.test(JSON.stringify(await post({ query: '{ officess { nodes { id } } }' }))),
  'suggestions of types, arguments and values': async () => {
    const queries = [
      'query ($a: Officee) { __typename }',
      '{ offices(frist: 1) { nodes { id } } }',
      '{ offices(orderBy: ID_ASCC) { nodes { id } } }',
      '{ offices(filter: { idd: null }) { nodes { id } } }',
      '{ ... on Qury { __typename } }',
    ]
    const answers = await Promise.all(queries.map((query) => post({ query })))
    const coerced = await post({
      query:
        'query ($o: [OfficeOrderBy!], $f: OfficeFilter) { offices(orderBy: $o, filter: $f) { nodes { id } } }',
      variables: { o: ['ID_ASCC'], f: { idd: null } },
    })
    return /did you mean/i.test(JSON.stringify([...answers, coerced]))
  },
  'GraphiQL or another console': async () => {
    const paths = [
      '/',
      '/graphql',
      '/graphiql',
      '/playground',
      '/console',
      '/altair',
      '/ruru',
      '/ruru-static/ruru.js',
    ]
    const headers = { Accept: 'text/html' }
    const pages = await Promise.all(paths.map((path) => fetch(`${api().url}${path}`, { headers })))
    return pages.some((page) => page.ok || page.headers.get('content-type')?.includes('html'))
  },
  tracing: async () => {
    const { extensions, errors } = await post({ query: '{ __typename }' })
    return extensions != null || errors != null
  },
  'errors with their insides': async () => {
    const answers = await Promise.all(
      ['qwerty cop { abc }', '{ office(id: "x") { id } }', '{ offices(offset: -1) { nodes { id } } }'].map(
        (query) => post({ query }),
      ),
    )
    return /exception|stack|node_modules|select |\.ts:/i.test(JSON.stringify(answers))
  },
  'queries by GET': async () => {
    const answer = await fetch(`${endpoint()}?query=${encodeURIComponent('{__typename}')}`)
    return ((await answer.json()) as Body).data != null
  },
  'mutations by GET': async () => {
    const answer = await fetch(`${endpoint()}?query=${encodeURIComponent('mutation {__typename}')}`)
    return ((await answer.json()) as Body).data != null
  },
  'operations by a form': async () => {
    const answer = await fetch(endpoint(), {
      method: 'POST',
      body: new URLSearchParams({ query: '{ __typename }' }),
    })
    return ((await answer.json()) as Body).data != null
  },
  'operations in the address of a POST': async () => {
    const answer = await fetch(`${endpoint()}?query=${encodeURIComponent('{__typename}')}`, {
      method: 'POST',
    })
    return ((await answer.json()) as Body).data != null
  },
  'a hundred aliases': async () => {
    const aliases = Array.from({ length: 101 }, (_, index) => `alias${index}: __typename`).join(' ')
    return (await post({ query: `{ ${aliases} }` })).data != null
  },
  batches: async () => {
    const answer = await post(Array.from({ length: 10 }, () => ({ query: '{ __typename }' })))
    return Array.isArray(answer) || answer.data != null
  },
  'an error for each of ten directives': async () =>
    (await post({ query: `{ __typename ${repeat('@aa', 10)} }` })).errors?.length === 10,
  'one field five hundred times': async () =>
    (await post({ query: `{ ${repeat('__typename', 500)} }` })).data != null,
  'introspection in circles': async () => {
    const query =
      '{ __schema { types { fields { type { fields { type { fields { type { name } } } } } } } } }'
    return (await post({ query })).data != null
  },
  'fragments in circles': async () => {
    const query = '{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }'
    return (await post({ query })).errors == null
  },
}

const twice = 'query { assetnote: Query { hacktheplanet } assetnote1: Query { hacktheplanet } }'
const batchql: Record<string, () => Promise<boolean>> = {
  introspection: graphqlCop.introspection!,
  'suggestions, by a thousand words at once': async () => {
    const words = Array.from({ length: 1000 }, (_, index) => `word${index}`).join(' ')
    return /did you mean|cannot query field/i.test(
      JSON.stringify(await post({ query: `query { ${words} }` })),
    )
  },
  'GET that is validated': async () => {
    const answer = await fetch(`${endpoint()}?query=${encodeURIComponent('query { a }')}`)
    return (await answer.text()).includes('Cannot query field')
  },
  'a form that is validated': async () => {
    const answer = await fetch(endpoint(), {
      method: 'POST',
      body: new URLSearchParams({ query: 'query { a }' }),
    })
    return (await answer.text()).includes('Cannot query field')
  },
  'batches by name, shown by several errors': async () => (await post({ query: twice })).errors!.length > 1,
  'batches by list, shown by several answers': async () =>
    Object.keys(await post([{ query: twice }, { query: twice }])).length > 1,
}

describe.each([
  ['GraphQL Cop', graphqlCop],
  ['BatchQL', batchql],
])('%s', (_, probes) => {
  test.each(Object.entries(probes))('finds no %s', async (_name, finds) => {
    expect(await finds()).toBe(false)
  })
})

describe('the probes', () => {
  const { api: open } = useApi({ MODE: 'development' })

  test('find introspection, suggestions and a console where those are on, so they can find', async () => {
    const found = await open().ask('{ __schema { queryType { name } } officess { id } }')
    const described = await open().ask('{ __schema { queryType { name } } }')
    const page = await fetch(open().url, { headers: { Accept: 'text/html' } })

    expect(JSON.stringify(found)).toContain('Did you mean')
    expect(described.data).toEqual({ __schema: { queryType: { name: 'Query' } } })
    expect(await page.text()).toMatch(/graphiql|ruru/i)
  })
})
