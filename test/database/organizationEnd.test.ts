import { beforeEach, describe, expect, test } from '@jest/globals'
import { useTransaction } from '../support/database.ts'
import { makePerson, makeStudio, type Studio } from '../support/people.ts'
import { everybody, signInForMinutes } from './actors.ts'

const as = useTransaction()
let studio: Studio
beforeEach(async () => {
  studio = await makeStudio(as.owner)
  await as.owner('update app_public.email_addresses set is_primary = true')
})

const request = 'select id, expires_at from app_public.request_organization_deletion($1)'
const confirm = 'select id, deletes_at from app_public.confirm_organization_deletion($1, $2)'
const keep = 'select id, deletes_at from app_public.keep_organization($1)'
const code = 'K7QF2MXD'

/** What the task does that mails a code. */
async function codeArrives(id: string): Promise<void> {
  await as.owner(
    'update app_private.mail_codes set code_hash = app_private.code_hash(id, $2) where id = $1',
    [id, code],
  )
}

async function codeOf(person = studio.owner): Promise<string> {
  await signInForMinutes(as, person, 0)
  const [sent] = await as.person(person)(request, [studio.organizationId])
  await codeArrives(sent!.id as string)
  return sent!.id as string
}

const deletesAt = async () =>
  (
    await as.owner('select deletes_at from app_public.organizations where id = $1', [studio.organizationId])
  )[0]!.deletes_at

const queued = (task: string) =>
  as.owner(
    `select jobs.payload from graphile_worker._private_jobs as jobs
     join graphile_worker._private_tasks as tasks on tasks.id = jobs.task_id where tasks.identifier = $1`,
    [task],
  )

describe('app_public.request_organization_deletion', () => {
  test('an owner has a code mailed to their primary address', async () => {
    await signInForMinutes(as, studio.owner, 0)

    const [sent] = await as.person(studio.owner)(request, [studio.organizationId])

    const codes = await as.owner('select id, purpose, address, person_id from app_private.mail_codes')
    expect(codes).toEqual([
      { id: sent!.id, purpose: 'delete_organization', address: 'olga@example.com', person_id: studio.owner },
    ])
    expect(await queued('mail_code__send')).toEqual([{ payload: { id: sent!.id } }])
    expect(await deletesAt()).toBeNull()
  })

  test.each(['manager', 'member', 'stranger'] as const)('the %s gets none', async (who) => {
    await signInForMinutes(as, studio[who], 0)

    const asking = as.person(studio[who])(request, [studio.organizationId])

    await expect(asking).rejects.toMatchObject({ code: 'NTFND', column: 'organization_id' })
    expect(await as.owner('select id from app_private.mail_codes')).toEqual([])
  })

  test.each([
    ['null', () => null],
    ['an id that is nobody’s', () => studio.member],
  ])('for %s there is none', async (_, id) => {
    await signInForMinutes(as, studio.owner, 0)

    await expect(as.person(studio.owner)(request, [id()])).rejects.toMatchObject({ code: 'NTFND' })
  })

  test('an anonymous caller may not call it', async () => {
    await expect(as.anonymous(request, [studio.organizationId])).rejects.toMatchObject({ code: '42501' })
  })

  test('an owner whose sign-in is old has to sign in again', async () => {
    await signInForMinutes(as, studio.owner, 11)

    await expect(as.person(studio.owner)(request, [studio.organizationId])).rejects.toMatchObject({
      code: 'REAUT',
    })
  })

  test('its mails are counted', async () => {
    const count = () => as.person(studio.owner)('select app_hidden.count_deletion_mail() as wait')
    for (let mail = 1; mail <= 5; mail++) expect(await count()).toEqual([{ wait: null }])

    expect(await count()).toEqual([{ wait: expect.any(Number) }])
  })
})

