import { beforeEach, describe, expect, test } from '@jest/globals'
import { useTransaction } from '../support/database.ts'
import { makeStudio, type Studio } from '../support/people.ts'
import { everybody, runAs } from './actors.ts'

const as = useTransaction()
let studio: Studio
beforeEach(async () => {
  studio = await makeStudio(as.owner)
})

const names = 'select name from app_public.people order by name'
const rename = 'update app_public.people set name = $2 where id = $1 returning id'

describe('app_public.people', () => {
  test.each(['owner', 'manager', 'member'] as const)('the %s sees their colleagues', async (who) => {
    const rows = await as.person(studio[who])(names)

    expect(rows).toEqual([{ name: 'Marc' }, { name: 'Mia' }, { name: 'Olga' }])
  })

  test('a stranger sees themselves alone', async () => {
    expect(await as.person(studio.stranger)(names)).toEqual([{ name: 'Stan' }])
  })

  test('an anonymous caller may ask and sees nobody', async () => {
    expect(await as.anonymous(names)).toEqual([])
  })

  test('a caller with the role of a person but without an id sees nobody', async () => {
    expect(await as.person('')(names)).toEqual([])
  })

  test('a member who was removed is no colleague any more', async () => {
    await as.owner('delete from app_public.memberships where person_id = $1', [studio.member])

    expect(await as.person(studio.member)(names)).toEqual([{ name: 'Mia' }])
    expect(await as.person(studio.owner)(names)).toEqual([{ name: 'Marc' }, { name: 'Olga' }])
  })

  test.each(everybody)('the %s cannot insert a person', async (who) => {
    const adding = runAs(as, studio, who)(`insert into app_public.people (name) values ('Eve')`)

    await expect(adding).rejects.toMatchObject({ code: '42501' })
  })

  test('a person renames themselves, and nobody else along the way', async () => {
    const renamed = await as.person(studio.member)(`update app_public.people set name = 'Maria' returning id`)

    expect(renamed).toEqual([{ id: studio.member }])
    expect(await as.owner(names)).toEqual([
      { name: 'Marc' },
      { name: 'Maria' },
      { name: 'Olga' },
      { name: 'Stan' },
    ])
  })

  test.each(['owner', 'manager', 'stranger'] as const)('the %s renames no other person', async (who) => {
    expect(await as.person(studio[who])(rename, [studio.member, 'Mud'])).toEqual([])
  })

  test('an anonymous caller cannot rename anybody', async () => {
    await expect(as.anonymous(rename, [studio.member, 'Mud'])).rejects.toMatchObject({ code: '42501' })
  })

  test.each(['id', 'created_at', 'updated_at'])('a person cannot set their own %s', async (column) => {
    const setting = as.person(studio.member)(`update app_public.people set ${column} = default`)

    await expect(setting).rejects.toMatchObject({ code: '42501' })
  })

  test.each([
    ['no', ''],
    ['only blank', '   '],
    ['101', 'x'.repeat(101)],
  ])('a person cannot take a name of %s characters', async (_, name) => {
    const renaming = as.person(studio.member)(rename, [studio.member, name])

    await expect(renaming).rejects.toMatchObject({ code: '23514' })
  })

  test.each(everybody)('the %s cannot delete a person, not even themselves', async (who) => {
    await expect(runAs(as, studio, who)('delete from app_public.people')).rejects.toMatchObject({
      code: '42501',
    })
  })

  test('a person whom the database’s owner deletes leaves nothing behind', async () => {
    await as.owner('select app_private.start_session($1)', [studio.member])

    await as.owner('delete from app_public.people where id = $1', [studio.member])

    const left = await as.owner(
      `select 'address' from app_public.email_addresses where person_id = $1
       union all select 'session' from app_public.sessions where person_id = $1
       union all select 'membership' from app_public.memberships where person_id = $1`,
      [studio.member],
    )
    expect(left).toEqual([])
  })
})

describe('app_public.current_person', () => {
  test('a person gets themselves', async () => {
    const rows = await as.person(studio.member)('select name from app_public.current_person()')

    expect(rows).toEqual([{ name: 'Mia' }])
  })

  test('an anonymous caller gets null', async () => {
    const rows = await as.anonymous('select app_public.current_person() is null as is_nobody')

    expect(rows).toEqual([{ is_nobody: true }])
  })
})
