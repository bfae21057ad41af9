import { beforeEach, describe, expect, test } from '@jest/globals'
import { useTransaction } from '../support/database.ts'
import { makeStudio, type Studio } from '../support/people.ts'

const as = useTransaction()
let studio: Studio
beforeEach(async () => {
  studio = await makeStudio(as.owner)
})

describe('the security log of a member', () => {
  const log = (person: string) =>
    as.person(person)(
      'select kind, detail, client, request_id from app_public.security_events order by id desc limit 1',
    )
  const from = (agent: string) =>
    as.owner(`select set_config('plinth.request', $1, true)`, [
      JSON.stringify({ id: 'r-1', address: '203.0.113.7', userAgent: agent }),
    ])

  test('says who became what, and not by which program of somebody else', async () => {
    await from('Firefox/1.0')
    await as.person(studio.owner)(`update app_public.memberships set role = 'manager' where person_id = $1`, [
      studio.member,
    ])

    expect(await log(studio.member)).toEqual([
      { kind: 'role_changed', detail: 'Studio, member → manager', client: null, request_id: 'r-1' },
    ])
  })

  test('says that they were removed, or left', async () => {
    await from('Firefox/1.0')
    await as.person(studio.manager)('delete from app_public.memberships where person_id = $1', [
      studio.member,
    ])
    await as.person(studio.manager)('delete from app_public.memberships where person_id = $1', [
      studio.manager,
    ])

    expect(await log(studio.member)).toEqual([
      { kind: 'removed_from_organization', detail: 'Studio, member', client: null, request_id: 'r-1' },
    ])
    expect(await log(studio.manager)).toEqual([
      { kind: 'left_organization', detail: 'Studio, manager', client: 'Firefox', request_id: 'r-1' },
    ])
  })
})
