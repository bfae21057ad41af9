import { describe, expect, test } from '@jest/globals'
import { codeOf, type Somebody, useOrganizations } from '../support/organizations.ts'

const { run, somebody, ask, done, listen, makeOrganization, join, membersOf } = useOrganizations()

const updateMembership = `mutation ($id: UUID!, $role: MembershipRole!) {
  updateMembership(input: { id: $id, patch: { role: $role } }) { membership { role } }
}`
const deleteMembership = `mutation ($id: UUID!) {
  deleteMembership(input: { id: $id }) { membership { id } }
}`

const ownMembership = async (who: Somebody, id: string): Promise<string> =>
  (await membersOf(who, id)).find(({ personId }) => personId === who.id)!.id

describe('being removed', () => {
  test('holds from the next statement on, and ends what an open subscription brings', async () => {
    const [owner, member] = [await somebody(), await somebody()]
    const id = await makeOrganization(owner)
    const elsewhere = await makeOrganization(member)
    const membership = await join(owner, id, member)
    const createOffice = `mutation ($id: UUID!, $name: String!) {
      createOffice(input: { office: { organizationId: $id, name: $name } }) { office { id } }
    }`
    const subscriber = listen(member, 'subscription { officeChanged { event office { name } } }')
    await subscriber.until(1)
    await done(owner, createOffice, { id, name: 'Before' })
    await subscriber.until(2)

    await done(owner, deleteMembership, { id: membership })
    const read = await done(member, 'query ($id: UUID!) { organization(id: $id) { name } }', { id })
    const written = await ask(member, createOffice, { id, name: 'Mine' })
    await done(owner, createOffice, { id, name: 'After' })
    await done(member, createOffice, { id: elsewhere, name: 'Elsewhere' })

    // Changes come in their order, so that nothing of the organization can be still on its way.
    const events = await subscriber.until(3)
    expect(events.map(({ office }): unknown => office?.name)).toEqual([undefined, 'Before', 'Elsewhere'])
    expect(read).toBeNull()
    expect(codeOf(written)).toBe('FORBIDDEN')
  })

  test('is for those who may: others find no such membership', async () => {
    const [owner, manager, member, stranger] = [
      await somebody(),
      await somebody(),
      await somebody(),
      await somebody(),
    ]
    const id = await makeOrganization(owner)
    await join(owner, id, manager, 'manager')
    const membership = await join(manager, id, member)
    const owners = await ownMembership(owner, id)

    for (const [who, whom] of [
      [stranger, membership],
      [member, owners],
      [manager, owners],
    ] as const) {
      expect(codeOf(await ask(who, deleteMembership, { id: whom }))).toBe('NOT_FOUND')
      expect(codeOf(await ask(who, updateMembership, { id: whom, role: 'manager' }))).toBe('NOT_FOUND')
    }
    expect(codeOf(await ask(manager, updateMembership, { id: membership, role: 'owner' }))).toBe('FORBIDDEN')
    expect(await done(manager, updateMembership, { id: membership, role: 'manager' })).toEqual({
      membership: { role: 'manager' },
    })
    expect(await done(member, deleteMembership, { id: membership })).toEqual({
      membership: { id: membership },
    })
  })
})

