import { createHash } from 'node:crypto'
import { beforeEach, describe, expect, test } from '@jest/globals'
import { type Run, useTransaction } from '../support/database.ts'
import { makePerson } from '../support/people.ts'
import { startSession } from '../support/sessions.ts'

const as = useTransaction()
let person: string
let stranger: string
let recent: Run
beforeEach(async () => {
  person = await makePerson(as.owner, 'Mia')
  stranger = await makePerson(as.owner, 'Stan')
  recent = as.person(person, await startSession(as.owner, person))
})

const create = `select token, id, expires_at = now() + $3::interval as is_as_asked
  from app_public.create_api_key($1, $2, now() + $3::interval)`
const sha256 = (text: string) => createHash('sha256').update(text).digest()
const identify = 'select * from app_private.identify($1)'

describe('app_public.create_api_key', () => {
  test('a person gets a token with a prefix, of which the hash alone is stored', async () => {
    const [key] = await recent(create, ['Backup', false, '30 days'])

    const token = key!.token as string
    const [stored] = await as.owner('select *, api_keys::text as text from app_public.api_keys')
    expect(token).toMatch(/^plinth_key_[0-9a-f]{64}$/)
    expect(key!.is_as_asked).toBe(true)
    expect(stored).toMatchObject({
      id: key!.id,
      person_id: person,
      name: 'Backup',
      starts_with: token.slice(0, 19),
      can_write: false,
      last_used_at: null,
    })
    expect(stored!.text).not.toContain(token)
    expect(
      await as.owner('select hash, can_write from app_private.tokens where api_key_id is not null'),
    ).toEqual([{ hash: sha256(token), can_write: false }])
  })

  test.each([
    ['read', false, [{ setting: 'transaction_read_only', value: 'on' }]],
    ['write', true, []],
  ])('the bearer of a key that may %s acts as its person, in no session', async (_, canWrite, more) => {
    const [key] = await recent(create, ['Backup', canWrite, '30 days'])

    expect(await as.owner(identify, [sha256(key!.token as string)])).toEqual([
      { setting: 'role', value: 'plinth_person' },
      { setting: 'plinth.person_id', value: person },
      { setting: 'plinth.session_id', value: '' },
      { setting: 'plinth.device_id', value: '' },
      ...more,
    ])
  })

  test('without a word on writing a key may read alone', async () => {
    await recent(create, ['Backup', null, '30 days'])

    expect(await as.owner('select can_write from app_public.api_keys')).toEqual([{ can_write: false }])
  })

  test.each([
    ['no name', null, '30 days', '23502', 'name'],
    ['a blank name', '  ', '30 days', '23514', undefined],
    ['an end in the past', 'Backup', '-1 second', '22023', 'expires_at'],
    ['an end in two years', 'Backup', '2 years', '22023', 'expires_at'],
    ['no end', 'Backup', null, '22023', 'expires_at'],
  ])('%s is refused', async (_, name, span, code, column) => {
    await expect(recent(create, [name, false, span])).rejects.toMatchObject({ code, column })
  })

  test('a session of eleven minutes is not recent enough', async () => {
    const old = as.person(person, await startSession(as.owner, person, '11 minutes'))

    await expect(old(create, ['Backup', false, '30 days'])).rejects.toMatchObject({ code: 'REAUT' })
  })

  test('a key makes no keys', async () => {
    const byKey = as.person(person)

    await expect(byKey(create, ['Backup', true, '30 days'])).rejects.toMatchObject({ code: 'REAUT' })
  })

  test('the session of somebody else is of no use', async () => {
    const foreign = as.person(stranger, 'ffffffff-ffff-7fff-bfff-ffffffffffff')

    await expect(foreign(create, ['Backup', false, '30 days'])).rejects.toMatchObject({ code: 'REAUT' })
  })

  test('an anonymous caller may not even ask', async () => {
    await expect(as.anonymous(create, ['Backup', false, '30 days'])).rejects.toMatchObject({ code: '42501' })
  })

  test('the log tells of it, and a mail is queued', async () => {
    await recent(create, ['Backup', false, '30 days'])

    expect(await recent('select kind, detail from app_public.security_events')).toEqual([
      { kind: 'api_key_made', detail: 'Backup' },
    ])
    expect(await as.owner('select task_identifier from graphile_worker.jobs')).toEqual([
      { task_identifier: 'security_event__send_notice' },
    ])
  })
})

describe('app_public.api_keys', () => {
  const all = 'select name from app_public.api_keys'
  beforeEach(() => recent(create, ['Backup', true, '30 days']))

  test('a person sees their own, and nobody else does', async () => {
    expect(await as.person(person)(all)).toEqual([{ name: 'Backup' }])
    expect(await as.person(stranger)(all)).toEqual([])
    await expect(as.anonymous(all)).rejects.toMatchObject({ code: '42501' })
  })

  test('a person renames their own, and nobody else does', async () => {
    const rename = `update app_public.api_keys set name = 'Nightly' returning name`

    expect(await as.person(stranger)(rename)).toEqual([])
    expect(await as.person(person)(rename)).toEqual([{ name: 'Nightly' }])
  })

  test('a person ends their own, and from then on its bearer is refused', async () => {
    const [key] = await recent(create, ['Other', true, '30 days'])
    const hash = sha256(key!.token as string)

    expect(await as.person(stranger)('delete from app_public.api_keys returning id')).toEqual([])
    await as.person(person)('delete from app_public.api_keys where id = $1', [key!.id])

    await expect(as.owner(identify, [hash])).rejects.toMatchObject({ code: '28000' })
    expect(await as.owner('select array(select app_private.ended_sessions($1)) as ended', [[hash]])).toEqual([
      { ended: [hash] },
    ])
    expect(await as.person(person)('select kind from app_public.security_events')).toContainEqual({
      kind: 'api_key_ended',
    })
  })

  test.each(['person_id', 'starts_with', 'can_write', 'created_at', 'last_used_at', 'expires_at'])(
    'a person cannot set the %s',
    async (column) => {
      const setting = as.person(person)(`update app_public.api_keys set ${column} = default`)

      await expect(setting).rejects.toMatchObject({ code: '42501' })
    },
  )

  test('a person cannot make one by hand', async () => {
    const making = as.person(person)(
      `insert into app_public.api_keys (person_id, name, starts_with, can_write, expires_at)
       values ($1, 'Mine', 'x', true, now())`,
      [person],
    )

    await expect(making).rejects.toMatchObject({ code: '42501' })
  })

  test('an expired key counts for nothing, and is purged', async () => {
    const [key] = await recent(create, ['Old', true, '1 second'])
    await as.owner(`update app_private.tokens set expires_at = now() where api_key_id = $1`, [key!.id])
    await as.owner(`update app_public.api_keys set expires_at = now() where id = $1`, [key!.id])

    await expect(as.owner(identify, [sha256(key!.token as string)])).rejects.toMatchObject({ code: '28000' })
    expect(await as.owner('select app_private.purge_expired_sessions()::int as count')).toEqual([
      { count: 1 },
    ])
    expect(await as.owner(all)).toEqual([{ name: 'Backup' }])
  })
})
