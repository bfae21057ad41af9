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
  'insert into app_public.doors (organization_id, office_id, name) values ($1, $2, $3) returning id'

describe('app_public.doors', () => {
  test.each(['owner', 'manager', 'member'] as const)(
    'the %s of its organization sees a door',
    async (who) => {
      const rows = await as.person(studio[who])('select name from app_public.doors')

      expect(rows).toEqual([{ name: 'Front' }])
    },
  )

  test('a stranger sees no door', async () => {
    expect(await as.person(studio.stranger)('select * from app_public.doors')).toEqual([])
  })

  test('an anonymous caller may not even ask', async () => {
    await expect(as.anonymous('select * from app_public.doors')).rejects.toMatchObject({ code: '42501' })
  })

  test.each(['owner', 'manager'] as const)('the %s adds a door', async (who) => {
    const run = as.person(studio[who])

    expect(await run(insert, [studio.organizationId, studio.officeId, 'Back'])).toHaveLength(1)
  })

  test.each(['member', 'stranger', 'anonymous caller'] as const)('the %s cannot add a door', async (who) => {
    const adding = runAs(as, studio, who)(insert, [studio.organizationId, studio.officeId, 'Back'])

    await expect(adding).rejects.toMatchObject({ code: '42501' })
  })

  test.each(['id', 'created_at', 'updated_at'])('a manager cannot choose its %s', async (column) => {
    const run = as.person(studio.manager)

    await expect(
      run(
        `insert into app_public.doors (organization_id, office_id, name, ${column}) values ($1, $2, 'Back', default)`,
        [studio.organizationId, studio.officeId],
      ),
    ).rejects.toMatchObject({ code: '42501' })
    await expect(run(`update app_public.doors set ${column} = default`)).rejects.toMatchObject({
      code: '42501',
    })
  })

  test('a manager cannot hang a door into another organization’s office', async () => {
    const adding = as.person(studio.stranger)(insert, [
      studio.strangerOrganizationId,
      studio.officeId,
      'Trap',
    ])

    await expect(adding).rejects.toMatchObject({ code: '23503' })
  })

  test.each([
    ['owner', 1],
    ['manager', 1],
    ['member', 0],
    ['stranger', 0],
  ] as const)('the %s renames %i doors', async (who, count) => {
    const rows = await as.person(studio[who])(`update app_public.doors set name = 'New' returning id`)

    expect(rows).toHaveLength(count)
  })

  test('an anonymous caller cannot rename a door', async () => {
    await expect(as.anonymous(`update app_public.doors set name = 'New'`)).rejects.toMatchObject({
      code: '42501',
    })
  })

  test.each([
    ['no', ''],
    ['101', 'x'.repeat(101)],
  ])('a manager cannot give it a name of %s characters', async (_, name) => {
    const adding = as.person(studio.manager)(insert, [studio.organizationId, studio.officeId, name])

    await expect(adding).rejects.toMatchObject({ code: '23514' })
  })

  test('a manager cannot move a door to another organization', async () => {
    const moving = as.person(studio.manager)('update app_public.doors set organization_id = $1', [
      studio.strangerOrganizationId,
    ])

    await expect(moving).rejects.toMatchObject({ code: '42501' })
  })

  test.each(everybody)('the %s cannot delete a door', async (who) => {
    await expect(runAs(as, studio, who)('delete from app_public.doors')).rejects.toMatchObject({
      code: '42501',
    })
  })
})
