import type { TestApi } from './api.ts'
import type { TestDatabase } from './database.ts'
import { deliver } from './post.ts'

/** A password that nobody guesses. */
export const password = 'correct horse battery'

export const signUp = `mutation ($email: String!, $password: String!) {
  signUp(input: { email: $email, name: "Zoe", password: $password }) { result { id expiresAt } }
}`
export const signIn = `mutation ($email: String!, $password: String!) {
  signIn(input: { email: $email, password: $password }) { result { token } }
}`

/** A day from now. */
export const tomorrow = new Date(Date.now() + 86_400_000).toISOString()

/** Makes an API key that counts until then. */
export const createKey = `mutation ($canWrite: Boolean!) {
  createApiKey(input: { name: "Backup", canWrite: $canWrite, expiresAt: "${tomorrow}" }) { result { id token } }
}`

/** A mutation that gives a mailed code back. */
export const confirm = (field: string, result = '{ token }') => `mutation ($id: UUID!, $code: String!) {
  ${field}(input: { id: $id, code: $code }) { result ${result} }
}`

/** What a client does with an account: over the API, and with the mail that comes of it. */
export function makeAccounts(api: () => TestApi, database: () => TestDatabase) {
  const accounts = {
    /** Asks for a code; its id, and the code that arrives at the address. */
    async code(query: string, variables: Record<string, unknown>, token?: string) {
      await deliver(database()) // what others have left
      const { data, errors } = await api().ask(query, { variables, ...(token && { token }) })
      if (!data) throw new Error(JSON.stringify(errors))
      const [[, payload]] = Object.entries(data) as [[string, { result: { id: string } }]]
      const mails = await deliver(database())
      return { id: payload.result.id, code: mails[0]?.values.code as string, mails }
    },
    /** Signs up with an address, proves it, and returns the token. */
    async make(email: string): Promise<string> {
      const { id, code } = await accounts.code(signUp, { email, password })
      const { data, errors } = await api().ask(confirm('confirmSignUp'), { variables: { id, code } })
      if (!data?.confirmSignUp.result) throw new Error(JSON.stringify(errors ?? data))
      await deliver(database())
      return data.confirmSignUp.result.token as string
    },
    /** The token of a new session, or null when the password is wrong. */
    async signIn(email: string, given = password): Promise<string | null> {
      const { data, errors } = await api().ask(signIn, { variables: { email, password: given } })
      if (!data) throw new Error(JSON.stringify(errors))
      return (data.signIn.result?.token as string | undefined) ?? null
    },
    /** Whether a token counts. */
    async counts(token: string): Promise<boolean> {
      const { data } = await api().ask('{ currentPerson { name } }', { token })
      return data?.currentPerson?.name === 'Zoe'
    },
  }
  return accounts
}
