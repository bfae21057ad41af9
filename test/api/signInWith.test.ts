// Longer than most: everybody whom a provider can send, and what becomes of them.

import { describe, expect, test } from '@jest/globals'
import { makeApi } from '../support/api.ts'
import { makeDatabase } from '../support/database.ts'
import { askToBegin, begin, finish, useSignInWith } from '../support/openIdApi.ts'
import { type Claims, visit } from '../support/openIdProvider.ts'

const { api, query, desk, booth } = useSignInWith()

/** Signs somebody in from beginning to end. */
async function signIn(provider: 'desk' | 'booth', subject: string, claims: Claims) {
  const { people } = provider === 'desk' ? desk() : booth()
  people.set(subject, claims)
  const { id, url } = await begin(api(), provider)
  return finish(api(), id, await visit(url, subject))
}

/** Makes a person with a proven address and a session of some age. */
async function makePerson(name: string, age = '0 minutes') {
  const [person] = await query(
    `with person as (insert into app_public.people (name) values ($1) returning id),
       address as (
         insert into app_public.email_addresses (person_id, address)
         select id, lower($1) || '@example.com' from person
       )
     select id from person`,
    [name],
  )
  const [session] = await query('select token from app_private.start_session($1)', [person!.id])
  await query('update app_public.sessions set created_at = now() - $2::interval where person_id = $1', [
    person!.id,
    age,
  ])
  return { id: person!.id as string, token: session!.token as string }
}

async function askAs(token: string, operation: string): Promise<Record<string, any>> {
  const { data, errors } = await api().ask(operation, { token })
  expect(errors).toBeUndefined()
  return data!
}

const whoAmI = `{
  currentPerson { id name } emailAddresses { nodes { address } } openIdAccounts { nodes { id issuer subject email } }
}`

describe('the providers', () => {
  test('an anonymous caller sees with whom people may sign in, and nothing of our dealings with them', async () => {
    const { data } = await api().ask('{ signInProviders { name title } }')

    expect(data).toEqual({
      signInProviders: [
        { name: 'desk', title: 'desk' },
        { name: 'booth', title: 'booth' },
      ],
    })
  })

  test('an anonymous caller of a deployment without any sees none, and can begin with none', async () => {
    const database = await makeDatabase()
    const without = await makeApi(database)
    const listed = await without.ask('{ signInProviders { name } }')
    const begun = await askToBegin(without, 'desk')
    await without.close()
    await database.drop()

    expect(listed.data).toEqual({ signInProviders: [] })
    expect(begun.errors?.[0]?.extensions).toMatchObject({
      code: 'BAD_USER_INPUT',
      arguments: [['input', 'provider']],
    })
  })
})

