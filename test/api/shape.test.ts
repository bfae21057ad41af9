import { beforeAll, describe, expect, test } from '@jest/globals'
import { withConnection } from '../../src/database/connection.ts'
import { useApi } from '../support/api.ts'
import { type ApiModel, readModel } from '../support/foreignApi.ts'
import { brokenShapeRules } from '../support/shapeRules.ts'

const { api, database } = useApi({ MODE: 'development' })
let model: ApiModel
let token: string
beforeAll(async () => {
  model = await readModel(api())
  await withConnection(database().ownerUrl, async (client) => {
    const { rows } = await client.query<{ token: string }>(
      `with person as (insert into app_public.people (name) values ('Rita') returning id)
       select session.token from person, app_private.start_session(person.id) as session`,
    )
    token = rows[0]!.token
  })
  for (const [organization, offices] of Object.entries({ Alpha: ['Zoo', 'Mill'], Beta: ['Attic'] })) {
    const made = await ask(
      `mutation { createOrganization(input: { name: "${organization}" }) { result { id } } }`,
    )
    const organizationId = made.createOrganization.result.id as string
    for (const name of offices) {
      await ask(
        `mutation { createOffice(input: { office: { organizationId: "${organizationId}", name: "${name}", timeZone: "UTC" } }) { office { id } } }`,
      )
    }
  }
})

async function ask(query: string): Promise<Record<string, any>> {
  const { data, errors } = await api().ask(query, { token })
  expect(errors).toBeUndefined()
  return data!
}

describe('the shape of the API', () => {
  test('keeps its rules for every table and every mutation', () => {
    expect(model.query.length).toBeGreaterThan(10)
    expect(brokenShapeRules(model)).toEqual([])
  })

  test('a client finds null in an answer only where something may be missing', async () => {
    const types = await withConnection(database().ownerUrl, async (client) => {
      const { rows } = await client.query<{ type: string }>(
        `select replace(initcap(relname), '_', '') as type from pg_class
         where relkind = 'c' and relnamespace = 'app_public'::regnamespace`,
      )
      return rows.map(({ type }) => model.type(type))
    })
    const nullable = types.flatMap(({ name, fields }) =>
      fields!.filter(({ type }) => type.kind !== 'NON_NULL').map((field) => `${name}.${field.name}`),
    )

    expect(nullable.toSorted()).toEqual([
      'ClaimAnswer.reason',
      'ClaimAnswer.unlockSeconds',
      'DoorAnswer.rule',
      'ReplayedDecision.rule',
      'RingAnswer.commandId',
      'SlackInstall.url',
      'UnlockAnswer.commandId',
      'UnlockAnswer.rule',
    ])
  })

  test('a rule that is broken is noticed', () => {
    const offices = model.type('OfficeConnection')
    offices.fields = offices.fields!.map((field) =>
      field.name === 'totalCount' ? { ...field, type: { kind: 'SCALAR', name: 'Int', ofType: null } } : field,
    )
    const orders = model.type('DoorOrderBy')
    orders.enumValues = orders.enumValues!.filter(({ name }) => name !== 'NAME_DESC')

    expect(brokenShapeRules(model).toSorted()).toEqual([
      'DoorOrderBy.NAME_ASC is there without NAME_DESC',
      'OfficeConnection.totalCount is not Int!',
    ])
  })
})

describe('a member', () => {
  const names = (data: Record<string, any>) =>
    (data.offices.nodes as { name: string }[]).map(({ name }) => name)

  test('orders offices by a column of their organization, then by their own', async () => {
    const descending = await ask(
      '{ offices(orderBy: [ORGANIZATION_NAME_DESC, NAME_ASC]) { nodes { name } } }',
    )
    const ascending = await ask('{ offices(orderBy: [ORGANIZATION_NAME_ASC, NAME_ASC]) { nodes { name } } }')

    expect(names(descending)).toEqual(['Attic', 'Mill', 'Zoo'])
    expect(names(ascending)).toEqual(['Mill', 'Zoo', 'Attic'])
  })

  test('pages on from a cursor of such an order', async () => {
    const page = (after: string) =>
      ask(`{ offices(orderBy: [ORGANIZATION_NAME_DESC, NAME_ASC], first: 1${after}) {
        nodes { name } pageInfo { endCursor hasNextPage } } }`)
    const seen: string[] = []
    for (let after = '', hasNextPage = true; hasNextPage;) {
      const { offices } = await page(after)
      seen.push(...(offices.nodes as { name: string }[]).map(({ name }) => name))
      hasNextPage = offices.pageInfo.hasNextPage as boolean
      after = `, after: "${offices.pageInfo.endCursor}"`
    }

    expect(seen).toEqual(['Attic', 'Mill', 'Zoo'])
  })

  test('finds offices by a column that has no index', async () => {
    const { offices } = await ask('{ offices(filter: { timeZone: { equalTo: "UTC" } }) { totalCount } }')

    expect(offices).toEqual({ totalCount: 3 })
  })

  test('is offered aggregates where the owner of a table says so, and only there', () => {
    const having = model.query.flatMap(({ type }) => {
      const connection = type.name && model.type(type.name)
      return connection && connection.fields?.some(({ name }) => name === 'aggregates')
        ? [connection.name]
        : []
    })

    expect(having).toEqual(['DoorDecisionConnection'])
  })
})
