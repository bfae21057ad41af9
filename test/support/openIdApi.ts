import { afterAll, beforeAll } from '@jest/globals'
import { withConnection } from '../../src/database/connection.ts'
import { makeApi, type TestApi } from './api.ts'
import type { Answer } from './ask.ts'
import { makeDatabase, type TestDatabase } from './database.ts'
import { redirectUrl, startProvider, type TestProvider } from './openIdProvider.ts'

/** The settings under which people may sign in with some providers, by the names given. */
export const openIdSettings = (
  providers: Record<string, TestProvider>,
  changes: object = {},
): Record<string, string> => ({
  OPENID_PROVIDERS: JSON.stringify(
    Object.entries(providers).map(([name, { issuer, clientId, clientSecret }]) => ({
      name,
      issuer,
      clientId,
      clientSecret,
      ...changes,
    })),
  ),
  OPENID_REDIRECT_URL: redirectUrl,
})

/** An API, a database and two providers that people may sign in with, for the tests of a file. */
export function useSignInWith() {
  let database: TestDatabase
  let api: TestApi
  let desk: TestProvider
  let booth: TestProvider
  beforeAll(async () => {
    ;[desk, booth] = await Promise.all([startProvider(), startProvider({ hasFullTokens: false })])
    database = await makeDatabase()
    api = await makeApi(database, openIdSettings({ desk, booth }))
  })
  afterAll(async () => {
    await api.close()
    await database.drop()
    await Promise.all([desk.stop(), booth.stop()])
  })
  return {
    api: () => api,
    database: () => database,
    /** Says all it knows of people in the ID token. */
    desk: () => desk,
    /** Has to be asked for more than the subject. */
    booth: () => booth,
    /** Runs SQL as the owner. */
    query: async (sql: string, values: unknown[] = []) =>
      withConnection(
        database.ownerUrl,
        async (client) => (await client.query<Record<string, any>>(sql, values)).rows,
      ),
  }
}

/** Begins a sign-in; the answer's errors, if any, are for the test to look at. */
export const askToBegin = (
  api: TestApi,
  provider: string,
  { token, link = false }: { token?: string; link?: boolean } = {},
): Promise<Answer> =>
  api.ask(
    `mutation ($provider: String!, $link: Boolean) {
      beginSignInWith(input: { provider: $provider, link: $link }) { result { id url expiresAt } }
    }`,
    { variables: { provider, link }, ...(token !== undefined && { token }) },
  )

/** Begins a sign-in that is to begin. */
export async function begin(
  api: TestApi,
  provider: string,
  options: { token?: string; link?: boolean } = {},
): Promise<{ id: string; url: string; expiresAt: string }> {
  const { data, errors } = await askToBegin(api, provider, options)
  if (errors) throw new Error(JSON.stringify(errors))
  return data!.beginSignInWith.result as { id: string; url: string; expiresAt: string }
}

/** Finishes a sign-in; the answer's errors, if any, are for the test to look at. */
export const askToFinish = (api: TestApi, id: string, callbackUrl: string): Promise<Answer> =>
  api.ask(
    `mutation ($id: UUID!, $callbackUrl: String!) {
      finishSignInWith(input: { id: $id, callbackUrl: $callbackUrl }) { result { token expiresAt } refusal }
    }`,
    { variables: { id, callbackUrl } },
  )

type Finished = { result: { token: string; expiresAt: string } | null; refusal: string | null }

/** Finishes a sign-in, one way or the other. */
export async function finish(api: TestApi, id: string, callbackUrl: string): Promise<Finished> {
  const { data, errors } = await askToFinish(api, id, callbackUrl)
  if (errors) throw new Error(JSON.stringify(errors))
  return data!.finishSignInWith as Finished
}