describe('app_public.confirm_organization_deletion', () => {
  test('the code sets the end in fourteen days', async () => {
    const id = await codeOf()

    const rows = await as.person(studio.owner)(confirm, [id, 'k7qf-2mxd'])

    const [now] = await as.owner(`select now() + interval '14 days' as due`)
    expect(rows).toEqual([{ id: studio.organizationId, deletes_at: now!.due }])
  })

  test('each owner is told by mail and in the log, and nobody else', async () => {
    const nora = await makePerson(as.owner, 'Nora')
    await as.owner(
      `insert into app_public.memberships (organization_id, person_id, role) values ($1, $2, 'owner')`,
      [studio.organizationId, nora],
    )
    await as.person(studio.owner)(confirm, [await codeOf(), code])

    const told = (await queued('organization__send_deletion_notice')).map(
      (row) => (row.payload as { personId: string }).personId,
    )
    const logged = await as.owner(
      `select person_id from app_public.security_events where kind = 'organization_deletion_decided'`,
    )
    expect(told.sort()).toEqual([studio.owner, nora].sort())
    expect(logged.map((row) => row.person_id).sort()).toEqual(told)
  })

  test.each([
    ['a wrong code', () => studio.owner, 'K7QF2MXX', ''],
    ['no code', () => studio.owner, null, ''],
    ['an expired code', () => studio.owner, code, 'update app_private.mail_codes set expires_at = now()'],
    ['the code of somebody else', () => studio.manager, code, ''],
    [
      'a code for something else',
      () => studio.owner,
      code,
      `update app_private.mail_codes set purpose = 'sign_in'`,
    ],
    [
      'a code of somebody who is an owner no more',
      () => studio.owner,
      code,
      `update app_public.memberships set role = case role when 'owner' then 'manager' else 'owner' end
       where organization_id = (select id from app_public.organizations where name = 'Studio')
         and role in ('owner', 'manager')`,
    ],
  ])('%s decides nothing', async (_, who, given, meanwhile) => {
    const id = await codeOf()
    if (meanwhile) await as.owner(meanwhile)

    const rows = await as.person(who())(confirm, [id, given])

    expect(rows).toEqual([{ id: null, deletes_at: null }])
    expect(await deletesAt()).toBeNull()
    expect(await queued('organization__send_deletion_notice')).toEqual([])
  })

  test('a code decides once', async () => {
    const id = await codeOf()
    await as.person(studio.owner)(confirm, [id, code])
    await as.person(studio.owner)(keep, [studio.organizationId])

    const again = await as.person(studio.owner)(confirm, [id, code])

    expect(again).toEqual([{ id: null, deletes_at: null }])
    expect(await deletesAt()).toBeNull()
  })

  test('a second decision puts nothing off, and tells nobody anew', async () => {
    const [first, second] = [await codeOf(), await codeOf()]
    await as.person(studio.owner)(confirm, [first, code])
    await as.owner(`update app_public.organizations set deletes_at = deletes_at - interval '1 day'`)
    const before = await deletesAt()

    const rows = await as.person(studio.owner)(confirm, [second, code])

    expect(rows).toEqual([{ id: studio.organizationId, deletes_at: before }])
    expect(await queued('organization__send_deletion_notice')).toHaveLength(1)
  })

  test('an anonymous caller may not call it', async () => {
    await expect(as.anonymous(confirm, [await codeOf(), code])).rejects.toMatchObject({ code: '42501' })
  })
})

describe('the date of the end', () => {
  test.each(everybody)('the %s cannot set it directly', async (who) => {
    const run = who === 'anonymous caller' ? as.anonymous : as.person(studio[who])

    await expect(run('update app_public.organizations set deletes_at = now()')).rejects.toMatchObject({
      code: '42501',
    })
  })

  test('members see it', async () => {
    await as.person(studio.owner)(confirm, [await codeOf(), code])

    const rows = await as.person(studio.member)('select deletes_at from app_public.organizations')

    expect(rows).toEqual([{ deletes_at: expect.any(Date) }])
  })
})

describe('app_public.keep_organization', () => {
  beforeEach(async () => {
    await as.person(studio.owner)(confirm, [await codeOf(), code])
  })

  test('another owner than the one who decided keeps it', async () => {
    await as.owner(
      `update app_public.memberships set role = 'owner' where organization_id = $1 and person_id = $2`,
      [studio.organizationId, studio.member],
    )

    const rows = await as.person(studio.member)(keep, [studio.organizationId])

    expect(rows).toEqual([{ id: studio.organizationId, deletes_at: null }])
    expect(await deletesAt()).toBeNull()
    expect(
      await as.person(studio.owner)(
        `select detail from app_public.security_events where kind = 'organization_kept'`,
      ),
    ).toEqual([{ detail: 'Studio' }])
  })

  test('kept twice it stays kept, and the log says so once', async () => {
    await as.person(studio.owner)(keep, [studio.organizationId])
    const rows = await as.person(studio.owner)(keep, [studio.organizationId])

    expect(rows).toEqual([{ id: studio.organizationId, deletes_at: null }])
    expect(
      await as.owner(`select id from app_public.security_events where kind = 'organization_kept'`),
    ).toHaveLength(1)
  })

  test.each(['manager', 'member', 'stranger'] as const)('the %s cannot keep it', async (who) => {
    const keeping = as.person(studio[who])(keep, [studio.organizationId])

    await expect(keeping).rejects.toMatchObject({ code: 'NTFND', column: 'organization_id' })
    expect(await deletesAt()).not.toBeNull()
  })

  test('an anonymous caller may not call it', async () => {
    await expect(as.anonymous(keep, [studio.organizationId])).rejects.toMatchObject({ code: '42501' })
  })
})
