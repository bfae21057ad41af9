import { beforeAll, describe, expect, test } from '@jest/globals'
import { useApi } from '../support/api.ts'
import { withConnection } from '../../src/database/connection.ts'

// As few connections as there can be: whatever holds one and waits for more, hangs.
const { api, database } = useApi({ POOL_SIZE: '2' })
let token: string

const inDatabase = <Row extends object>(text: string) =>
  withConnection(database().ownerUrl, async (client) => (await client.query<Row>(text)).rows)
const names = async () =>
  (await inDatabase<{ name: string }>('select name from app_public.organizations order by name')).map(
    ({ name }) => name,
  )

beforeAll(async () => {
  const [session] = await inDatabase<{ token: string }>(
    `with person as (insert into app_public.people (name) values ('Rita') returning id)
     select session.token from person, app_private.start_session(person.id) as session`,
  )
  token = session!.token
})

const create = (alias: string, name: string) =>
  `${alias}: createOrganization(input: { name: "${name}" }) { result { id name } }`

describe('mutations of one request', () => {
  test('a person who asks for two gets both, and reads what they did', async () => {
    const answer = await api().ask(`mutation { ${create('a', 'One')} ${create('b', 'Two')} }`, { token })

    expect(answer.errors).toBeUndefined()
    expect(answer.data).toMatchObject({ a: { result: { name: 'One' } }, b: { result: { name: 'Two' } } })
    expect(await names()).toEqual(['One', 'Two'])
  })

  test('a person one of whose mutations fails finds nothing done, and is told of each', async () => {
    const before = await names()

    const answer = await api().ask(
      `mutation { ${create('first', 'Three')} ${create('bad', '')} ${create('last', 'Four')} }`,
      { token },
    )

    expect(answer.data).toBeNull()
    expect(answer.errors).toMatchObject([
      { path: ['bad'], extensions: { code: 'BAD_USER_INPUT' } },
      { path: ['last'], extensions: { code: 'NOT_DONE' } },
    ])
    expect(await names()).toEqual(before)
  })

  test('a person is not told of a success that the commit refused', async () => {
    await inDatabase(
      `create function app_hidden.refuse() returns trigger language plpgsql as
         $$ begin raise exception 'Full.' using errcode = 'check_violation'; end $$;
       create constraint trigger refuse after insert on app_public.organizations
         deferrable initially deferred for each row when (new.name = 'Late')
         execute function app_hidden.refuse()`,
    )

    const answer = await api().ask(`mutation { ${create('late', 'Late')} }`, { token })

    expect(answer.data).toBeNull()
    expect(answer.errors?.[0]?.extensions?.code).toBe('BAD_USER_INPUT')
    expect(await names()).not.toContain('Late')
  })

  test('a request that failed leaves its connection fit for the next one', async () => {
    await api().ask(`mutation { ${create('bad', '')} }`, { token })

    const answer = await api().ask('{ currentPerson { name } }', { token })

    expect(answer.data).toEqual({ currentPerson: { name: 'Rita' } })
  })
})
