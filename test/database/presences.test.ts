import { beforeEach, describe, expect, test } from '@jest/globals'
import { hangBell, press } from '../support/bells.ts'
import { useTransaction } from '../support/database.ts'
import { makeStudio, type Studio } from '../support/people.ts'
import { everybody, runAs } from './actors.ts'

const as = useTransaction()
let studio: Studio
beforeEach(async () => {
  studio = await makeStudio(as.owner)
})

type Member = 'owner' | 'manager' | 'member' | 'stranger'
const call = async (who: Member, sql: string, id = studio.officeId) =>
  (await as.person(studio[who])(sql, [id]))[0]!
const enter = (who: Member, officeId?: string) =>
  call(who, 'select * from app_public.enter_office($1)', officeId)
const leave = (who: Member, officeId?: string) =>
  call(who, 'select * from app_public.leave_office($1)', officeId)
const share = (who: Member, shares: boolean, organizationId = studio.organizationId) =>
  call(who, `select * from app_public.share_presence($1, ${shares})`, organizationId)
const presences = () =>
  as.owner('select person_id, origin, until is null as is_in from app_public.presences order by since')
const seenBy = (who: Member) => as.person(studio[who])('select person_id from app_public.presences')

/** Has a command carried out, up to what its controller reports. */
async function carryOut(commandId: string, hasOpened = true) {
  const device = as.device(studio.deviceId)
  await device('select app_public.claim_unlock($1)', [commandId])
  await device('select app_public.report_unlock($1, $2)', [commandId, hasOpened])
}
async function openDoor(who: Member, hasOpened = true) {
  const { command_id } = await call(who, 'select * from app_public.unlock_door($1)', studio.doorId)
  await carryOut(command_id as string, hasOpened)
}

async function makeAnnex() {
  const [office] = await as.owner(
    `insert into app_public.offices (organization_id, name) values ($1, 'Annex') returning id`,
    [studio.organizationId],
  )
  return office!.id as string
}

describe('a member is in', () => {
  test('once an entrance has opened for them', async () => {
    await openDoor('member')

    expect(await presences()).toEqual([{ person_id: studio.member, origin: 'opened_door', is_in: true }])
  })

  test('not yet while the door is to open, nor when it did not', async () => {
    await call('member', 'select * from app_public.unlock_door($1)', studio.doorId)
    await openDoor('manager', false)

    expect(await presences()).toEqual([])
  })

  test('not when it was another door than an entrance', async () => {
    await as.person(studio.manager)('update app_public.doors set is_entrance = false')

    await openDoor('member')

    expect(await presences()).toEqual([])
  })

  test('not when they opened for somebody who rang: they may sit at home', async () => {
    const bell = await hangBell(as.owner, studio)
    const { id } = await press(as.device(bell), studio.doorId)
    const { command_id } = await call('member', 'select * from app_public.open_for_ring($1)', id as string)

    await carryOut(command_id as string)

    expect(await presences()).toEqual([])
  })

  test('when they say so, once however often they do', async () => {
    const first = await enter('member')
    const again = await enter('member')
    await openDoor('member')

    expect(again).toEqual(first)
    expect(await presences()).toEqual([{ person_id: studio.member, origin: 'said_so', is_in: true }])
  })

  test('anew after having left', async () => {
    await enter('member')
    await leave('member')
    await openDoor('member')

    expect(await presences()).toEqual([
      { person_id: studio.member, origin: 'said_so', is_in: false },
      { person_id: studio.member, origin: 'opened_door', is_in: true },
    ])
  })

  test('in one office of the organization at a time', async () => {
    await enter('member')

    const { office_id } = await enter('member', await makeAnnex())

    expect(await presences()).toMatchObject([{ is_in: false }, { is_in: true }])
    expect(office_id).not.toBe(studio.officeId)
    expect(await leave('member')).toMatchObject({ id: null })
  })

  test('not for a pass, or any command that is nobody’s', async () => {
    const { command_id } = await call('member', 'select * from app_public.unlock_door($1)', studio.doorId)
    await as.owner('update app_public.unlock_commands set person_id = null, state = $1, claimed_at = now()', [
      'claimed',
    ])

    await as.device(studio.deviceId)('select app_public.report_unlock($1, true)', [command_id])

    expect(await presences()).toEqual([])
  })
})