describe('signing in', () => {
  test('a newcomer becomes a person with the address that the provider has verified', async () => {
    const { result, refusal } = await signIn('desk', 'nora-1', {
      email: ' Nora@Example.com',
      email_verified: true,
      name: 'Nora',
    })

    expect(refusal).toBeNull()
    const { currentPerson, emailAddresses, openIdAccounts } = await askAs(result!.token, whoAmI)
    expect(currentPerson.name).toBe('Nora')
    expect(emailAddresses.nodes).toEqual([{ address: 'nora@example.com' }])
    expect(openIdAccounts.nodes).toMatchObject([
      { issuer: desk().issuer, subject: 'nora-1', email: 'nora@example.com' },
    ])
  })

  test('somebody of whom the ID token says little is asked about', async () => {
    const { result } = await signIn('booth', 'bo-1', {
      email: 'bo@example.com',
      email_verified: 'true',
      name: 'Bo',
    })

    expect(await askAs(result!.token, whoAmI)).toMatchObject({
      currentPerson: { name: 'Bo' },
      emailAddresses: { nodes: [{ address: 'bo@example.com' }] },
    })
    expect(booth().asked).toContain('/me')
  })

  test('a newcomer without a name is called by their address', async () => {
    const { result } = await signIn('desk', 'noname', { email: 'quinn@example.com', email_verified: true })

    expect((await askAs(result!.token, whoAmI)).currentPerson.name).toBe('quinn')
  })

  test('who comes back is the same person, by the subject alone', async () => {
    const first = await signIn('desk', 'vera-1', { email: 'vera@example.com', email_verified: true })
    const again = await signIn('desk', 'vera-1', { email: 'married@example.com', email_verified: false })

    const before = await askAs(first.result!.token, whoAmI)
    const after = await askAs(again.result!.token, whoAmI)
    expect(after.currentPerson).toEqual(before.currentPerson)
    expect(after.emailAddresses).toEqual(before.emailAddresses)
    expect(after.openIdAccounts.nodes).toMatchObject([{ email: 'married@example.com' }])
  })

  test('the same subject with another provider is somebody else', async () => {
    const one = await signIn('desk', 'same', { email: 'one@example.com', email_verified: true })
    const other = await signIn('booth', 'same', { email: 'other@example.com', email_verified: true })

    const [first, second] = [await askAs(one.result!.token, whoAmI), await askAs(other.result!.token, whoAmI)]
    expect(first.currentPerson.id).not.toBe(second.currentPerson.id)
  })

  test('a person who has proven the address is that person, and the log says so', async () => {
    const pia = await makePerson('Pia')

    const { result } = await signIn('desk', 'pia-1', { email: 'PIA@example.com', email_verified: true })

    expect((await askAs(result!.token, whoAmI)).currentPerson.id).toBe(pia.id)
    expect(
      await query('select kind, detail from app_public.security_events where person_id = $1', [pia.id]),
    ).toEqual([
      { kind: 'open_id_linked', detail: desk().issuer },
      { kind: 'open_id_signed_in', detail: desk().issuer },
    ])
  })

  test.each([
    ['no address', {}],
    ['an address it has not verified', { email: 'una@example.com', email_verified: false }],
    ['an address it says nothing of', { email: 'una@example.com' }],
    ['an address whose verification is no yes', { email: 'una@example.com', email_verified: 'false' }],
    ['a text that is no address', { email: 'una', email_verified: true }],
    [
      'an address in which a sign is a K only in lower case',
      { email: '\u212Ate@example.com', email_verified: true },
    ],
  ])('a newcomer of whom the provider has %s is refused, and nothing is kept', async (_, claims) => {
    await query(
      `insert into app_public.people (name) values ('Una');
       insert into app_public.email_addresses (person_id, address)
       select id, address from app_public.people, unnest(array['una@example.com', 'kate@example.com']) as address
       where name = 'Una' on conflict do nothing`,
    )
    const count = () => query('select count(*)::int from app_public.people')
    const before = await count()

    const answer = await signIn('desk', 'una-1', claims)

    expect(answer).toEqual({ result: null, refusal: 'UNVERIFIED' })
    expect(await count()).toEqual(before)
    expect(await query(`select 1 from app_public.open_id_accounts where subject = 'una-1'`)).toEqual([])
  })

  test('somebody who declines at the provider is told apart from a failure', async () => {
    const { id, url } = await begin(api(), 'desk')

    expect(await finish(api(), id, await visit(url))).toEqual({ result: null, refusal: 'DECLINED' })
  })
})

