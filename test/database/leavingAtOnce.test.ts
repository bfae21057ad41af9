import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import pg from 'pg'
import { codeOf } from '../../src/fault.ts'
import { makeDatabase, type TestDatabase } from '../support/database.ts'
import { eventually } from '../support/eventually.ts'
import { makePerson } from '../support/people.ts'
import { startSession } from '../support/sessions.ts'

/** A connection on which somebody acts; the owner in rights, so that only what is meant to stands in the way. */
type Actor = {
  client: pg.Client
  run: (sql: string, values?: unknown[]) => Promise<Record<string, unknown>[]>
}

let database: TestDatabase
let [first, second]: Actor[] = []
let count = 0
let person: string
beforeAll(async () => {
  database = await makeDatabase()
  ;[first, second] = await Promise.all([connect(), connect()])
})
afterAll(async () => {
  await Promise.all([first!.client.end(), second!.client.end()])
  await database.drop()
})
beforeEach(async () => {
  person = await makePerson(first!.run, `Ada${count++}`)
})

async function connect(): Promise<Actor> {
  const client = new pg.Client({ connectionString: database.ownerUrl })
  await client.connect()
  return {
    client,
    run: async (sql, values = []) => (await client.query<Record<string, unknown>>(sql, values)).rows,
  }
}

const become = async ({ run }: Actor, id: string) =>
  run(`select set_config('plinth.person_id', $1, false), set_config('plinth.session_id', $2, false)`, [
    id,
    await startSession(first!.run, id),
  ])

const leave = 'select app_public.delete_account() as result'

/** Runs a statement in a transaction, which goes on and ends once the other one waits for it: what the other one gets. */
async function whileIn(
  statement: string,
  other: string,
  { values = [], goesOn = 'select' }: { values?: unknown[]; goesOn?: string } = {},
): Promise<unknown> {
  await first!.run('begin')
  await first!.run(statement)
  const answer = second!.run(other, values).catch(codeOf)
  const { processID } = second!.client as unknown as { processID: number }
  await eventually(async () =>
    expect(
      await first!.run('select wait_event_type from pg_stat_activity where pid = $1', [processID]),
    ).toEqual([{ wait_event_type: 'Lock' }]),
  )
  await first!.run(goesOn)
  await first!.run('commit')
  return answer
}

const livingTokens = () => first!.run('select from app_private.tokens where person_id = $1', [person])

describe('while somebody deletes their account', () => {
  beforeEach(async () => {
    await become(first!, person)
    await become(second!, person)
  })

  test('doing so again waits, and changes nothing', async () => {
    expect(await whileIn(leave, leave)).toEqual([{ result: false }])
    expect(
      await first!.run('select from app_private.departures where person_id = $1', [person]),
    ).toHaveLength(1)
  })

  test('signing in waits, and is refused', async () => {
    expect(await whileIn(leave, 'select app_private.start_session($1)', { values: [person] })).toBe('P0001')
    expect(await livingTokens()).toEqual([])
  })

  test('making an organization waits, and is refused', async () => {
    expect(await whileIn(leave, `select app_public.create_organization('Late')`)).toBe('P0001')
    expect(await first!.run(`select from app_public.organizations where name = 'Late'`)).toEqual([])
  })

  test('making a key waits, and is refused', async () => {
    const making = `select app_public.create_api_key('Late', true, now() + interval '1 day')`

    expect(await whileIn(leave, making)).toBe('P0001')
    expect(await livingTokens()).toEqual([])
  })

  test('an export that is asked for goes with them', async () => {
    await whileIn(leave, 'select app_public.request_account_export()')
    await first!.run('delete from app_public.people where id = $1', [person])

    expect(await first!.run('select from app_public.account_exports where person_id = $1', [person])).toEqual(
      [],
    )
  })
})

test('who signs in while they delete their account elsewhere is signed out by it', async () => {
  await become(second!, person)

  await whileIn(`select app_private.start_session('${person}')`, leave)

  expect(await livingTokens()).toEqual([])
})

describe('two owners of one organization', () => {
  test.each([true, false])('cannot both leave at once; with another member there: %s', async (hasMember) => {
    const other = await makePerson(first!.run, `Bob${count++}`)
    await become(first!, person)
    await become(second!, other)
    const [made] = await first!.run(`select (app_public.create_organization('Shared')).id`)
    const join = 'insert into app_public.memberships (organization_id, person_id, role) values ($1, $2, $3)'
    await first!.run(join, [made!.id, other, 'owner'])
    if (hasMember) await first!.run(join, [made!.id, await makePerson(first!.run, `Cyd${count++}`), 'member'])

    const answer = await whileIn(leave, leave)

    // The second one is the only owner by then: refused while there is a member, else the last to turn off the light.
    expect(answer).toEqual(hasMember ? 'P0001' : [{ result: true }])
    expect(
      await first!.run(
        'select role from app_public.memberships where organization_id = $1 order by role desc',
        [made!.id],
      ),
    ).toEqual(hasMember ? [{ role: 'owner' }, { role: 'member' }] : [])
  })
})

test('an owner whose role is taken in the meantime leaves as the member that they are by then', async () => {
  const other = await makePerson(first!.run, `Dan${count++}`)
  await become(first!, other)
  await become(second!, person)
  const [made] = await second!.run(`select (app_public.create_organization('Shared')).id`)
  const join = 'insert into app_public.memberships (organization_id, person_id, role) values ($1, $2, $3)'
  await first!.run(join, [made!.id, other, 'owner'])

  // A change of owners writes the membership and then the organization; the other way round they would lock each other out.
  const answer = await whileIn(
    `update app_public.memberships set role = 'member' where person_id = '${person}'`,
    leave,
    { goesOn: `update app_public.organizations set name = name where id = '${made!.id as string}'` },
  )

  expect(answer).toEqual([{ result: true }])
})

test('exports that somebody asks for twice at once are one', async () => {
  await become(first!, person)
  await become(second!, person)
  const request = 'select id from app_public.request_account_export()'

  const answer = await whileIn(request, request)

  expect(answer).toEqual(
    await first!.run('select id from app_public.account_exports where person_id = $1', [person]),
  )
  expect(answer).toHaveLength(1)
})
