import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, test } from '@jest/globals'
import { useTransaction } from '../support/database.ts'
import { makePass } from '../support/guests.ts'
import { makeStudio, type Studio } from '../support/people.ts'

const as = useTransaction()
let studio: Studio
beforeEach(async () => {
  studio = await makeStudio(as.owner)
})

type Given = Partial<Record<'doors' | 'name' | 'email' | 'starts' | 'ends' | 'uses', unknown>>
const values = ({
  doors,
  name = 'Gus',
  email = 'gus@example.org',
  starts = '1 hour',
  ends = '2 hours',
  uses = 1,
}: Given) => [doors === undefined ? [studio.doorId] : doors, name, email, starts, ends, uses]
/** Makes a pass as somebody; moments are intervals from now, or null. */
const create = async (who: keyof Studio, given: Given = {}) =>
  (
    await as.person(studio[who])(
      `select * from app_public.create_guest_pass($1, $2, $3, now() + $4::interval, now() + $5::interval, $6)`,
      values(given),
    )
  )[0]!
const queue = (task: string) =>
  as.owner(
    `select jobs.payload from graphile_worker._private_jobs as jobs
     join graphile_worker._private_tasks as tasks on tasks.id = jobs.task_id where tasks.identifier = $1`,
    [task],
  )

describe('app_public.revoke_guest_pass', () => {
  const revoke = (who: keyof Studio, id: unknown) =>
    as.person(studio[who])('select * from app_public.revoke_guest_pass($1)', [id])

  test.each(['member', 'manager', 'owner'] as const)(
    'the %s revokes one of the member, and the guest is told',
    async (who) => {
      const { id } = await create('member')

      expect(await revoke(who, id)).toEqual([expect.objectContaining({ revoked_at: expect.any(Date) })])

      expect(await queue('guest_pass__send_cancellation')).toEqual([{ payload: { id } }])
    },
  )

  test('twice is as once: it stays when it was, and the guest is told once', async () => {
    const { id } = await create('manager')
    await revoke('manager', id)
    await as.owner(`update app_public.guest_passes set revoked_at = '2026-01-01Z'`)

    expect(await revoke('manager', id)).toEqual([
      expect.objectContaining({ revoked_at: new Date('2026-01-01Z') }),
    ])
    expect(await queue('guest_pass__send_cancellation')).toHaveLength(1)
  })

  test('neither a member nor a stranger revokes one of somebody else; both hear the same as of none', async () => {
    const { id } = await create('manager')

    const errors: unknown[] = []
    for (const [who, pass] of [
      ['member', id],
      ['stranger', id],
      ['manager', randomUUID()],
    ] as const) {
      errors.push(await revoke(who, pass).catch((error: unknown) => error))
    }

    expect(errors.map((error) => (error as { code: string }).code)).toEqual(['NTFND', 'NTFND', 'NTFND'])
    expect(new Set(errors.map(String)).size).toBe(1)
  })

  test('a host who leaves takes it along, and a host who comes back does not bring it back', async () => {
    const { id } = await create('member')
    const read = () =>
      as.owner(
        'select host_id, revoked_at is not null as is_revoked from app_public.guest_passes where id = $1',
        [id],
      )
    await as.owner('delete from app_public.memberships where person_id = $1', [studio.member])
    await as.owner('insert into app_public.memberships (organization_id, person_id) values ($1, $2)', [
      studio.organizationId,
      studio.member,
    ])

    expect(await read()).toEqual([{ host_id: null, is_revoked: true }])
    expect(await queue('guest_pass__send_cancellation')).toEqual([{ payload: { id } }])
    expect(await as.person(studio.member)('select from app_public.guest_passes')).toEqual([])
  })

  test('a host who deletes their account takes it along', async () => {
    const { id } = await create('manager')
    await as.owner('delete from app_public.memberships where person_id = $1', [studio.manager])
    await as.owner('delete from app_public.people where id = $1', [studio.manager])

    expect(await as.owner('select host_id from app_public.guest_passes where id = $1', [id])).toEqual([
      { host_id: null },
    ])
  })
})

describe('app_public.resend_guest_pass', () => {
  const resend = (who: keyof Studio, id: unknown) =>
    as.person(studio[who])('select * from app_public.resend_guest_pass($1)', [id])

  test('the link of before is void at once, and a new one is on its way', async () => {
    const { id } = await makePass(as.owner, studio)

    await resend('manager', id)

    expect(await as.owner('select from app_private.guest_pass_tokens')).toEqual([])
    expect(await queue('guest_pass__send')).toEqual([{ payload: { id } }])
  })

  test.each(['member', 'stranger'] as const)('the %s cannot, and the link stays', async (who) => {
    const { id } = await makePass(as.owner, studio)

    await expect(resend(who, id)).rejects.toMatchObject({ code: 'NTFND' })

    expect(await as.owner('select from app_private.guest_pass_tokens')).toHaveLength(1)
  })

  test.each([
    ['revoked', { revoked_at: '2026-01-01' }],
    ['over', { starts_at: '-2 hours', ends_at: '-1 second' }],
    ['used up', { uses: 1, used_count: 1 }],
  ])('one that is %s is not sent again', async (_, columns) => {
    const { id } = await makePass(as.owner, studio, columns)

    await expect(resend('manager', id)).rejects.toMatchObject({ code: 'P0001' })
    expect(await queue('guest_pass__send')).toEqual([])
  })

  test('too often to one address is refused', async () => {
    const { id } = await makePass(as.owner, studio)
    for (let times = 0; times < 5; times++) await resend('manager', id)

    await expect(resend('owner', id)).rejects.toMatchObject({ code: 'TMANY' })
  })
})
