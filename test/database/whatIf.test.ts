import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, test } from '@jest/globals'
import { useTransaction } from '../support/database.ts'
import { makeStudio, type Studio } from '../support/people.ts'

const as = useTransaction()
let studio: Studio
beforeEach(async () => {
  studio = await makeStudio(as.owner)
})

describe('app_public.what_if', () => {
  const ask = 'select * from app_public.what_if($1, $2)'
  const noon = '2031-01-01 12:00Z'

  test('a member learns when a door would open for them, and nothing is recorded', async () => {
    await as.owner(`update app_public.access_rules set ends_at = '12:00'`)

    const before = await as.person(studio.member)(ask, [studio.doorId, '2031-01-01 11:59Z'])
    const after = await as.person(studio.member)(ask, [studio.doorId, noon])

    expect(before).toEqual([{ is_allowed: true, rule: 'Members', reason: expect.any(String) }])
    expect(after).toEqual([{ is_allowed: false, rule: null, reason: expect.any(String) }])
    expect(await as.owner('select from app_public.door_decisions')).toEqual([])
  })

  test('a member asks about now when they name no moment', async () => {
    const rows = await as.person(studio.member)('select is_allowed from app_public.what_if($1)', [
      studio.doorId,
    ])

    expect(rows).toEqual([{ is_allowed: true }])
  })

  test('each asks for themselves: a rule for managers is none for members', async () => {
    await as.owner(`update app_public.access_rules set role = 'manager'`)

    expect(await as.person(studio.manager)(ask, [studio.doorId, noon])).toMatchObject([{ is_allowed: true }])
    expect(await as.person(studio.member)(ask, [studio.doorId, noon])).toMatchObject([{ is_allowed: false }])
  })

  test('a stranger cannot tell a door of others from one that does not exist', async () => {
    const atDoor = await as.person(studio.stranger)(ask, [studio.doorId, noon])

    expect(atDoor).toMatchObject([{ is_allowed: false }])
    expect(await as.person(studio.stranger)(ask, [randomUUID(), noon])).toEqual(atDoor)
  })

  test('a moment beyond all calendars is refused', async () => {
    await as.owner(`update app_public.offices set time_zone = 'Pacific/Kiritimati'`)

    await expect(
      as.person(studio.member)(ask, [studio.doorId, '294276-12-31 23:59:59Z']),
    ).rejects.toMatchObject({ code: '22008' })
  })

  test('an anonymous caller may not even ask', async () => {
    await expect(as.anonymous(ask, [studio.doorId, noon])).rejects.toMatchObject({ code: '42501' })
  })
})
