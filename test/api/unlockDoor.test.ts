import { describe, expect, test } from '@jest/globals'
import { withConnection } from '../../src/database/connection.ts'
import { seedDemo } from '../../src/database/demo.ts'
import { useApi } from '../support/api.ts'

const { api, database } = useApi()

const signIn = `mutation ($email: String!) {
  signIn(input: { email: $email, password: "open sesame" }) { result { token } }
}`
const unlock = `mutation ($doorId: UUID!) {
  unlockDoor(input: { doorId: $doorId }) { result { isAllowed rule reason } }
}`

async function tokenOf(email: string): Promise<string> {
  await seedDemo(database().ownerUrl)
  await withConnection(database().ownerUrl, (client) =>
    client.query('update app_public.devices set enrolled_at = now(), last_seen_at = now()'),
  )
  const { data } = await api().ask(signIn, { variables: { email } })
  return data!.signIn.result.token as string
}

async function doorsOf(token: string): Promise<{ id: string; name: string }[]> {
  const { data } = await api().ask('{ doors { nodes { id name } } }', { token })
  return data!.doors.nodes as { id: string; name: string }[]
}

describe('unlockDoor, in the demo', () => {
  test('a member opens a door, and finds it in the log', async () => {
    const token = await tokenOf('cleo@example.com')
    const [door] = await doorsOf(token)

    const answer = await api().ask(unlock, { token, variables: { doorId: door!.id } })
    const log = await api().ask(
      `{ doorDecisions(orderBy: DECIDED_AT_DESC, first: 1) { nodes { isAllowed door { id } person { name } } } }`,
      { token },
    )

    expect(answer.data!.unlockDoor.result).toMatchObject({ isAllowed: true, rule: 'Members' })
    expect(log.data!.doorDecisions.nodes).toEqual([
      { isAllowed: true, door: { id: door!.id }, person: { name: 'Cleo Marsh' } },
    ])
  })

  test('a stranger is refused as for a door that is not there; only its organization learns more', async () => {
    const ada = await tokenOf('ada@example.com')
    const dina = await tokenOf('dina@example.com')
    const doorId = (await doorsOf(ada))[0]!.id

    const foreign = await api().ask(unlock, { token: dina, variables: { doorId } })
    const missing = await api().ask(unlock, {
      token: dina,
      variables: { doorId: '01900000-0000-7000-8000-000000000000' },
    })
    const { rows } = await withConnection(database().ownerUrl, (client) =>
      client.query(
        `select is_allowed
         from app_public.door_decisions
         join app_public.people on people.id = person_id
         where door_id = $1 and people.name = 'Dina Roth'`,
        [doorId],
      ),
    )

    expect(foreign.data!.unlockDoor.result.isAllowed).toBe(false)
    expect(foreign).toEqual(missing)
    expect(rows).toEqual([{ is_allowed: false }])
  })

  test('an anonymous caller may not even try', async () => {
    const { errors } = await api().ask(unlock, {
      variables: { doorId: '01900000-0000-7000-8000-000000000000' },
    })

    expect(errors?.[0]?.extensions?.code).toBe('FORBIDDEN')
  })

  test('the two studios of the demo do not see each other', async () => {
    const ada = await doorsOf(await tokenOf('ada@example.com'))
    const dina = await doorsOf(await tokenOf('dina@example.com'))

    expect(ada.map(({ name }) => name).sort()).toEqual(['Front door', 'Roof', 'Workshop'])
    expect(dina.map(({ name }) => name)).toEqual(['Gate'])
  })
})
