import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, test } from '@jest/globals'
import { useTransaction } from '../support/database.ts'
import { makeStudio, type Studio } from '../support/people.ts'
import { everybody, runAs } from './actors.ts'

const as = useTransaction()
let studio: Studio
beforeEach(async () => {
  studio = await makeStudio(as.owner)
})

const start = 'select * from app_public.start_lockdown($1, $2)'
const end = 'select * from app_public.end_lockdown($1)'
const unlock = 'select is_allowed from app_public.unlock_door($1)'
const all =
  'select id, reason, started_by, ended_by, ended_at is null as is_under_way from app_public.lockdowns'
const nothing = { id: null, ended_at: null }

describe('app_public.start_lockdown', () => {
  test.each(['owner', 'manager'] as const)('the %s has the doors let nobody in', async (who) => {
    const rows = await as.person(studio[who])(start, [studio.officeId, 'Fire'])

    expect(rows).toMatchObject([{ reason: 'Fire', started_by: studio[who], ended_at: null, ended_by: null }])
    for (const each of ['owner', 'manager', 'member'] as const) {
      expect(await as.person(studio[each])(unlock, [studio.doorId])).toEqual([{ is_allowed: false }])
    }
  })

  test.each(['member', 'stranger'] as const)('the %s cannot, and is told of no office', async (who) => {
    await expect(as.person(studio[who])(start, [studio.officeId, 'Fire'])).rejects.toMatchObject({
      code: 'NTFND',
      column: 'office_id',
    })
    expect(await as.owner(all)).toEqual([])
  })

  test('an anonymous caller may not even ask', async () => {
    await expect(as.anonymous(start, [studio.officeId, 'Fire'])).rejects.toMatchObject({ code: '42501' })
  })

  test.each([randomUUID(), null])('a manager cannot in the office %s', async (officeId) => {
    await expect(as.person(studio.manager)(start, [officeId, 'Fire'])).rejects.toMatchObject({
      code: 'NTFND',
    })
  })

  test.each([
    ['no', null, '23502'],
    ['an empty', '', '23514'],
    ['a blank', '  ', '23514'],
    ['too long a', 'x'.repeat(201), '23514'],
  ])('a manager cannot for %s reason', async (_, reason, code) => {
    await expect(as.person(studio.manager)(start, [studio.officeId, reason])).rejects.toMatchObject({ code })
  })

  test('a second one finds the first, and leaves it as it is', async () => {
    const first = await as.person(studio.manager)(start, [studio.officeId, 'Fire'])

    const second = await as.person(studio.owner)(start, [studio.officeId, 'Flood'])

    expect(second).toEqual(first)
    expect(await as.owner(all)).toHaveLength(1)
  })

  test('it concerns one office alone', async () => {
    const [annex] = await as.owner(
      `insert into app_public.offices (organization_id, name) values ($1, 'Annex') returning id`,
      [studio.organizationId],
    )

    await as.person(studio.manager)(start, [annex!.id, 'Fire'])

    expect(await as.person(studio.member)(unlock, [studio.doorId])).toEqual([{ is_allowed: true }])
  })
})

describe('app_public.end_lockdown', () => {
  beforeEach(() => as.person(studio.manager)(start, [studio.officeId, 'Fire']))

  test.each(['owner', 'manager'] as const)('the %s has the rules count again', async (who) => {
    const rows = await as.person(studio[who])(end, [studio.officeId])

    expect(rows).toMatchObject([{ reason: 'Fire', ended_by: studio[who], ended_at: expect.any(Date) }])
    expect(await as.person(studio.member)(unlock, [studio.doorId])).toEqual([{ is_allowed: true }])
  })

  test.each(['member', 'stranger'] as const)('the %s cannot', async (who) => {
    await expect(as.person(studio[who])(end, [studio.officeId])).rejects.toMatchObject({
      code: 'NTFND',
      column: 'office_id',
    })
    expect(await as.owner(all)).toMatchObject([{ is_under_way: true }])
  })

  test('an anonymous caller may not even ask', async () => {
    await expect(as.anonymous(end, [studio.officeId])).rejects.toMatchObject({ code: '42501' })
  })

  test('a second end finds nothing to end', async () => {
    await as.person(studio.manager)(end, [studio.officeId])

    const again = await as.person(studio.owner)(end, [studio.officeId])

    expect(again).toMatchObject([nothing])
    expect(await as.owner(all)).toMatchObject([{ ended_by: studio.manager }])
  })

  test('after an end there can be another', async () => {
    await as.person(studio.manager)(end, [studio.officeId])

    await as.person(studio.manager)(start, [studio.officeId, 'Flood'])

    expect(await as.owner(`${all} order by reason`)).toMatchObject([
      { reason: 'Fire', is_under_way: false },
      { reason: 'Flood', is_under_way: true },
    ])
  })
})

describe('app_public.lockdowns', () => {
  beforeEach(() => as.person(studio.manager)(start, [studio.officeId, 'Fire']))

  test.each(['owner', 'manager', 'member'] as const)('the %s sees them', async (who) => {
    expect(await as.person(studio[who])(all)).toHaveLength(1)
  })

  test('a stranger sees none', async () => {
    expect(await as.person(studio.stranger)(all)).toEqual([])
  })

  test.each(everybody)('the %s cannot write them past the functions', async (who) => {
    const run = runAs(as, studio, who)

    for (const sql of [
      'delete from app_public.lockdowns',
      'update app_public.lockdowns set ended_at = now()',
      `insert into app_public.lockdowns (reason) values ('Fire')`,
    ]) {
      await expect(run(sql)).rejects.toMatchObject({ code: '42501' })
    }
  })

  test('they outlive the account of who started them', async () => {
    await as.owner('delete from app_public.people where id = $1', [studio.manager])

    expect(await as.owner(all)).toMatchObject([{ reason: 'Fire', started_by: null, is_under_way: true }])
  })
})
