import { beforeAll, describe, expect, test } from '@jest/globals'
import { withConnection } from '../../src/database/connection.ts'
import { useApi } from '../support/api.ts'
import { makeStudio, type Studio } from '../support/people.ts'

const { api, database } = useApi()

let studio: Studio
let tokens: Record<'manager' | 'member' | 'stranger', string>
beforeAll(() =>
  withConnection(database().ownerUrl, async (client) => {
    const run = async (text: string, values?: unknown[]) =>
      (await client.query<Record<string, unknown>>(text, values)).rows
    studio = await makeStudio(run)
    const tokenOf = async (person: string) =>
      (await run('select token from app_private.start_session($1)', [person]))[0]!.token as string
    tokens = {
      manager: await tokenOf(studio.manager),
      member: await tokenOf(studio.member),
      stranger: await tokenOf(studio.stranger),
    }
  }),
)

const createOffices = `mutation ($offices: [OfficeInput!]!) {
  createOffices(input: { offices: $offices }) { offices { id name timeZone organization { name } } }
}`
const updateOffices = `mutation ($ids: [UUID!]!, $patch: OfficePatch!) {
  updateOffices(input: { ids: $ids, patch: $patch }) { offices { id name timeZone } }
}`

const officesNamed = (name: string) =>
  withConnection(database().ownerUrl, async (client) => {
    const { rows } = await client.query<{ id: string; name: string; time_zone: string }>(
      'select id, name, time_zone from app_public.offices where name like $1 order by name',
      [name],
    )
    return rows
  })

describe('createOffices', () => {
  test('a manager adds several offices, each with the defaults of what it leaves out', async () => {
    const { organizationId } = studio

    const { data, errors } = await api().ask(createOffices, {
      token: tokens.manager,
      variables: {
        offices: [
          { organizationId, name: 'New North', timeZone: 'Europe/Oslo' },
          { organizationId, name: 'New East' },
        ],
      },
    })

    expect(errors).toBeUndefined()
    expect(data!.createOffices.offices).toMatchObject([
      { name: 'New North', timeZone: 'Europe/Oslo', organization: { name: 'Studio' } },
      { name: 'New East', timeZone: 'UTC', organization: { name: 'Studio' } },
    ])
  })

  test('a manager adds none when one is of an organization that is not theirs', async () => {
    const { organizationId, strangerOrganizationId } = studio

    const { data, errors } = await api().ask(createOffices, {
      token: tokens.manager,
      variables: {
        offices: [
          { organizationId, name: 'Never ours' },
          { organizationId: strangerOrganizationId, name: 'Never theirs' },
        ],
      },
    })

    expect(data).toBeNull()
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'FORBIDDEN' })
    expect(await officesNamed('Never%')).toEqual([])
  })

  test('a rule that a trigger checks names its argument, and none is added', async () => {
    const { organizationId } = studio

    const { errors } = await api().ask(createOffices, {
      token: tokens.manager,
      variables: {
        offices: [
          { organizationId, name: 'Zone good' },
          { organizationId, name: 'Zone bad', timeZone: 'Moon/Crater' },
        ],
      },
    })

    expect(errors?.[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT' })
    expect(await officesNamed('Zone%')).toEqual([])
  })

  test('a member may not add any, nor may anybody who is not signed in', async () => {
    const variables = { offices: [{ organizationId: studio.organizationId, name: 'Not mine' }] }

    for (const token of [tokens.member, tokens.stranger, undefined]) {
      const { errors } = await api().ask(createOffices, { variables, ...(token && { token }) })

      expect(errors?.[0]?.extensions).toMatchObject({ code: 'FORBIDDEN' })
    }
    expect(await officesNamed('Not mine')).toEqual([])
  })
})

describe('updateOffices', () => {
  test('a manager changes several at once; a member and a stranger find none that they could', async () => {
    const { organizationId } = studio
    await api().ask(createOffices, {
      token: tokens.manager,
      variables: { offices: ['A', 'B'].map((name) => ({ organizationId, name: `Floor ${name}` })) },
    })
    const ids = (await officesNamed('Floor%')).map(({ id }) => id).toReversed()

    const changed = await api().ask(updateOffices, {
      token: tokens.manager,
      variables: { ids, patch: { timeZone: 'Asia/Tokyo' } },
    })

    expect(changed.data!.updateOffices.offices).toEqual([
      { id: ids[0], name: 'Floor B', timeZone: 'Asia/Tokyo' },
      { id: ids[1], name: 'Floor A', timeZone: 'Asia/Tokyo' },
    ])
    for (const token of [tokens.member, tokens.stranger]) {
      const { errors } = await api().ask(updateOffices, {
        token,
        variables: { ids, patch: { name: 'Taken' } },
      })

      expect(errors?.[0]?.extensions).toMatchObject({
        code: 'NOT_FOUND',
        arguments: [['input', 'ids', 0]],
      })
    }
  })

  test('a manager changes none when one is hidden from them', async () => {
    const [hidden] = await withConnection(database().ownerUrl, async (client) => {
      const { rows } = await client.query<{ id: string }>(
        'insert into app_public.offices (organization_id, name) values ($1, $2) returning id',
        [studio.strangerOrganizationId, 'Hidden'],
      )
      return rows
    })

    const { errors } = await api().ask(updateOffices, {
      token: tokens.manager,
      variables: { ids: [studio.officeId, hidden!.id], patch: { name: 'Renamed' } },
    })

    expect(errors?.[0]?.extensions).toMatchObject({
      code: 'NOT_FOUND',
      arguments: [['input', 'ids', 1]],
    })
    expect(await officesNamed('Renamed')).toEqual([])
  })
})
