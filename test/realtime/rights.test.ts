import { describe, expect, test } from '@jest/globals'
import { told, useLiveStudio } from '../support/realtime.ts'

const { run, studio, listenAs, signIn, api } = useLiveStudio()

const doors = 'subscription { doorChanged { event id cursor door { name office { name } } } }'

const addDoor = async (name: string, organizationId = studio().organizationId): Promise<string> => {
  const [office] = await run(
    `insert into app_public.offices (organization_id, name) values ($1, 'Annex') returning id`,
    [organizationId],
  )
  const [door] = await run(
    'insert into app_public.doors (organization_id, office_id, name) values ($1, $2, $3) returning id',
    [organizationId, office!.id, name],
  )
  return door!.id as string
}

describe('doorChanged', () => {
  test('a member is told of a door that is added, changed and removed, with what belongs to it', async () => {
    const member = await listenAs(studio().member, doors)
    await member.until(1)

    const id = await addDoor('Back')
    await run(`update app_public.doors set name = 'Rear' where id = $1`, [id])
    await member.until(3)
    await run('delete from app_public.doors where id = $1', [id])

    const [, ...events] = await member.until(4)
    expect(events.map(({ cursor: _, ...event }) => event)).toEqual([
      // The row as it is when it is read, which may be later than the change.
      {
        event: 'INSERTED',
        id,
        door: { name: expect.stringMatching(/Back|Rear/), office: { name: 'Annex' } },
      },
      { event: 'UPDATED', id, door: { name: 'Rear', office: { name: 'Annex' } } },
      { event: 'DELETED', id, door: null },
    ])
  })

  test('it begins by saying so, with a cursor and no row', async () => {
    const member = await listenAs(studio().member, doors)

    const [started] = await member.until(1)

    expect(started).toEqual({ event: 'STARTED', cursor: expect.any(String), id: null, door: null })
  })

  test('a stranger is not told of anything there', async () => {
    const stranger = await listenAs(studio().stranger, doors)
    const member = await listenAs(studio().member, doors)
    await Promise.all([stranger, member].map((subscriber) => subscriber.until(1)))

    const id = await addDoor('Secret')
    await run(`update app_public.doors set name = 'Hidden' where id = $1`, [id])
    await run('delete from app_public.doors where id = $1', [id])
    // What they may see comes in the same order, so that nothing can be still on its way.
    await addDoor('Own', studio().strangerOrganizationId)
    const shown = await stranger.until(2)
    await member.until(4)

    expect(shown.slice(1).map(told)).toEqual([['INSERTED', 'Own']])
  })

  test('an ex-member is told of nothing that happens from then on', async () => {
    const { organizationId, strangerOrganizationId } = studio()
    const [person] = await run(`insert into app_public.people (name) values ('Max') returning id`)
    const join = (organization: string) =>
      run(`insert into app_public.memberships (organization_id, person_id, role) values ($1, $2, 'member')`, [
        organization,
        person!.id,
      ])
    await join(organizationId)
    await join(strangerOrganizationId)
    const leaver = await listenAs(person!.id as string, doors)
    await leaver.until(1)
    const before = await addDoor('Before')
    await leaver.until(2)

    await run('delete from app_public.memberships where person_id = $1 and organization_id = $2', [
      person!.id,
      organizationId,
    ])
    await addDoor('After')
    await run('delete from app_public.doors where id = $1', [before])
    await addDoor('Theirs', strangerOrganizationId)

    const events = await leaver.until(3)
    expect(events.map(told)).toEqual([
      ['STARTED', null],
      ['INSERTED', 'Before'],
      ['INSERTED', 'Theirs'],
    ])
  })

  test('a door that changes hands leaves those who had it and enters with the others', async () => {
    const id = await addDoor('Moving')
    const [member, stranger] = [
      await listenAs(studio().member, doors),
      await listenAs(studio().stranger, doors),
    ]
    await Promise.all([member.until(1), stranger.until(1)])

    await run(
      `with office as (
         insert into app_public.offices (organization_id, name) values ($1, 'New') returning organization_id, id
       )
       update app_public.doors set (organization_id, office_id) = (select * from office) where id = $2`,
      [studio().strangerOrganizationId, id],
    )

    expect((await member.until(2))[1]).toMatchObject({ event: 'LEFT', id, door: null })
    expect((await stranger.until(2))[1]).toMatchObject({ event: 'ENTERED', id, door: { name: 'Moving' } })
  })

  test('with an id it tells of that door alone, however the id is written', async () => {
    const [one, other] = [await addDoor('One'), await addDoor('Other')]
    const query = 'subscription ($id: UUID) { doorChanged(id: $id) { event id door { name } } }'
    const member = await listenAs(studio().member, query, { id: one.toUpperCase() })
    await member.until(1)

    await run(`update app_public.doors set name = 'x' where id = $1`, [other])
    await run(`update app_public.doors set name = 'y' where id = $1`, [one])

    expect((await member.until(2)).map(told)).toEqual([
      ['STARTED', null],
      ['UPDATED', 'y'],
    ])
  })

  test('what is rolled back is not told', async () => {
    const member = await listenAs(studio().member, doors)
    await member.until(1)

    await run('begin')
    await addDoor('Undone')
    await run('rollback')
    await addDoor('Done')

    expect((await member.until(2)).slice(1).map(told)).toEqual([['INSERTED', 'Done']])
  })

  test('who has the whole table emptied under them is told to begin anew', async () => {
    const manager = await listenAs(studio().manager, 'subscription { membershipChanged { event } }')
    await manager.until(1)

    await run(
      'begin; create temporary table kept as table app_public.memberships; truncate app_public.memberships cascade;',
    )
    await run('insert into app_public.memberships select * from kept; commit')
    await manager.ended

    expect(manager.errors[0]?.extensions).toMatchObject({ code: 'RELOAD' })
  })
})

describe('doorDecisionChanged', () => {
  test('a member is told of their own attempts, a manager of everybody’s', async () => {
    const query = 'subscription { doorDecisionChanged { event doorDecision { person { name } } } }'
    const [member, manager] = [
      await listenAs(studio().member, query),
      await listenAs(studio().manager, query),
    ]
    await Promise.all([member.until(1), manager.until(1)])
    const unlock = 'mutation ($id: UUID!) { unlockDoor(input: { doorId: $id }) { result { isAllowed } } }'
    const open = async (who: string) =>
      api().ask(unlock, { variables: { id: studio().doorId }, token: await signIn(who) })

    await open(studio().owner)
    await open(studio().member)

    const names = (events: Record<string, any>[]) =>
      events.slice(1).map(({ doorDecision }) => doorDecision.person.name as string)
    expect(names(await manager.until(3))).toEqual(['Olga', 'Mia'])
    expect(names(await member.until(2))).toEqual(['Mia'])
  })
})

test('a subscription by POST is refused, for it would have no end', async () => {
  const { status, errors } = await api().ask(doors, { token: await signIn(studio().member) })

  expect(status).toBe(400)
  expect(errors).toHaveLength(1)
})

test.each(['plinth_anonymous', 'plinth_person', 'plinth_device'])(
  '%s has no right on the log',
  async (role) => {
    const rights = await run(
      `select has_schema_privilege($1, 'plinth_realtime', 'usage') as schema,
       has_table_privilege($1, 'plinth_realtime.changes', 'select, insert, update, delete') as log,
       has_function_privilege($1, 'plinth_realtime.purge(interval)', 'execute') as purge`,
      [role],
    )

    expect(rights).toEqual([{ schema: false, log: false, purge: false }])
  },
)
