import { beforeEach, describe, expect, test } from '@jest/globals'
import { useTransaction } from '../support/database.ts'
import { makeStudio, type Studio } from '../support/people.ts'
import { everybody, runAs } from './actors.ts'

const as = useTransaction()
let studio: Studio
beforeEach(async () => {
  studio = await makeStudio(as.owner)
})

const insert =
  'insert into app_public.offices (organization_id, name, time_zone) values ($1, $2, $3) returning name'

describe('app_public.offices', () => {
  test.each(['owner', 'manager', 'member'] as const)(
    'the %s of its organization sees an office',
    async (who) => {
      const rows = await as.person(studio[who])('select name, time_zone from app_public.offices')

      expect(rows).toEqual([{ name: 'Main', time_zone: 'UTC' }])
    },
  )

  test('a stranger sees no office', async () => {
    expect(await as.person(studio.stranger)('select * from app_public.offices')).toEqual([])
  })

  test('an anonymous caller may not even ask', async () => {
    await expect(as.anonymous('select * from app_public.offices')).rejects.toMatchObject({ code: '42501' })
  })

  test.each(['owner', 'manager'] as const)('the %s adds an office', async (who) => {
    const rows = await as.person(studio[who])(insert, [studio.organizationId, 'Annex', 'Europe/Berlin'])

    expect(rows).toEqual([{ name: 'Annex' }])
  })

  test.each(['member', 'stranger', 'anonymous caller'] as const)(
    'the %s cannot add an office',
    async (who) => {
      const adding = runAs(as, studio, who)(insert, [studio.organizationId, 'Annex', 'UTC'])

      await expect(adding).rejects.toMatchObject({ code: '42501' })
    },
  )

  test.each(['id', 'created_at', 'updated_at'])('a manager cannot choose its %s', async (column) => {
    const run = as.person(studio.manager)

    await expect(
      run(`insert into app_public.offices (organization_id, name, ${column}) values ($1, 'Annex', default)`, [
        studio.organizationId,
      ]),
    ).rejects.toMatchObject({ code: '42501' })
    await expect(run(`update app_public.offices set ${column} = default`)).rejects.toMatchObject({
      code: '42501',
    })
  })

  test.each([
    ['owner', 1],
    ['manager', 1],
    ['member', 0],
    ['stranger', 0],
  ] as const)('the %s renames %i offices', async (who, count) => {
    const rows = await as.person(studio[who])(`update app_public.offices set name = 'New' returning id`)

    expect(rows).toHaveLength(count)
  })

  test('an anonymous caller cannot rename an office', async () => {
    await expect(as.anonymous(`update app_public.offices set name = 'New'`)).rejects.toMatchObject({
      code: '42501',
    })
  })

  test('a manager cannot move an office to another organization', async () => {
    const moving = as.person(studio.manager)('update app_public.offices set organization_id = $1', [
      studio.strangerOrganizationId,
    ])

    await expect(moving).rejects.toMatchObject({ code: '42501' })
  })

  test.each([
    ['no', ''],
    ['only blank', '   '],
    ['101', 'x'.repeat(101)],
  ])('a manager cannot give it a name of %s characters', async (_, name) => {
    const adding = as.person(studio.manager)(insert, [studio.organizationId, name, 'UTC'])

    await expect(adding).rejects.toMatchObject({ code: '23514' })
  })

  test.each(everybody)('the %s cannot delete an office', async (who) => {
    await expect(runAs(as, studio, who)('delete from app_public.offices')).rejects.toMatchObject({
      code: '42501',
    })
  })
})

describe('the time zone of an office', () => {
  const move = 'update app_public.offices set time_zone = $1 returning time_zone'

  test.each(['Europe/Berlin', 'America/Argentina/Buenos_Aires', 'UTC'])('a manager sets %s', async (zone) => {
    expect(await as.person(studio.manager)(move, [zone])).toEqual([{ time_zone: zone }])
  })

  test.each(['Europe/Atlantis', 'europe/berlin', '+02:00', ''])('a manager cannot set %j', async (zone) => {
    await expect(as.person(studio.manager)(move, [zone])).rejects.toMatchObject({
      code: '22023',
      column: 'time_zone',
    })
  })

  test('a manager cannot add an office on another planet', async () => {
    const adding = as.person(studio.manager)(insert, [studio.organizationId, 'Base', 'Mars/Olympus'])

    await expect(adding).rejects.toMatchObject({ code: '22023', column: 'time_zone' })
  })

  test('not even the database’s owner stores a wrong one', async () => {
    await expect(as.owner(move, ['Europe/Atlantis'])).rejects.toMatchObject({ code: '22023' })
  })
})
