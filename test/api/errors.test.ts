import { describe, expect, test } from '@jest/globals'
import { withConnection } from '../../src/database/connection.ts'
import { useApi } from '../support/api.ts'

const { api, database } = useApi()

async function tokenOf(name: string): Promise<string> {
  const { rows } = await withConnection(database().ownerUrl, (client) =>
    client.query<{ token: string }>(
      `with person as (insert into app_public.people (name) values ($1) returning id)
       select session.token from person, app_private.start_session(person.id) as session`,
      [name],
    ),
  )
  return rows[0]!.token
}

describe('errors', () => {
  test('a person without the right is told so by code, without internals', async () => {
    const { errors, data } = await api().ask('{ offices { nodes { name } } }')

    expect(data).toEqual({ offices: null })
    expect(errors).toEqual([
      expect.objectContaining({
        message: 'You may not do that.',
        path: ['offices'],
        extensions: {
          code: 'FORBIDDEN',
          requestId: expect.any(String),
          errorId: expect.stringMatching(/^[\da-f-]{36}$/),
        },
      }),
    ])
  })

  test('a broken rule of a table is the caller’s input, and tells nothing of the table', async () => {
    const token = await tokenOf('Rita')

    const answer = await api().ask('mutation { createOrganization(input: { name: "" }) { result { id } } }', {
      token,
    })

    expect(answer.errors?.[0]?.extensions).toMatchObject({
      code: 'BAD_USER_INPUT',
      requestId: expect.any(String),
      arguments: [['input', 'name']],
    })
    expect(JSON.stringify(answer)).not.toContain('organizations_')
  })

  test('words that a SQL function wrote for people reach them', async () => {
    const token = await tokenOf('Otto')
    const made = await api().ask('mutation { createOrganization(input: { name: "O" }) { result { id } } }', {
      token,
    })
    const organizationId = made.data!.createOrganization.result.id as string

    const { errors } = await api().ask(
      `mutation ($office: OfficeInput!) { createOffice(input: { office: $office }) { office { id } } }`,
      { token, variables: { office: { organizationId, name: 'Moon', timeZone: 'Moon/Crater' } } },
    )

    expect(errors?.[0]).toMatchObject({
      message: 'That is not a time zone.',
      extensions: {
        code: 'BAD_USER_INPUT',
        arguments: [['input', 'office', 'timeZone']],
        hint: 'Use an IANA name such as Europe/Berlin.',
      },
    })
  })

  test('a fault of ours is an id, under which the log has the rest', async () => {
    await withConnection(database().ownerUrl, (client) =>
      client.query('alter function app_public.current_person() rename to current_person_mislaid'),
    )

    const { errors } = await api().ask('{ currentPerson { name } }')

    expect(errors?.[0]).toMatchObject({
      message: 'Something went wrong on our side.',
      extensions: { code: 'INTERNAL', errorId: expect.stringMatching(/^[\da-f-]{36}$/) },
    })
    await withConnection(database().ownerUrl, (client) =>
      client.query('alter function app_public.current_person_mislaid() rename to current_person'),
    )
  })
})