describe('linking', () => {
  /** Links an account to whoever bears a token. */
  async function link(token: string, subject: string, claims: Claims = {}) {
    desk().people.set(subject, claims)
    const { id, url } = await begin(api(), 'desk', { token, link: true })
    return () => visit(url, subject).then((callbackUrl) => finish(api(), id, callbackUrl))
  }

  test('a person gives themselves another way to sign in, whatever its address', async () => {
    const lea = await makePerson('Lea')

    const linked = await (await link(lea.token, 'lea-1', { email: 'private@example.com' }))()
    const { result } = await signIn('desk', 'lea-1', {})

    expect(linked).toEqual({ result: null, refusal: null })
    expect((await askAs(result!.token, whoAmI)).currentPerson.id).toBe(lea.id)
  })

  test('a person who only signs in is linked to nothing, whoever is signed in meanwhile', async () => {
    const ida = await makePerson('Ida')
    desk().people.set('guest', { email: 'guest@example.com', email_verified: true })

    const { id, url } = await begin(api(), 'desk', { token: ida.token })
    const { result } = await finish(api(), id, await visit(url, 'guest'))

    expect((await askAs(result!.token, whoAmI)).currentPerson.name).toBe('guest')
    expect((await askAs(ida.token, whoAmI)).openIdAccounts.nodes).toEqual([])
  })

  test('an account of somebody else cannot be linked, and stays theirs', async () => {
    const mel = await makePerson('Mel')
    const theirs = await signIn('desk', 'owned', { email: 'owner@example.com', email_verified: true })

    expect(await (await link(mel.token, 'owned'))()).toEqual({ result: null, refusal: 'TAKEN' })
    expect((await askAs(theirs.result!.token, whoAmI)).openIdAccounts.nodes).toHaveLength(1)
    expect((await askAs(mel.token, whoAmI)).openIdAccounts.nodes).toEqual([])
  })

  test('one’s own account can be linked again', async () => {
    const tim = await makePerson('Tim')
    await (
      await link(tim.token, 'tim-1')
    )()

    expect(await (await link(tim.token, 'tim-1'))()).toEqual({ result: null, refusal: null })
    expect((await askAs(tim.token, whoAmI)).openIdAccounts.nodes).toHaveLength(1)
  })

  test('a session that ends on the way takes the link with it', async () => {
    const eva = await makePerson('Eva')
    const goOn = await link(eva.token, 'eva-1')
    await askAs(eva.token, 'mutation { signOut(input: {}) { result } }')

    expect(await goOn()).toEqual({ result: null, refusal: 'EXPIRED' })
    expect(await query(`select 1 from app_public.open_id_accounts where subject = 'eva-1'`)).toEqual([])
  })

  test.each([
    ['somebody who signed in long ago', '11 minutes'],
    ['an anonymous caller', null],
  ])('%s cannot link', async (_, age) => {
    const token = age === null ? undefined : (await makePerson(`Old${age.length}`, age)).token

    const { data, errors } = await askToBegin(api(), 'desk', { link: true, ...(token && { token }) })

    expect(data).toBeNull()
    expect(errors?.[0]?.message).toMatch(/^Sign in again/)
  })

  const unlink = `mutation ($id: UUID!) { deleteOpenIdAccount(input: { id: $id }) { openIdAccount { subject } } }`

  test('a person takes a way to sign in away from themselves', async () => {
    const ann = await makePerson('Ann')
    await (
      await link(ann.token, 'ann-1')
    )()
    const [account] = (await askAs(ann.token, whoAmI)).openIdAccounts.nodes

    const { data } = await api().ask(unlink, { variables: { id: account.id }, token: ann.token })
    const again = await signIn('desk', 'ann-1', {})

    expect(data).toEqual({ deleteOpenIdAccount: { openIdAccount: { subject: 'ann-1' } } })
    expect(again).toEqual({ result: null, refusal: 'UNVERIFIED' })
  })

  test.each(['a stranger', 'the person, long after signing in'])('%s cannot', async (who) => {
    const name = who === 'a stranger' ? 'Kim' : 'Lou'
    const owner = await makePerson(name)
    await (
      await link(owner.token, name)
    )()
    const [account] = (await askAs(owner.token, whoAmI)).openIdAccounts.nodes
    const other =
      who === 'a stranger' ? await makePerson(`Not${name}`) : await makePerson(`Late${name}`, '11 minutes')
    if (who !== 'a stranger') {
      await query('update app_public.sessions set person_id = $1 where person_id = $2', [owner.id, other.id])
    }

    const { errors } = await api().ask(unlink, { variables: { id: account.id }, token: other.token })

    expect(errors).toHaveLength(1)
    expect((await askAs(owner.token, whoAmI)).openIdAccounts.nodes).toHaveLength(1)
  })
})
