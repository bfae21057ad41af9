import { describe, expect, test } from '@jest/globals'
import { acceptInvitation, codeOf, createInvitation, useOrganizations } from '../support/organizations.ts'

const { run, somebody, ask, done, listen, nextToken, makeOrganization, join } = useOrganizations()

const findInvitation = `query ($token: String!) {
  findInvitation(token: $token) { organizationName role inviterName expiresAt }
}`

describe('inviting', () => {
  test('somebody without an account reads what it offers, and accepts once they have one', async () => {
    const owner = await somebody()
    const id = await makeOrganization(owner)
    const address = 'newcomer@example.com'
    const { invitation } = await done(owner, createInvitation, {
      id,
      address: ' Newcomer@Example.com',
      role: 'manager',
    })
    const token = await nextToken()

    const offer = await done(null, findInvitation, { token })
    const unsigned = await ask(null, acceptInvitation, { token })
    const guest = await somebody()
    const { result } = await done(guest, acceptInvitation, { token })
    const again = await done(await somebody(), acceptInvitation, { token })

    expect(invitation).toMatchObject({ address, role: 'manager', inviter: { id: owner.id } })
    expect(offer).toEqual({
      organizationName: 'Studio',
      role: 'manager',
      inviterName: expect.stringMatching(/^Person /),
      expiresAt: invitation.expiresAt,
    })
    expect(codeOf(unsigned)).toBe('FORBIDDEN')
    expect(result).toMatchObject({ role: 'manager', organization: { id, name: 'Studio' } })
    expect(again).toEqual({ result: null })
    expect(await done(null, findInvitation, { token })).toBeNull()
  })

  test('a wrong address names the argument at fault', async () => {
    const owner = await somebody()
    const id = await makeOrganization(owner)

    const { errors } = await ask(owner, createInvitation, { id, address: 'nobody' })

    expect(errors?.[0]?.extensions).toMatchObject({
      code: 'BAD_USER_INPUT',
      arguments: [['input', 'invitation', 'address']],
      hint: 'Write it as name@example.com.',
    })
  })

  test('to be sent again makes what was mailed before void; to be revoked all of it', async () => {
    const [owner, guest] = [await somebody(), await somebody()]
    const id = await makeOrganization(owner)
    const { invitation } = await done(owner, createInvitation, { id, address: guest.address })
    const first = await nextToken()

    await done(owner, `mutation ($id: UUID!) { resendInvitation(input: { id: $id }) { result { id } } }`, {
      id: invitation.id,
    })
    const second = await nextToken()
    const withFirst = await done(guest, acceptInvitation, { token: first })
    const offered = await done(guest, findInvitation, { token: second })
    await done(
      owner,
      `mutation ($id: UUID!) { deleteInvitation(input: { id: $id }) { invitation { id } } }`,
      {
        id: invitation.id,
      },
    )
    const withSecond = await done(guest, acceptInvitation, { token: second })

    expect(offered).toMatchObject({ role: 'member' })
    expect([withFirst, withSecond]).toEqual([{ result: null }, { result: null }])
  })

  test('a manager invites many at once, and nobody as an owner', async () => {
    const [owner, manager] = [await somebody(), await somebody()]
    const id = await makeOrganization(owner)
    await join(owner, id, manager, 'manager')
    const createMany = `mutation ($invitations: [InvitationInput!]!) {
      createInvitations(input: { invitations: $invitations }) { invitations { address } }
    }`
    const rows = (roles: string[]) => ({
      invitations: roles.map((role, index) => ({
        organizationId: id,
        address: `many${index}@example.com`,
        role,
      })),
    })

    const refused = await ask(manager, createMany, rows(['member', 'owner']))
    const made = await done(manager, createMany, rows(['member', 'manager']))

    expect(codeOf(refused)).toBe('FORBIDDEN')
    expect(made.invitations).toHaveLength(2)
  })
})

describe('invitationChanged', () => {
  test('tells managers of an invitation and its end, and members nothing', async () => {
    const [owner, member] = [await somebody(), await somebody()]
    const id = await makeOrganization(owner)
    const elsewhere = await makeOrganization(member)
    await join(owner, id, member)
    const query = 'subscription { invitationChanged { event invitation { address } } }'
    const [watching, curious] = [listen(owner, query), listen(member, query)]
    await Promise.all([watching.until(1), curious.until(1)])

    await done(owner, createInvitation, { id, address: 'watched@example.com' })
    await watching.until(2)
    await run(`delete from app_public.invitations where address = 'watched@example.com'`)
    await done(member, createInvitation, { id: elsewhere, address: 'own@example.com' })

    const events = await watching.until(3)
    const seen = await curious.until(2)
    expect(events.map(({ event }): unknown => event)).toEqual(['STARTED', 'INSERTED', 'DELETED'])
    expect(seen[1]).toEqual({ event: 'INSERTED', invitation: { address: 'own@example.com' } })
  })
})
