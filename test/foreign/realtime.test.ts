import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { type JWTPayload, SignJWT } from 'jose'
import { withConnection } from '../../src/database/connection.ts'
import type { TestApi } from '../support/api.ts'
import { listCatalog, serveAsIs, useForeignDatabase } from '../support/foreignDatabase.ts'
import { usePlinth } from '../support/process.ts'
import { subscribeTo, type Subscriber } from '../support/subscriber.ts'

const { database } = useForeignDatabase(`
  create role gatekeeper login noinherit password 'gatekeeper';
  create role guest; create role member; create role auditor;
  grant guest, member, auditor to gatekeeper;

  create table "Odd Notes" (
    "the key" bigint, "event" text, owner text not null, body text not null default '',
    primary key ("the key", "event")
  );
  alter table "Odd Notes" enable row level security;
  create policy member on "Odd Notes" to member
    using (owner = nullif(current_setting('jwt.claims.sub', true), ''));
  create policy auditor on "Odd Notes" for select to auditor using (true);
  create table secrets (owner text);
  insert into secrets values ('carol');
  grant select on secrets to auditor;
  create policy not_secret on "Odd Notes" as restrictive to auditor
    using (not exists (select from secrets where secrets.owner = "Odd Notes".owner));
  grant select, insert, update, delete on "Odd Notes" to member;
  grant select on "Odd Notes" to auditor;
  create role reader; grant reader to gatekeeper; grant select (body) on "Odd Notes" to reader;
  create table odd_note_changes (id integer primary key);
  create table change_kinds (id integer primary key);
  create table keyless (id integer);`)

const plinth = usePlinth(afterAll)
const secret = 'a secret of more than thirty-two characters'
const env = { JWT_SECRET: secret, ROLE_ANONYMOUS: 'guest' }
const tokenOf = (payload: JWTPayload) =>
  new SignJWT(payload).setProtectedHeader({ alg: 'HS256' }).sign(new TextEncoder().encode(secret))

const subscribers: Subscriber[] = []
let catalog: string[]
let api: TestApi
const realtime = async (command: string, ...args: string[]) => {
  const authenticator = new URL(database().superuserUrl)
  authenticator.username = authenticator.password = 'gatekeeper'
  return plinth.run(['realtime', command, ...args], {
    env: {
      SCHEMAS: 'public',
      DATABASE_URL: database().superuserUrl,
      AUTHENTICATOR_DATABASE_URL: authenticator.toString(),
    },
  })
}
const sql = (text: string) => withConnection(database().superuserUrl, (client) => client.query(text))

beforeAll(async () => {
  catalog = await listCatalog(database())
}, 120_000)
afterAll(async () => {
  await Promise.all(subscribers.map((subscriber) => subscriber.stop()))
  await api.close()
})

const listen = async (payload: JWTPayload, query: string): Promise<Subscriber> => {
  const subscriber = subscribeTo(api.url, query, { token: await tokenOf(payload) })
  subscribers.push(subscriber)
  return subscriber
}
const all = 'subscription { oddNoteChanged { event theKey eventKey oddNote { body } } }'

describe('a database that is served as it is', () => {
  test('its owner installs the recording of a table, twice without harm', async () => {
    const first = await realtime('install', '"Odd Notes"')
    const second = await realtime('install', '"Odd Notes"')
    const listed = await realtime('status')
    api = await serveAsIs(database(), 'gatekeeper', env)

    expect([first.code, second.code]).toEqual([0, 0])
    expect(second.stdout).toContain('already')
    expect(listed.stdout).toBe('public."Odd Notes"\n')
  })

  test.each([
    ['nothing.there', 'does not exist'],
    ['keyless', 'no primary key'],
  ])('of %s it is told why not', async (table, words) => {
    const { code, stderr } = await realtime('install', table)

    expect(code).toBe(1)
    expect(stderr).toContain(words)
  })

  test('subscribers are told what policies let them see, by the claims of their tokens', async () => {
    const [alice, bob, auditor] = [
      await listen({ sub: 'alice', role: 'member' }, all),
      await listen({ sub: 'bob', role: 'member' }, all),
      await listen({ role: 'auditor' }, all),
    ]
    await Promise.all([alice, bob, auditor].map((subscriber) => subscriber.until(1)))

    await sql(`insert into "Odd Notes" values (9007199254740993, 'a', 'alice', 'hers')`)
    await sql(`update "Odd Notes" set owner = 'bob', body = 'his' where owner = 'alice'`)
    await sql(`delete from "Odd Notes"`)
    await sql(`insert into "Odd Notes" values (1, 'x', 'carol', 'secret'), (2, 'y', 'dave', 'end')`)

    const kinds = (events: Record<string, any>[]) => events.slice(1).map(({ event }) => event as string)
    expect(kinds(await alice.until(3))).toEqual(['INSERTED', 'LEFT'])
    expect(kinds(await bob.until(3))).toEqual(['ENTERED', 'DELETED'])
    expect(kinds(await auditor.until(5))).toEqual(['INSERTED', 'UPDATED', 'DELETED', 'INSERTED'])
    expect(alice.events[1]).toMatchObject({ theKey: '9007199254740993', eventKey: 'a' })
    expect(auditor.events[4]).toMatchObject({ theKey: '2', oddNote: { body: 'end' } })
  })

  test.each(['guest', 'reader'])(
    'a %s, who may not read the key of a row, is refused, for they would hear of none',
    async (role) => {
      const subscriber = await listen({ role }, 'subscription { oddNoteChanged { event } }')
      await subscriber.ended

      expect(subscriber.events).toEqual([])
      expect(subscriber.errors[0]?.extensions).toMatchObject({ code: 'FORBIDDEN' })
    },
  )

  test('a member who has no row of the table begins nevertheless', async () => {
    const nobody = await listen({ sub: 'nobody', role: 'member' }, all)

    expect(await nobody.until(1)).toMatchObject([{ event: 'STARTED' }])
  })

  test('a subscription ends with its token', async () => {
    const expires = Math.floor(Date.now() / 1000) + 2
    const subscriber = await listen({ sub: 'alice', role: 'member', exp: expires }, all)
    await subscriber.until(1)

    const { code } = await subscriber.closed
    expect(code).toBe(4401)
    expect(Date.now() - expires * 1000).toBeLessThan(1000)
  })

  test('whose owner removes the recording is as it was', async () => {
    await Promise.all(subscribers.map((subscriber) => subscriber.stop()))
    await api.close()
    const { code, stdout } = await realtime('uninstall', '"Odd Notes"')
    const listed = await realtime('status')
    api = await serveAsIs(database(), 'gatekeeper', env)
    const { data } = await api.ask('{ __schema { subscriptionType { name } } }')

    expect(code).toBe(0)
    expect(stdout).toContain('plinth_realtime is removed')
    expect(listed.stdout).toBe('')
    expect(data).toEqual({ __schema: { subscriptionType: null } })
    // A table that has had a trigger keeps the mark of it.
    const plain = (lines: string[]) => lines.map((line) => line.replace(/"relhastriggers": \w+/, ''))
    expect(plain(await listCatalog(database()))).toEqual(plain(catalog))
  })
})