describe('the last owner', () => {
  test('is kept, and the answer says what to do', async () => {
    const owner = await somebody()
    const id = await makeOrganization(owner)

    const { errors } = await ask(owner, deleteMembership, { id: await ownMembership(owner, id) })

    expect(errors?.[0]).toMatchObject({
      message: 'An organization needs an owner.',
      extensions: { code: 'REFUSED', hint: expect.stringContaining('Make somebody else an owner first') },
    })
  })

  test('is kept when both leave by requests at one moment', async () => {
    const [one, other] = [await somebody(), await somebody()]
    const id = await makeOrganization(one)
    await join(one, id, other, 'owner')
    const ids = [await ownMembership(one, id), await ownMembership(other, id)]

    const answers = await Promise.all([
      ask(one, deleteMembership, { id: ids[0] }),
      ask(other, deleteMembership, { id: ids[1] }),
    ])

    expect(answers.map(codeOf).toSorted()).toEqual(['REFUSED', undefined])
    const rows = await run('select role from app_public.memberships where organization_id = $1', [id])
    expect(rows).toEqual([{ role: 'owner' }])
  })

  test.each([
    [
      'taken out with all others in one statement',
      'mutation ($one: UUID!, $other: UUID!) { deleteMemberships(input: { ids: [$one, $other] }) { memberships { id } } }',
    ],
    [
      'taken out with all others in one request',
      `mutation ($one: UUID!, $other: UUID!) {
        a: updateMembership(input: { id: $other, patch: { role: member } }) { membership { id } }
        b: deleteMembership(input: { id: $one }) { membership { id } }
      }`,
    ],
  ])('is not %s, and nothing of it is done', async (_, mutation) => {
    const [one, other] = [await somebody(), await somebody()]
    const id = await makeOrganization(one)
    await join(one, id, other, 'owner')
    const ids = [await ownMembership(one, id), await ownMembership(other, id)]

    const answer = await ask(one, mutation, { one: ids[0], other: ids[1] })

    expect(answer.errors?.some(({ extensions }) => extensions?.code === 'REFUSED')).toBe(true)
    expect((await membersOf(one, id)).map(({ role }) => role)).toEqual(['owner', 'owner'])
  })

  test('puts another in their place', async () => {
    const [owner, member] = [await somebody(), await somebody()]
    const id = await makeOrganization(owner)
    await join(owner, id, member)
    const transfer = `mutation ($id: UUID!, $personId: UUID!) {
      transferOwnership(input: { organizationId: $id, personId: $personId }) { result { personId role } }
    }`

    const { result } = await done(owner, transfer, { id, personId: member.id })
    const again = await ask(owner, transfer, { id, personId: member.id })

    expect(result).toEqual({ personId: member.id, role: 'owner' })
    expect(codeOf(again)).toBe('NOT_FOUND')
  })
})

describe('the end of an organization', () => {
  const request = `mutation ($id: UUID!) {
    requestOrganizationDeletion(input: { organizationId: $id }) { result { id expiresAt } }
  }`
  const confirm = `mutation ($id: UUID!, $code: String!) {
    confirmOrganizationDeletion(input: { id: $id, code: $code }) { result { id deletesAt } }
  }`
  const keep = `mutation ($id: UUID!) { keepOrganization(input: { organizationId: $id }) { result { deletesAt } } }`

  test('takes a mailed code, can be undone, and is told to those who watch', async () => {
    const [owner, member] = [await somebody(), await somebody()]
    const id = await makeOrganization(owner)
    await join(owner, id, member)
    const subscriber = listen(
      member,
      'subscription ($id: UUID!) { organizationChanged(id: $id) { event organization { deletesAt } } }',
      { id },
    )
    await subscriber.until(1)

    const sent = (await done(owner, request, { id })).result
    await run(
      `update app_private.mail_codes set code_hash = app_private.code_hash(id, 'K7QF2MXD') where id = $1`,
      [sent.id],
    )
    const wrong = await done(owner, confirm, { id: sent.id, code: 'AAAA-AAAA' })
    const foreign = await done(member, confirm, { id: sent.id, code: 'K7QF-2MXD' })
    const right = await done(owner, confirm, { id: sent.id, code: 'K7QF-2MXD' })
    const told = await subscriber.until(2)
    const byMember = await ask(member, keep, { id })
    const kept = await done(owner, keep, { id })

    expect([wrong, foreign]).toEqual([{ result: null }, { result: null }])
    expect(right.result).toEqual({ id, deletesAt: expect.any(String) })
    expect(told[1]).toMatchObject({ event: 'UPDATED' })
    expect(codeOf(byMember)).toBe('NOT_FOUND')
    expect(kept.result).toEqual({ deletesAt: null })
  })
})
