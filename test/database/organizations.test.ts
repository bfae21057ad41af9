import { beforeEach, describe, expect, test } from '@jest/globals'
import { useTransaction } from '../support/database.ts'
import { makeStudio, type Studio } from '../support/people.ts'
import { everybody, runAs } from './actors.ts'

const as = useTransaction()
let studio: Studio
beforeEach(async () => {
  studio = await makeStudio(as.owner)
})

describe('app_public.organizations', () => {
  test.each([
    ['owner', 'Studio'],
    ['manager', 'Studio'],
    ['member', 'Studio'],
    ['stranger', 'Elsewhere'],
  ] as const)('the %s sees their own organization alone', async (who, name) => {
    expect(await as.person(studio[who])('select name from app_public.organizations')).toEqual([{ name }])
  })

  test('an anonymous caller may not even ask', async () => {
    await expect(as.anonymous('select * from app_public.organizations')).rejects.toMatchObject({
      code: '42501',
    })
  })

  test.each(everybody)('the %s cannot insert an organization, which would have no owner', async (who) => {
    const adding = runAs(as, studio, who)(`insert into app_public.organizations (name) values ('Bare')`)

    await expect(adding).rejects.toMatchObject({ code: '42501' })
  })

  test.each([
    ['owner', 1],
    ['manager', 1],
    ['member', 0],
    ['stranger', 0],
  ] as const)('the %s of an organization renames %i of it', async (who, count) => {
    const renamed = await as.person(studio[who])(
      `update app_public.organizations set name = 'New' where id = $1 returning id`,
      [studio.organizationId],
    )

    expect(renamed).toHaveLength(count)
  })

  test('an anonymous caller cannot rename an organization', async () => {
    const renaming = as.anonymous(`update app_public.organizations set name = 'New'`)

    await expect(renaming).rejects.toMatchObject({ code: '42501' })
  })

  test.each(['id', 'created_at', 'updated_at'])('an owner cannot set its %s', async (column) => {
    const setting = as.person(studio.owner)(`update app_public.organizations set ${column} = default`)

    await expect(setting).rejects.toMatchObject({ code: '42501' })
  })

  test.each([
    ['no', ''],
    ['only blank', '   '],
    ['101', 'x'.repeat(101)],
  ])('an owner cannot give it a name of %s characters', async (_, name) => {
    const renaming = as.person(studio.owner)('update app_public.organizations set name = $1', [name])

    await expect(renaming).rejects.toMatchObject({ code: '23514' })
  })

  test.each(everybody)('the %s cannot delete an organization', async (who) => {
    await expect(runAs(as, studio, who)('delete from app_public.organizations')).rejects.toMatchObject({
      code: '42501',
    })
  })

  test('an organization that the database’s owner deletes takes all that is its own along', async () => {
    await as.person(studio.member)('select app_public.unlock_door($1)', [studio.doorId])

    await as.owner('delete from app_public.organizations where id = $1', [studio.organizationId])

    const left = await as.owner(
      `select 'membership' from app_public.memberships where organization_id = $1
       union all select 'office' from app_public.offices where organization_id = $1
       union all select 'door' from app_public.doors where organization_id = $1
       union all select 'decision' from app_public.door_decisions where organization_id = $1`,
      [studio.organizationId],
    )
    expect(left).toEqual([])
    expect(await as.owner('select name from app_public.organizations')).toEqual([{ name: 'Elsewhere' }])
    expect(await as.owner('select id from app_public.people')).toHaveLength(4)
  })
})

describe('app_public.create_organization', () => {
  const create = 'select id, name from app_public.create_organization($1)'

  test('whoever creates an organization is its owner, and its only member', async () => {
    const [organization] = await as.person(studio.stranger)(create, ['Second'])

    const members = await as.owner(
      'select person_id, role from app_public.memberships where organization_id = $1',
      [organization!.id],
    )
    expect(members).toEqual([{ person_id: studio.stranger, role: 'owner' }])
  })

  test('its owner sees and renames it; others do not see it', async () => {
    const [organization] = await as.person(studio.stranger)(create, ['Second'])

    const renamed = await as.person(studio.stranger)(
      `update app_public.organizations set name = 'Third' where id = $1 returning name`,
      [organization!.id],
    )
    const seen = await as.person(studio.owner)('select name from app_public.organizations')
    expect(renamed).toEqual([{ name: 'Third' }])
    expect(seen).toEqual([{ name: 'Studio' }])
  })

  test('blanks around a name are not part of it', async () => {
    const rows = await as.person(studio.stranger)(create, [`  ${'x'.repeat(100)}  `])

    expect(rows).toMatchObject([{ name: 'x'.repeat(100) }])
  })

  test.each([
    ['no characters', '', '23514'],
    ['blanks', '   ', '23514'],
    ['101 characters', 'x'.repeat(101), '23514'],
    ['null', null, '23502'],
  ])('a name of %s is refused, and leaves nothing behind', async (_, name, code) => {
    await expect(as.person(studio.stranger)(create, [name])).rejects.toMatchObject({ code })

    expect(await as.owner('select id from app_public.organizations')).toHaveLength(2)
  })

  test('an anonymous caller cannot create an organization', async () => {
    await expect(as.anonymous(create, ['Second'])).rejects.toMatchObject({ code: '42501' })
  })

  test('a caller without an id cannot create one that nobody owns', async () => {
    await expect(as.person('')(create, ['Second'])).rejects.toMatchObject({ code: '23502' })

    expect(await as.owner('select id from app_public.organizations')).toHaveLength(2)
  })
})