describe('entering and leaving', () => {
  test('a stranger cannot enter, nor anybody an office that is not there', async () => {
    await expect(enter('stranger')).rejects.toMatchObject({ code: 'NTFND', column: 'office_id' })
    await expect(enter('member', crypto.randomUUID())).rejects.toMatchObject({ code: 'NTFND' })
    expect(await presences()).toEqual([])
  })

  test.each([
    ['an anonymous caller', () => as.anonymous],
    ['a device', () => as.device(studio.deviceId)],
  ])('%s can do neither, nor see anybody', async (_, run) => {
    for (const sql of [
      'select app_public.enter_office($1)',
      'select app_public.leave_office($1)',
      'select app_public.share_presence($1, false)',
      'select from app_public.presences where office_id = $1',
    ]) {
      await expect(run()(sql, [studio.officeId])).rejects.toMatchObject({ code: '42501' })
    }
  })

  test('whoever leaves ends their own presence and nobody else’s', async () => {
    await enter('member')
    await enter('manager')

    expect(await leave('member')).toMatchObject({ person_id: studio.member, until: expect.any(Date) })
    expect(await presences()).toMatchObject([{ is_in: false }, { is_in: true }])
  })

  test('to leave without having been in changes nothing', async () => {
    await enter('manager')

    for (const who of ['member', 'stranger'] as const) {
      expect(await leave(who)).toMatchObject({ id: null })
    }
    expect(await presences()).toMatchObject([{ is_in: true }])
  })

  test.each(everybody)('the %s cannot write presences past the functions', async (who) => {
    await enter('member')
    const run = runAs(as, studio, who)

    await expect(run('update app_public.presences set until = now()')).rejects.toMatchObject({
      code: '42501',
    })
    await expect(run('delete from app_public.presences')).rejects.toMatchObject({ code: '42501' })
  })
})

describe('who sees it', () => {
  test('colleagues see who is in now, a stranger nobody', async () => {
    await enter('member')

    expect(await seenBy('owner')).toEqual([{ person_id: studio.member }])
    expect(await seenBy('manager')).toEqual([{ person_id: studio.member }])
    expect(await seenBy('stranger')).toEqual([])
  })

  test('the past is theirs alone, whatever the role of others', async () => {
    await enter('member')
    await leave('member')

    expect(await seenBy('member')).toEqual([{ person_id: studio.member }])
    for (const who of ['owner', 'manager', 'stranger'] as const) expect(await seenBy(who)).toEqual([])
  })
})

describe('a member who does not share it', () => {
  beforeEach(() => share('member', false))

  test('leaves no trace, by whichever way', async () => {
    await openDoor('member')

    expect(await enter('member')).toMatchObject({ id: null })
    expect(await presences()).toEqual([])
  })

  test('can change their mind', async () => {
    expect(await share('member', true)).toMatchObject({ person_id: studio.member, shares_presence: true })

    await enter('member')

    expect(await presences()).toMatchObject([{ is_in: true }])
  })
})

describe('share_presence', () => {
  test('when it ends takes along what was noted, of that person alone', async () => {
    await enter('member')
    await leave('member')
    await enter('member')
    await enter('manager')

    expect(await share('member', false)).toMatchObject({ shares_presence: false })

    expect(await presences()).toMatchObject([{ person_id: studio.manager }])
  })

  test.each(['owner', 'manager', 'member'] as const)('the %s cannot decide it for others', async (who) => {
    const deciding = as.person(studio[who])('update app_public.memberships set shares_presence = false')

    await expect(deciding).rejects.toMatchObject({ code: '42501' })
  })

  test('nobody decides about an organization that is not theirs', async () => {
    await expect(share('stranger', false)).rejects.toMatchObject({ code: 'NTFND' })
  })
})

describe('presences go', () => {
  test.each([
    [
      'the membership ends',
      () =>
        as.person(studio.manager)('delete from app_public.memberships where person_id = $1', [studio.member]),
    ],
    ['the person is deleted', () => as.owner('delete from app_public.people where id = $1', [studio.member])],
    [
      'the office goes',
      () => as.owner('delete from app_public.organizations where id = $1', [studio.organizationId]),
    ],
  ])('when %s', async (_, end) => {
    await enter('member')
    await leave('member')
    await enter('member')

    await end()

    expect(await presences()).toEqual([])
  })
})
