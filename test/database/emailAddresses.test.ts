import { beforeEach, describe, expect, test } from '@jest/globals'
import { useTransaction } from '../support/database.ts'
import { makeStudio, type Studio } from '../support/people.ts'
import { everybody, runAs } from './actors.ts'

const as = useTransaction()
let studio: Studio
beforeEach(async () => {
  studio = await makeStudio(as.owner)
})

describe('app_public.email_addresses', () => {
  test.each([
    ['owner', 'olga@example.com'],
    ['manager', 'marc@example.com'],
    ['member', 'mia@example.com'],
    ['stranger', 'stan@example.com'],
  ] as const)('the %s sees their own address, and no colleague’s', async (who, address) => {
    const rows = await as.person(studio[who])('select address from app_public.email_addresses')

    expect(rows).toEqual([{ address }])
  })

  test('an anonymous caller may not even ask', async () => {
    await expect(as.anonymous('select * from app_public.email_addresses')).rejects.toMatchObject({
      code: '42501',
    })
  })

  test.each(everybody)('the %s cannot claim an address', async (who) => {
    const claiming = runAs(
      as,
      studio,
      who,
    )('insert into app_public.email_addresses (person_id, address) values ($1, $2)', [
      studio.member,
      'second@example.com',
    ])

    await expect(claiming).rejects.toMatchObject({ code: '42501' })
  })

  test.each(everybody)('the %s cannot change an address', async (who) => {
    const changing = runAs(
      as,
      studio,
      who,
    )(`update app_public.email_addresses set address = 'other@example.com'`)

    await expect(changing).rejects.toMatchObject({ code: '42501' })
  })

  test.each(everybody)('the %s cannot delete an address', async (who) => {
    const deleting = runAs(as, studio, who)('delete from app_public.email_addresses')

    await expect(deleting).rejects.toMatchObject({ code: '42501' })
  })

  test.each([
    ['in upper case', 'Mia2@example.com', '23514'],
    ['of 255 characters', `${'x'.repeat(243)}@example.com`, '23514'],
    ['of somebody else', 'stan@example.com', '23505'],
  ])('not even the database’s owner stores an address %s', async (_, address, code) => {
    const storing = as.owner('insert into app_public.email_addresses (person_id, address) values ($1, $2)', [
      studio.member,
      address,
    ])

    await expect(storing).rejects.toMatchObject({ code })
  })
})
