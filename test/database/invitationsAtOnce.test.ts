import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, test } from '@jest/globals'
import { type Deed, isolationLevels, type Owned, useOwners } from '../support/owners.ts'

const guests = 6
const { client, makeOwned, race, rush } = useOwners(guests)

let owned: Owned
let token: string
let invitationId: string
beforeEach(async () => {
  owned = await makeOwned()
  token = randomUUID()
  const { rows } = await client().query<{ id: string }>(
    `with invitation as (
       insert into app_public.invitations (organization_id, address, inviter_id)
       values ($1, $2, $3) returning organization_id, id
     )
     insert into app_private.invitation_tokens (organization_id, invitation_id, hash)
     select organization_id, id, sha256(convert_to($4, 'UTF8')) from invitation returning invitation_id as id`,
    [owned.organizationId, `${token}@example.com`, owned.manager, token],
  )
  invitationId = rows[0]!.id
})

const makeGuest = async () => {
  const { rows } = await client().query<{ id: string }>(
    `insert into app_public.people (name) values ('Ida') returning id`,
  )
  return rows[0]!.id
}
/** Fails where the invitation is void, so that how it ended tells the two apart. */
const accept = (by: string): Deed => ({
  by,
  sql: `select 1 / (app_public.accept_invitation($1) is not null)::int`,
  values: [token],
})
const isVoid = '22012'

const membersBesides = async () => {
  const { rows } = await client().query<{ id: string }>(
    `select person_id as id from app_public.memberships where organization_id = $1 and person_id <> all ($2::uuid[])`,
    [owned.organizationId, [owned.anna, owned.ben, owned.manager]],
  )
  return rows.map(({ id }) => id)
}

/** What is done to the invitation while somebody accepts it. */
const against: Record<string, () => Deed> = {
  'it is revoked': () => ({
    by: owned.anna,
    sql: 'delete from app_public.invitations where id = $1',
    values: [invitationId],
  }),
  'it is sent again': () => ({
    by: owned.anna,
    sql: 'select app_public.resend_invitation($1)',
    values: [invitationId],
  }),
  'its inviter is removed': () => ({
    by: owned.anna,
    sql: 'delete from app_public.memberships where organization_id = $1 and person_id = $2',
    values: [owned.organizationId, owned.manager],
  }),
  'its inviter is demoted': () => ({
    by: owned.anna,
    sql: `update app_public.memberships set role = 'member' where organization_id = $1 and person_id = $2`,
    values: [owned.organizationId, owned.manager],
  }),
  'its inviter’s account is deleted': () => ({
    by: null,
    sql: 'delete from app_public.people where id = $1',
    values: [owned.manager],
  }),
}

const cases = isolationLevels.flatMap((isolation) =>
  Object.keys(against).map((what) => [isolation, what] as const),
)

describe('an invitation that is accepted at the moment when', () => {
  test.each(cases)('under %s, %s first: it is void', async (isolation, what) => {
    const guest = await makeGuest()

    const { first, second } = await race(owned.organizationId, [against[what]!(), accept(guest)], isolation)

    expect(first).toBe('done')
    expect(second).toBe(isolation === 'read committed' ? isVoid : '40001')
    expect(await membersBesides()).toEqual([])
  })

  test.each(cases)('under %s, %s second: the guest is a member', async (isolation, what) => {
    const guest = await makeGuest()

    const { first, second } = await race(owned.organizationId, [accept(guest), against[what]!()], isolation)

    expect(first).toBe('done')
    expect(['done', 'NTFND', '40001']).toContain(second) // nothing left to send again
    expect(await membersBesides()).toEqual([guest])
  })
})

describe('an invitation that several accept at one moment', () => {
  test.each(isolationLevels)('under %s makes one of them a member', async (isolation) => {
    const people = await Promise.all(Array.from({ length: guests }, makeGuest))

    const ends = await rush(people.map(accept), isolation)

    expect(ends.filter((end) => end === 'done')).toHaveLength(1)
    expect(ends.filter((end) => !['done', isVoid, '40001'].includes(end))).toEqual([])
    expect(await membersBesides()).toEqual([people[ends.indexOf('done')]])
  })

  test('one person who presses twice is a member once', async () => {
    const guest = await makeGuest()

    const ends = await rush([accept(guest), accept(guest)], 'read committed')

    expect(ends.toSorted()).toEqual([isVoid, 'done'])
    expect(await membersBesides()).toEqual([guest])
  })
})

describe('invitations that are made at one moment', () => {
  const invite = (address: string): Deed => ({
    by: owned.manager,
    sql: 'insert into app_public.invitations (organization_id, address) values ($1, $2)',
    values: [owned.organizationId, address],
  })

  test('to one address are one', async () => {
    const ends = await rush(
      Array.from({ length: guests }, () => invite('same@example.com')),
      'read committed',
    )

    expect(ends.toSorted()).toEqual([...Array<string>(guests - 1).fill('23505'), 'done'])
  })

  test('are no more than the limit lets through', async () => {
    await client().query(
      `insert into app_private.attempts (key)
       select app_private.attempt_key('invitation', 'organization', $1) from generate_series(1, 97)`,
      [owned.organizationId],
    )

    const ends = await rush(
      Array.from({ length: guests }, (_, index) => invite(`${index}-${token}@example.com`)),
      'read committed',
    )

    // One was sent before each test, two are left.
    expect(ends.toSorted()).toEqual(['TMANY', 'TMANY', 'TMANY', 'TMANY', 'done', 'done'])
  })
})
