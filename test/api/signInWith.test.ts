import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { withConnection } from '../../src/database/connection.ts'
import { makeApi, type TestApi } from '../support/api.ts'
import { makeDatabase, type TestDatabase } from '../support/database.ts'
import { redirectUrl, startProvider, type TestProvider, visit } from '../support/openIdProvider.ts'
import { openIdToCome } from '../support/openIdToCome.ts'

let database: TestDatabase
let api: TestApi
let desk: TestProvider
beforeAll(async () => {
  desk = await startProvider()
  database = await makeDatabase()
  await withConnection(database.ownerUrl, (client) => client.query(openIdToCome))
  api = await makeApi(database, {
    OPENID_PROVIDERS: JSON.stringify([
      { name: 'desk', title: 'Desk', issuer: desk.issuer, clientId: desk.clientId, clientSecret: desk.clientSecret },
    ]),
    OPENID_REDIRECT_URL: redirectUrl, LOG_LEVEL: 'info',
  })
})
afterAll(async () => {
  await api.close()
  await database.drop()
  await desk.stop()
})

test('whole', async () => {
  desk.people.set('mia', { email: 'Mia@example.com', email_verified: true, name: 'Mia' })
  const a = await api.ask('mutation { beginSignInWith(input: {provider: "desk", clientMutationId: "x"}) { clientMutationId result { id url expiresAt } query { signInProviders { name title } } } }')
  console.log(JSON.stringify(a))
  const { id, url } = a.data!.beginSignInWith.result
  const callbackUrl = await visit(url, 'mia')
  console.log(callbackUrl)
  const b = await api.ask('mutation ($id: UUID!, $callbackUrl: String!) { finishSignInWith(input: {id: $id, callbackUrl: $callbackUrl}) { clientMutationId result { token expiresAt } refusal query { signInProviders { name } } } }', { variables: { id, callbackUrl } })
  console.log(JSON.stringify(b))
  const c = await api.ask('{ currentPerson { name } openIdAccounts { nodes { issuer email } } }', { token: b.data!.finishSignInWith.result.token })
  console.log(JSON.stringify(c))
  const d = await api.ask('mutation ($id: UUID!, $callbackUrl: String!) { finishSignInWith(input: {id: $id, callbackUrl: $callbackUrl}) { result { token expiresAt } refusal } x: signOut(input: {}) { result } }', { variables: { id, callbackUrl } })
  console.log(JSON.stringify(d))
})
