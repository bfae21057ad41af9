import { expect, test } from '@jest/globals'
import { type Client, createClient } from 'graphql-ws'
import { useApi } from '../support/api.ts'

const { api } = useApi()

/** What a client is told that asks for something by WebSocket. */
async function told(query: string, variables?: Record<string, unknown>): Promise<unknown> {
  const client: Client = createClient({ url: `${api().url.replace('http', 'ws')}/graphql`, retryAttempts: 0 })
  const answer = await new Promise((resolve) => {
    client.subscribe(
      { query, variables },
      { next: ({ errors }) => resolve(errors), error: resolve, complete: () => resolve('nothing') },
    )
  })
  await client.dispose()
  return answer
}

test.each([
  ['{', 'GRAPHQL_PARSE_FAILED'],
  ['{ nothing }', 'GRAPHQL_VALIDATION_FAILED'],
  ['{ offices(first: 1.5) { nodes { id } } }', 'BAD_USER_INPUT'],
  ['{ offices { nodes { id } } }', 'FORBIDDEN'],
])('by WebSocket, %s is answered with %s', async (query, code) => {
  expect(await told(query)).toMatchObject([{ extensions: { code } }])
})

test('by WebSocket, a hostile variable is refused at its argument', async () => {
  const answer = await told('query ($id: UUID!) { office(id: $id) { name } }', { id: 'half \ud800' })

  expect(answer).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT', arguments: [['id']] } }])
})
