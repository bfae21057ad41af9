import { beforeEach, describe, expect, test } from '@jest/globals'
import { useTransaction } from '../support/database.ts'
import { makeStudio, type Studio } from '../support/people.ts'

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

  test.each(['member', 'stranger'] as const)('a %s cannot add a door', async (who) => {
    const adding = as.person(studio[who])(insert, [studio.organizationId, studio.officeId, 'Back'])

    await expect(adding).rejects.toMatchObject({ code: '42501' })
  })

  test('a manager cannot give a door an id or a date of their own', async () => {
    const adding = as.person(studio.manager)(
      'insert into app_public.doors (organization_id, office_id, name, id) values ($1, $2, $3, gen_random_uuid())',
      [studio.organizationId, studio.officeId, 'Back'],
    )

    await expect(adding).rejects.toMatchObject({ code: '42501' })
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
    ['manager', 1],
    ['member', 0],
    ['stranger', 0],
  ] as const)('a %s renames %i doors', async (who, count) => {
    const rows = await as.person(studio[who])(`update app_public.doors set name = 'New' returning id`)

    expect(rows).toHaveLength(count)
  })

  test('a manager cannot move a door to another organization', async () => {
    const moving = as.person(studio.manager)('update app_public.doors set organization_id = $1', [
      studio.strangerOrganizationId,
    ])

    await expect(moving).rejects.toMatchObject({ code: '42501' })
  })

  test('nobody deletes a door, not even the owner of its organization', async () => {
    await expect(as.person(studio.owner)('delete from app_public.doors')).rejects.toMatchObject({
      code: '42501',
    })
  })
})
