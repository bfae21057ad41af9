import { beforeEach, describe, expect, test } from '@jest/globals'
import { useTransaction } from '../support/database.ts'
import { makeStudio, type Studio } from '../support/people.ts'
import { everybody, runAs } from './actors.ts'

const as = useTransaction()
let studio: Studio
beforeEach(async () => {
  studio = await makeStudio(as.owner)
  for (const who of ['manager', 'member', 'stranger'] as const) {
    await as.person(studio[who])('select app_public.unlock_door($1)', [studio.doorId])
  }
})

const log = `select people.name, is_allowed from app_public.door_decisions
  join app_public.people on people.id = person_id order by name`

describe('app_public.door_decisions', () => {
  test.each(['owner', 'manager'] as const)('the %s sees each decision of their organization', async (who) => {
    const rows = await as.person(studio[who])('select person_id from app_public.door_decisions')

    const seen = rows.map((row) => row.person_id)
    expect(new Set(seen)).toEqual(new Set([studio.manager, studio.member, studio.stranger]))
    expect(seen).toHaveLength(3)
  })

  test('a manager knows their colleagues by name in it, and not the stranger', async () => {
    expect(await as.person(studio.manager)(log)).toEqual([
      { name: 'Marc', is_allowed: true },
      { name: 'Mia', is_allowed: true },
    ])
  })

  test('a member sees their own alone', async () => {
    const rows = await as.person(studio.member)('select person_id from app_public.door_decisions')

    expect(rows).toEqual([{ person_id: studio.member }])
  })

  test('a stranger does not see that their attempt was recorded', async () => {
    expect(await as.person(studio.stranger)('select * from app_public.door_decisions')).toEqual([])
  })

  test('a member who was removed does not see their own any more, and the log keeps it', async () => {
    await as.owner('delete from app_public.memberships where person_id = $1', [studio.member])

    expect(await as.person(studio.member)('select * from app_public.door_decisions')).toEqual([])
    expect(await as.person(studio.owner)('select * from app_public.door_decisions')).toHaveLength(3)
  })

  test('an anonymous caller may not even ask', async () => {
    await expect(as.anonymous('select * from app_public.door_decisions')).rejects.toMatchObject({
      code: '42501',
    })
  })

  test.each(everybody)('the %s cannot write into the log', async (who) => {
    const writing = runAs(
      as,
      studio,
      who,
    )(
      `insert into app_public.door_decisions (organization_id, door_id, person_id, is_allowed, reason)
       values ($1, $2, $3, true, 'I say so.')`,
      [studio.organizationId, studio.doorId, studio.member],
    )

    await expect(writing).rejects.toMatchObject({ code: '42501' })
  })

  test.each(everybody)('the %s cannot rewrite the log', async (who) => {
    const rewriting = runAs(as, studio, who)('update app_public.door_decisions set is_allowed = true')

    await expect(rewriting).rejects.toMatchObject({ code: '42501' })
  })

  test.each(everybody)('the %s cannot delete from the log', async (who) => {
    const deleting = runAs(as, studio, who)('delete from app_public.door_decisions')

    await expect(deleting).rejects.toMatchObject({ code: '42501' })
  })

  test('not even the database’s owner rewrites the log', async () => {
    const rewriting = as.owner('update app_public.door_decisions set is_allowed = not is_allowed')

    await expect(rewriting).rejects.toMatchObject({ code: 'IMMUT' })
  })

  test.each(['delete from app_public.door_decisions', 'truncate app_public.door_decisions'])(
    'not even the database’s owner may %s',
    async (statement) => {
      await expect(as.owner(statement)).rejects.toMatchObject({ code: 'IMMUT' })
    },
  )

  test('the end of an organization ends its log', async () => {
    await as.owner('delete from app_public.organizations where id = $1', [studio.organizationId])

    expect(await as.owner('select id from app_public.door_decisions')).toEqual([])
  })

  test.each([
    ['a door', 'delete from app_public.doors'],
    ['the office of a door', 'delete from app_public.offices'],
  ])('not even the database’s owner deletes %s that the log speaks of', async (_, statement) => {
    // Postgres 18 calls a restricted one 23001, earlier ones 23503.
    await expect(as.owner(statement)).rejects.toMatchObject({
      code: expect.stringMatching(/^(23001|23503)$/),
    })
  })

  test('the end of a person leaves their decisions to nobody', async () => {
    await as.owner(`delete from app_public.people where name = 'Mia'`)

    expect(
      await as.owner('select person_id from app_public.door_decisions where person_id is null'),
    ).toHaveLength(1)
    expect(await as.owner('select person_id from app_public.door_decisions')).toHaveLength(3)
  })

  test('a decision cannot be about a door of another organization', async () => {
    const writing = as.owner(
      `insert into app_public.door_decisions (organization_id, door_id, person_id, is_allowed, reason)
       values ($1, $2, $3, false, 'No.')`,
      [studio.strangerOrganizationId, studio.doorId, studio.stranger],
    )

    await expect(writing).rejects.toMatchObject({ code: '23503' })
  })
})

describe('app_private.tg__append_only', () => {
  test.each(['update', 'delete'])(
    'refuses each %s of a table that it guards, by whomever',
    async (command) => {
      await as.owner(
        `create table app_private.records (id int);
       insert into app_private.records values (1);
       create trigger _200_append_only before ${command} on app_private.records
         for each row execute function app_private.tg__append_only()`,
      )
      const statement =
        command === 'update' ? 'update app_private.records set id = 2' : 'delete from app_private.records'

      await expect(as.owner(statement)).rejects.toMatchObject({ code: 'IMMUT' })

      expect(await as.owner('select id from app_private.records')).toEqual([{ id: 1 }])
    },
  )
})
