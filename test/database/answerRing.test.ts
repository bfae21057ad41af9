import { beforeEach, describe, expect, test } from '@jest/globals'
import { hangBell, press, waitForRings } from '../support/bells.ts'
import { useTransaction } from '../support/database.ts'
import { makeStudio, type Studio } from '../support/people.ts'

const as = useTransaction()
let studio: Studio
let id: string
beforeEach(async () => {
  studio = await makeStudio(as.owner)
  const ring = await press(as.device(await hangBell(as.owner, studio)), studio.doorId)
  id = ring.id as string
})

type Member = 'owner' | 'manager' | 'member' | 'stranger'
const answer =
  (call: 'open_for_ring' | 'dismiss_ring') =>
  async (who: Member, ringId = id) =>
    (await as.person(studio[who])(`select * from app_public.${call}($1)`, [ringId]))[0]!
const [open, dismiss] = [answer('open_for_ring'), answer('dismiss_ring')]
const ring = async () =>
  (await as.owner('select state, answered_by, command_id from app_public.rings where id = $1', [id]))[0]!
const commands = () => as.owner('select id, person_id, door_id from app_public.unlock_commands')
const decisions = () => as.owner('select person_id, is_allowed from app_public.door_decisions')
const ringing = { state: 'ringing', answered_by: null, command_id: null }

describe('a ring', () => {
  test('is answered by a member who opens', async () => {
    const answered = await open('member')

    const [command] = await commands()
    expect(answered).toEqual({
      is_first: true,
      is_allowed: true,
      reason: 'You are let in by the rule “Members”.',
      command_id: command!.id,
    })
    expect(command).toMatchObject({ person_id: studio.member, door_id: studio.doorId })
    expect(await ring()).toEqual({
      state: 'answered',
      answered_by: studio.member,
      command_id: command!.id,
    })
  })

  test('is answered by a member who dismisses it, and the door stays shut', async () => {
    const answered = await dismiss('manager')

    expect(answered).toMatchObject({ is_first: true, is_allowed: false, command_id: null })
    expect(await ring()).toMatchObject({ state: 'answered', answered_by: studio.manager, command_id: null })
    expect([await commands(), await decisions()]).toEqual([[], []])
  })

  test.each([
    ['opened', open, 'Mia has opened.'],
    ['dismissed', dismiss, 'Mia has dismissed it.'],
  ])('that somebody has %s tells the next who it was, and opens nothing', async (_, first, reason) => {
    await first('member')
    const before = await commands()

    for (const late of [open, dismiss]) {
      expect(await late('owner')).toEqual({ is_first: false, is_allowed: false, reason, command_id: null })
    }
    expect(await commands()).toEqual(before)
    expect(await ring()).toMatchObject({ answered_by: studio.member })
  })

  test('cannot be answered twice by the same person', async () => {
    await dismiss('member')

    expect(await open('member')).toMatchObject({ is_first: false, reason: 'You have answered already.' })
    expect(await commands()).toEqual([])
  })

  test('is not answered by somebody who may not open; another still can', async () => {
    await as.owner(`update app_public.access_rules set role = 'manager'`)

    expect(await open('member')).toEqual({
      is_first: false,
      is_allowed: false,
      reason: 'No rule lets you in by this door at this time.',
      command_id: null,
    })
    expect(await ring()).toEqual(ringing)
    expect(await open('manager')).toMatchObject({ is_first: true, is_allowed: true })
    expect(await decisions()).toEqual([
      { person_id: studio.member, is_allowed: false },
      { person_id: studio.manager, is_allowed: true },
    ])
  })

  test('is not answered where the controller is offline, and whoever tried is told so', async () => {
    await as.owner('update app_public.devices set last_seen_at = null')

    expect(await open('member')).toMatchObject({
      is_first: false,
      reason: expect.stringContaining('offline'),
    })
    expect(await ring()).toEqual(ringing)
  })

  test.each([
    ['opened', open],
    ['dismissed', dismiss],
  ])(
    'cannot be %s by a stranger, nor by a member who was removed, who learn nothing of it',
    async (_, try_) => {
      const refused = await try_('member', crypto.randomUUID())
      await as.owner('delete from app_public.memberships where person_id = $1', [studio.member])

      expect(refused).toMatchObject({ is_first: false, is_allowed: false, command_id: null })
      expect([await try_('stranger'), await try_('member')]).toEqual([refused, refused])
      await dismiss('owner')
      expect(await try_('stranger')).toEqual(refused)
      expect(await commands()).toEqual([])
    },
  )

  test.each([
    ['an anonymous caller', () => as.anonymous],
    ['the device', () => as.device(studio.deviceId)],
  ])('cannot be answered by %s', async (_, run) => {
    for (const call of ['open_for_ring', 'dismiss_ring']) {
      await expect(run()(`select app_public.${call}($1)`, [id])).rejects.toMatchObject({ code: '42501' })
    }
  })

  test('cannot be answered for somebody else', async () => {
    const answering = as.person(studio.member)('select app_private.answer_ring($1, $2, true)', [
      id,
      studio.manager,
    ])

    await expect(answering).rejects.toMatchObject({ code: '42501' })
  })

  test('cannot be answered once its time is over, also before the job has run', async () => {
    await waitForRings(as.owner, 120)

    for (const late of [open, dismiss]) {
      expect(await late('member')).toMatchObject({ is_first: false, reason: 'Nobody answered in time.' })
    }
    expect(await ring()).toEqual(ringing)
    expect(await commands()).toEqual([])
  })

  test('can be answered in its last moment', async () => {
    await waitForRings(as.owner, 110)

    expect(await dismiss('member')).toMatchObject({ is_first: true })
  })

  test('in quiet hours can be answered as well', async () => {
    await as.owner('update app_public.rings set is_quiet = true')

    expect(await open('member')).toMatchObject({ is_first: true })
  })

  test('keeps that it was answered when who did it is deleted', async () => {
    await open('member')

    await as.owner('delete from app_public.people where id = $1', [studio.member])

    expect(await ring()).toMatchObject({ state: 'answered', answered_by: null })
    expect(await open('manager')).toMatchObject({ reason: 'Somebody has opened.' })
  })
})

describe('app_private.expire_ring', () => {
  const expire = () => as.owner('select app_private.expire_ring($1)', [id])

  test('ends a ring whose time is over, and run twice changes nothing more', async () => {
    await waitForRings(as.owner, 120)

    await expire()
    await expire()

    expect(await ring()).toEqual({ ...ringing, state: 'expired' })
    expect(await open('member')).toMatchObject({ is_first: false, reason: 'Nobody answered in time.' })
  })

  test('leaves alone what still rings, or was answered', async () => {
    await expire()
    expect(await ring()).toEqual(ringing)

    await dismiss('member')
    await waitForRings(as.owner, 500)
    await expire()
    expect(await ring()).toMatchObject({ state: 'answered' })
  })

  test('does nothing about a ring that is gone', async () => {
    await as.owner('delete from app_public.rings')

    expect(await expire()).toHaveLength(1)
  })
})
