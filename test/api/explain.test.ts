import { beforeAll, describe, expect, test } from '@jest/globals'
import { withConnection } from '../../src/database/connection.ts'
import { seedDemo } from '../../src/database/demo.ts'
import { useApi } from '../support/api.ts'

const { api, database } = useApi({ MODE: 'development' })

let cleo: string
let foreign: { officeId: string; organizationId: string }
beforeAll(async () => {
  await seedDemo(database().ownerUrl)
  const { rows } = await withConnection(database().ownerUrl, (client) =>
    client.query<{ token: string; office_id: string; organization_id: string }>(
      `select session.token, offices.id as office_id, offices.organization_id
       from app_public.email_addresses, app_private.start_session(person_id) as session, app_public.offices
       where address = 'cleo@example.com' and offices.organization_id <> all (
         select organization_id from app_public.memberships where memberships.person_id = email_addresses.person_id
       )`,
    ),
  )
  const [row] = rows
  cleo = row!.token
  foreign = { officeId: row!.office_id, organizationId: row!.organization_id }
})

const role = 'plinth_person'
const mine = expect.stringContaining('my_organization_ids()') as unknown
const managed = expect.stringContaining('my_managed_organization_ids()') as unknown

describe('in development', () => {
  test('a member learns which policy keeps a row from them', async () => {
    const answer = await api().ask('query ($id: UUID!) { office(id: $id) { name } }', {
      token: cleo,
      variables: { id: foreign.officeId },
    })

    expect(answer).toMatchObject({ data: { office: null } })
    expect((answer as { extensions?: object }).extensions).toMatchObject({
      explain: {
        office: {
          role,
          relation: 'app_public.offices',
          command: 'select',
          isGranted: true,
          exists: true,
          policies: [{ name: 'select_member', command: 'select', expression: mine, holds: false }],
        },
      },
    })
  })

  test('a member learns that a row is not there at all', async () => {
    const answer = await api().ask('{ office(id: "01900000-0000-7000-8000-000000000000") { name } }', {
      token: cleo,
    })

    expect(answer).toMatchObject({ extensions: { explain: { office: { isGranted: true, exists: false } } } })
  })

  test('a member who may not rename an office learns by which policy', async () => {
    const { data } = await api().ask('{ offices { nodes { id } } }', { token: cleo })
    const { errors } = await api().ask(
      'mutation ($id: UUID!) { updateOffice(input: { id: $id, patch: { name: "Mine" } }) { office { name } } }',
      { token: cleo, variables: { id: data!.offices.nodes[0].id as string } },
    )

    expect(errors?.[0]?.extensions).toMatchObject({
      code: 'NOT_FOUND',
      arguments: [['input', 'id']],
      explain: {
        role,
        relation: 'app_public.offices',
        command: 'update',
        isGranted: true,
        exists: true,
        policies: [
          { name: 'select_member', command: 'select', expression: mine, holds: true },
          { name: 'update_manager', command: 'update', expression: managed, holds: false },
        ],
      },
    })
  })

  test('a member who may not add an office learns by which policy', async () => {
    const { errors } = await api().ask(
      `mutation ($id: UUID!) {
        createOffice(input: { office: { organizationId: $id, name: "Mine" } }) { office { name } }
      }`,
      { token: cleo, variables: { id: foreign.organizationId } },
    )

    expect(errors?.[0]?.extensions).toMatchObject({
      code: 'FORBIDDEN',
      explain: {
        role,
        command: 'insert',
        isGranted: true,
        exists: null,
        policies: expect.arrayContaining([
          { name: 'insert_manager', command: 'insert', expression: managed, holds: false },
        ]) as unknown,
      },
    })
  })

  test('an anonymous caller learns that a grant is missing', async () => {
    const { errors } = await api().ask('{ offices { nodes { name } } }')

    expect(errors?.[0]?.extensions).toMatchObject({
      code: 'FORBIDDEN',
      explain: { role: 'plinth_anonymous', relation: 'app_public.offices', isGranted: false, policies: [] },
    })
  })
})
