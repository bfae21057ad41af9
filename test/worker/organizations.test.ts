import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import pg from 'pg'
import { makeDatabase, type Run, type TestDatabase } from '../support/database.ts'
import { makeStudio, type Studio } from '../support/people.ts'
import { deliver } from '../support/post.ts'

let database: TestDatabase
let client: pg.Client
let studio: Studio
const run: Run = async (sql, values) => (await client.query<Record<string, unknown>>(sql, values)).rows
beforeAll(async () => {
  database = await makeDatabase()
  client = new pg.Client({ connectionString: database.ownerUrl })
  await client.connect()
})
afterAll(async () => {
  await client.end()
  await database.drop()
})
beforeEach(async () => {
  studio = await makeStudio(run)
  await deliver(database)
})
afterEach(async () => {
  await run('delete from app_public.organizations')
  await run('delete from app_public.people')
  await run('delete from app_private.attempts')
  await run('select graphile_worker.complete_jobs(array(select id from graphile_worker.jobs))')
})

const invite = async (): Promise<string> => {
  const [invitation] = await run(
    `insert into app_public.invitations (organization_id, address, role, inviter_id)
     values ($1, 'ida@example.com', 'manager', $2) returning id`,
    [studio.organizationId, studio.owner],
  )
  return invitation!.id as string
}
const add = (task: string, payload: object) =>
  run('select graphile_worker.add_job($1, $2::json, max_attempts := 1)', [task, payload])
const lastError = async () => (await run('select last_error from graphile_worker.jobs'))[0]?.last_error
const offerOf = async (token: string) =>
  (await run('select role from app_public.find_invitation($1)', [token]))[0]!.role

describe('invitation__send', () => {
  test('mails who invites to what, with a token that works', async () => {
    await invite()

    const [mail, ...others] = await deliver(database)

    expect(others).toEqual([])
    expect(mail!.to).toBe('ida@example.com')
    expect(mail).toMatchObject({
      name: 'invitation',
      values: { inviter: 'Olga', organization: 'Studio', role: 'manager', days: 14 },
    })
    expect(mail!.values.link).toBe(`https://app.example.com/invitation#${mail!.values.token as string}`)
    expect(await offerOf(mail!.values.token as string)).toBe('manager')
  })

  test('stores the hash of the token alone', async () => {
    await invite()
    const [mail] = await deliver(database)
    const token = mail!.values.token as string

    const [row] = await run(
      `select hash = sha256(convert_to($1, 'UTF8')) as is_hash, concat(
         (select string_agg(invitations::text, '') from app_public.invitations),
         (select string_agg(jobs::text, '') from graphile_worker._private_jobs as jobs),
         (select string_agg(changes::text, '') from plinth_realtime.changes)
       ) as text from app_private.invitation_tokens`,
      [token],
    )

    expect(row!.is_hash).toBe(true)
    expect(row!.text).toContain('ida@example.com')
    expect(row!.text).not.toContain(token)
  })

  test('run again it mails another token, and the one before is void', async () => {
    const id = await invite()
    const [first] = await deliver(database)

    await add('invitation__send', { id })
    const [second] = await deliver(database)

    expect(await offerOf(first!.values.token as string)).toBeNull()
    expect(await offerOf(second!.values.token as string)).toBe('manager')
  })

  test.each([
    ['was revoked', 'delete from app_public.invitations'],
    ['has expired', 'update app_public.invitations set expires_at = now()'],
    ['is nobody’s any more', 'update app_public.invitations set inviter_id = null'],
  ])('one that %s is done, not failed, and not mailed', async (_, sql) => {
    await invite()
    await run(sql)

    expect(await deliver(database)).toEqual([])
    expect(await lastError()).toBeUndefined()
  })

  test('a malformed payload fails with what is wrong about it', async () => {
    await add('invitation__send', { id: 7 })

    await deliver(database)

    expect(await lastError()).toContain('id')
  })
})

describe('organization__send_deletion_notice', () => {
  const notice = (personId: string) =>
    add('organization__send_deletion_notice', {
      organizationId: studio.organizationId,
      personId,
      deciderId: studio.owner,
    })
  const decide = () =>
    run(`update app_public.organizations set deletes_at = '2099-03-09 16:05Z' where id = $1`, [
      studio.organizationId,
    ])

  test('tells who decided it, and until when it can be undone', async () => {
    await decide()
    await notice(studio.manager)

    const [mail] = await deliver(database)

    expect(mail!.to).toBe('marc@example.com')
    expect(mail).toMatchObject({
      name: 'organization-deletion',
      values: {
        name: 'Marc',
        by: 'Olga',
        organization: 'Studio',
        deletesAt: new Date('2099-03-09T16:05:00Z'),
      },
    })
  })

  test('is not sent once the organization is kept, nor to somebody who is gone', async () => {
    await notice(studio.manager)
    await decide()
    await run('update app_public.organizations set deletes_at = null')
    await notice('01900000-0000-7000-8000-000000000000')

    expect(await deliver(database)).toEqual([])
    expect(await lastError()).toBeUndefined()
  })
})

describe('by night', () => {
  test('what is due goes, however often it runs', async () => {
    await run('update app_public.organizations set deletes_at = now() where id = $1', [studio.organizationId])
    await add('organization__delete_due', {})
    await add('organization__delete_due', {})

    await deliver(database)

    expect(await lastError()).toBeUndefined()
    expect(await run('select name from app_public.organizations')).toEqual([{ name: 'Elsewhere' }])
  })

  test('invitations that expired a month ago go', async () => {
    await invite()
    await run(`update app_public.invitations set expires_at = now() - interval '31 days'`)
    await add('retention__purge', {})

    await deliver(database)

    expect(await run('select id from app_public.invitations')).toEqual([])
  })
})
