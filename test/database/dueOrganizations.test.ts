import { beforeEach, describe, expect, test } from '@jest/globals'
import { useTransaction } from '../support/database.ts'
import { makeStudio, type Studio } from '../support/people.ts'
import { everybody, runAs } from './actors.ts'

const as = useTransaction()
let studio: Studio
beforeEach(async () => {
  studio = await makeStudio(as.owner)
})

describe('app_private.delete_due_organizations', () => {
  const run = () => as.owner('select app_private.delete_due_organizations()::int as count')
  const due = (interval: string) =>
    as.owner('update app_public.organizations set deletes_at = now() + $2::interval where id = $1', [
      studio.organizationId,
      interval,
    ])

  test('deletes what is due with all that belongs to it, and leaves people and others be', async () => {
    await as.person(studio.member)('select app_public.unlock_door($1)', [studio.doorId])
    await due('0')

    expect(await run()).toEqual([{ count: 1 }])
    expect(await run()).toEqual([{ count: 0 }])
    expect(await as.owner('select name from app_public.organizations')).toEqual([{ name: 'Elsewhere' }])
    expect(await as.owner('select id from app_public.people')).toHaveLength(4)
  })

  test.each([
    ['that has a second left', '1 second'],
    ['whose end was not decided', null],
  ])('leaves one %s', async (_, interval) => {
    if (interval !== null) await due(interval)

    expect(await run()).toEqual([{ count: 0 }])
  })

  test.each(everybody)('the %s may not call it', async (who) => {
    const calling = runAs(as, studio, who)('select app_private.delete_due_organizations()')

    await expect(calling).rejects.toMatchObject({
      code: '42501',
    })
  })
})
