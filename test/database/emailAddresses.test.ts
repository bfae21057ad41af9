import { beforeEach, describe, expect, test } from '@jest/globals'
import { type Run, useTransaction } from '../support/database.ts'
import { makeStudio, type Studio } from '../support/people.ts'
import { setCode, startSession } from '../support/sessions.ts'
import { everybody, runAs } from './actors.ts'

const as = useTransaction()
let studio: Studio
beforeEach(async () => {
  studio = await makeStudio(as.owner)
})

describe('app_public.email_addresses', () => {
  test.each([
    ['owner', 'olga@example.com'],
    ['manager', 'marc@example.com'],
    ['member', 'mia@example.com'],
    ['stranger', 'stan@example.com'],
  ] as const)('the %s sees their own address, and no colleague’s', async (who, address) => {
    const rows = await as.person(studio[who])('select address from app_public.email_addresses')

    expect(rows).toEqual([{ address }])
  })

  test('an anonymous caller may not even ask', async () => {
    await expect(as.anonymous('select * from app_public.email_addresses')).rejects.toMatchObject({
      code: '42501',
    })
  })

  test.each(everybody)('the %s cannot claim an address', async (who) => {
    const claiming = runAs(
      as,
      studio,
      who,
    )('insert into app_public.email_addresses (person_id, address) values ($1, $2)', [
      studio.member,
      'second@example.com',
    ])

    await expect(claiming).rejects.toMatchObject({ code: '42501' })
  })

  test.each(everybody)('the %s cannot change an address', async (who) => {
    const changing = runAs(
      as,
      studio,
      who,
    )(`update app_public.email_addresses set address = 'other@example.com'`)

    await expect(changing).rejects.toMatchObject({ code: '42501' })
  })

  test.each(everybody)('the %s cannot delete an address', async (who) => {
    const deleting = runAs(as, studio, who)('delete from app_public.email_addresses')

    await expect(deleting).rejects.toMatchObject({ code: '42501' })
  })

  test.each([
    ['in upper case', 'Mia2@example.com', '23514'],
    ['of 255 characters', `${'x'.repeat(243)}@example.com`, '23514'],
    ['of somebody else', 'stan@example.com', '23505'],
  ])('not even the database’s owner stores an address %s', async (_, address, code) => {
    const storing = as.owner('insert into app_public.email_addresses (person_id, address) values ($1, $2)', [
      studio.member,
      address,
    ])

    await expect(storing).rejects.toMatchObject({ code })
  })
})

const log = `select kind, detail from app_public.security_events where kind like 'address%'`
const addresses = 'select address, is_primary from app_public.email_addresses order by address'

describe('adding an address', () => {
  const add = 'select id from app_public.add_email_address($1)'
  const confirm = 'select address, is_primary from app_public.confirm_email_address($1, $2)'
  let mia: Run
  let code: [id: string, code: string]
  beforeEach(async () => {
    mia = as.person(studio.member, await startSession(as.owner, studio.member))
    const [sent] = await mia(add, [' Mia@Example.org '])
    code = [sent!.id as string, await setCode(as.owner, sent!.id as string)]
  })

  test('a person who proves it has one more, and is told where they were', async () => {
    expect(await mia(confirm, code)).toEqual([{ address: 'mia@example.org', is_primary: false }])
    expect(await mia(addresses)).toEqual([
      { address: 'mia@example.com', is_primary: true },
      { address: 'mia@example.org', is_primary: false },
    ])
    expect(await mia(log)).toEqual([{ kind: 'address_added', detail: 'mia@example.org' }])
  })

  test('a person whose code is wrong, used or expired has not', async () => {
    const nothing = [{ address: null, is_primary: null }]

    expect(await mia(confirm, [code[0], 'ZZZZ-ZZZZ'])).toEqual(nothing)
    await as.owner('update app_private.mail_codes set expires_at = now()')
    expect(await mia(confirm, code)).toEqual(nothing)
    await as.owner(`update app_private.mail_codes set expires_at = now() + interval '1 second'`)
    await mia(confirm, code)
    expect(await mia(confirm, code)).toEqual(nothing)
  })

  test('somebody else cannot add it, though they have the code', async () => {
    const stan = as.person(studio.stranger, await startSession(as.owner, studio.stranger))

    expect(await stan(confirm, code)).toEqual([{ address: null, is_primary: null }])
    expect(await mia(confirm, code)).toHaveLength(1)
  })

  test('an address that somebody else has meanwhile stays theirs', async () => {
    await as.owner(
      `insert into app_public.email_addresses (person_id, address) values ($1, 'mia@example.org')`,
      [studio.stranger],
    )

    expect(await mia(confirm, code)).toEqual([{ address: null, is_primary: null }])
    expect(await mia(addresses)).toEqual([{ address: 'mia@example.com', is_primary: true }])
  })

  test('an old session cannot ask for a code, nor can a key', async () => {
    const old = as.person(studio.member, await startSession(as.owner, studio.member, '11 minutes'))

    await expect(old(add, ['x@example.org'])).rejects.toMatchObject({ code: 'REAUT' })
    await expect(as.person(studio.member)(add, ['x@example.org'])).rejects.toMatchObject({ code: 'REAUT' })
    await expect(as.anonymous(add, ['x@example.org'])).rejects.toMatchObject({ code: '42501' })
  })
})

describe('a second address', () => {
  const makePrimary = 'select address from app_public.make_email_address_primary($1)'
  const remove = 'select app_public.remove_email_address($1) as is_removed'
  let mia: Run
  let first: unknown
  let second: unknown
  beforeEach(async () => {
    mia = as.person(studio.member, await startSession(as.owner, studio.member))
    first = (await mia('select id from app_public.email_addresses'))[0]!.id
    const [added] = await as.owner(
      `insert into app_public.email_addresses (person_id, address) values ($1, 'mia@example.org') returning id`,
      [studio.member],
    )
    second = added!.id
  })

  test('a person makes it the primary one', async () => {
    expect(await mia(makePrimary, [second])).toEqual([{ address: 'mia@example.org' }])
    expect(await mia(addresses)).toEqual([
      { address: 'mia@example.com', is_primary: false },
      { address: 'mia@example.org', is_primary: true },
    ])
  })

  test('a person removes it, and the primary one they cannot', async () => {
    await expect(mia(remove, [first])).rejects.toMatchObject({ code: 'P0001' })
    expect(await mia(remove, [second])).toEqual([{ is_removed: true }])
    expect(await mia(addresses)).toEqual([{ address: 'mia@example.com', is_primary: true }])
    expect(await mia(log)).toEqual([{ kind: 'address_removed', detail: 'mia@example.org' }])
  })

  test.each([makePrimary, remove])('nobody else can: %s', async (statement) => {
    const stan = as.person(studio.stranger, await startSession(as.owner, studio.stranger))
    const old = as.person(studio.member, await startSession(as.owner, studio.member, '11 minutes'))

    await expect(stan(statement, [second])).rejects.toMatchObject({ code: 'NTFND' })
    await expect(old(statement, [second])).rejects.toMatchObject({ code: 'REAUT' })
    await expect(as.anonymous(statement, [second])).rejects.toMatchObject({ code: '42501' })
    expect(await mia(addresses)).toHaveLength(2)
  })

  test('nobody has two primary ones', async () => {
    const making = as.owner('update app_public.email_addresses set is_primary = true where id = $1', [second])

    await expect(making).rejects.toMatchObject({ code: '23505' })
  })
})
