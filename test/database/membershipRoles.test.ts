import { beforeEach, describe, expect, test } from '@jest/globals'
import { useTransaction } from '../support/database.ts'
import { makeStudio, type Studio } from '../support/people.ts'
import { everybody, runAs } from './actors.ts'

const as = useTransaction()
let studio: Studio
beforeEach(async () => {
  studio = await makeStudio(as.owner)
})

describe('app_public.membership_roles', () => {
  test.each(everybody)('the %s sees every role', async (who) => {
    const rows = await runAs(as, studio, who)('select role from app_public.membership_roles order by role')

    expect(rows).toEqual([{ role: 'manager' }, { role: 'member' }, { role: 'owner' }])
  })

  test.each(everybody)('the %s cannot invent a role', async (who) => {
    const inventing = runAs(
      as,
      studio,
      who,
    )(`insert into app_public.membership_roles values ('king', 'All.')`)

    await expect(inventing).rejects.toMatchObject({ code: '42501' })
  })

  test.each(everybody)('the %s cannot reword a role', async (who) => {
    const rewording = runAs(as, studio, who)(`update app_public.membership_roles set description = 'All.'`)

    await expect(rewording).rejects.toMatchObject({ code: '42501' })
  })

  test.each(everybody)('the %s cannot delete a role', async (who) => {
    const deleting = runAs(as, studio, who)('delete from app_public.membership_roles')

    await expect(deleting).rejects.toMatchObject({ code: '42501' })
  })

  test('not even the database’s owner deletes a role that somebody has', async () => {
    const deleting = as.owner(`delete from app_public.membership_roles where role = 'member'`)

    // Postgres 18 calls it 23001, earlier ones 23503.
    await expect(deleting).rejects.toMatchObject({ code: expect.stringMatching(/^(23001|23503)$/) })
  })
})
