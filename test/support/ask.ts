/** What an API answers: GraphQL's members, and the HTTP status. */
export type Answer = {
  status: number
  data?: Record<string, any> | null
  errors?: { message: string; path?: unknown[]; extensions?: Record<string, unknown> }[]
}

/** The code of an answer's first error; undefined where there is none. */
export const codeOf = ({ errors }: Answer): unknown => errors?.[0]?.extensions?.code

/** What goes along with an operation: its variables, and the caller's token. */
export type Asked = { variables?: Record<string, unknown>; token?: string }

/** Sends an operation to a server, as the bearer of a token where one is given. */
export async function ask(url: string, query: string, { variables, token }: Asked = {}): Promise<Answer> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      Accept: 'application/json',
      ...(token !== undefined && { Authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({ query, variables }),
  })
  return { status: response.status, ...((await response.json()) as object) }
}
