import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { type JWTPayload, SignJWT } from 'jose'
import type { TestApi } from '../support/api.ts'
import { listCatalog, serveAsIs, useForeignDatabase } from '../support/foreignDatabase.ts'

const { database } = useForeignDatabase(`
  create role gatekeeper login noinherit password 'gatekeeper';
  create role guest; create role member; create role auditor; create role outsider;
  grant guest, member, auditor to gatekeeper;

  create table notes (id integer generated always as identity primary key, owner text not null, body text not null);
  insert into notes (owner, body) values ('alice', 'of Alice'), ('bob', 'of Bob'), ('carol', 'of Carol');
  alter table notes enable row level security;
  create policy all_member on notes to member
    using (owner = nullif(current_setting('jwt.claims.sub', true), ''));
  create policy select_auditor on notes for select to auditor
    using (current_setting('request.jwt.claims')::jsonb -> 'scopes' ? 'audit');
  grant select, insert (owner, body), update (body), delete on notes to member;
  grant select on notes to auditor;

  create function me() returns text language sql stable as 'select current_user::text';
  create function claims() returns jsonb language sql stable
    as $$ select current_setting('request.jwt.claims', true)::jsonb $$;
  create function setting(name text) returns text language sql stable as 'select current_setting(name, true)';
  create function rename_note(id integer, body text) returns notes language sql
    as 'update notes set body = $2 where id = $1 returning *';`)

type Claims = JWTPayload & { role: string; team?: string }

const secret = 'a secret of more than thirty-two characters'
const tokenOf = (payload: JWTPayload) =>
  new SignJWT(payload).setProtectedHeader({ alg: 'HS256' }).sign(new TextEncoder().encode(secret))

let api: TestApi
let catalog: string[]
beforeAll(async () => {
  catalog = await listCatalog(database())
  api = await serveAsIs(database(), 'gatekeeper', {
    JWT_SECRET: secret,
    ROLE_ANONYMOUS: 'guest',
    POOL_SIZE: '2',
  })
}, 120_000)
afterAll(() => api.close())

const ask = async (query: string, payload?: JWTPayload) =>
  api.ask(query, payload ? { token: await tokenOf(payload) } : {})

describe('a caller with a good token', () => {
  test('acts as the role that it names, with its claims in both spellings', async () => {
    const payload = { sub: 'alice', role: 'member', org: { id: 7 } }

    const { data } = await ask(
      '{ me claims sub: setting(name: "jwt.claims.sub") org: setting(name: "jwt.claims.org") }',
      payload,
    )

    expect(data).toEqual({ me: 'member', claims: payload, sub: 'alice', org: '{"id":7}' })
  })

  test('sees and changes what policies allow by its claims', async () => {
    const alice = { sub: 'alice', role: 'member' }

    const seen = await ask('{ notes { nodes { body } } }', alice)
    const audited = await ask('{ notes { totalCount } }', { role: 'auditor', scopes: ['audit'] })
    const unaudited = await ask('{ notes { totalCount } }', { role: 'auditor', scopes: [] })
    const renamed = await ask(
      'mutation { renameNote(input: { id: 1, body: "mine" }) { result { body } } }',
      alice,
    )
    const foreign = await ask(
      'mutation { renameNote(input: { id: 2, body: "mine" }) { result { body } } }',
      alice,
    )
    const forged = await ask(
      'mutation { createNote(input: { note: { owner: "bob", body: "x" } }) { note { id } } }',
      alice,
    )

    expect(seen.data).toEqual({ notes: { nodes: [{ body: 'of Alice' }] } })
    expect([audited.data, unaudited.data]).toEqual([
      { notes: { totalCount: 3 } },
      { notes: { totalCount: 0 } },
    ])
    expect(renamed.data).toEqual({ renameNote: { result: { body: 'mine' } } })
    expect(foreign.data).toEqual({ renameNote: { result: null } })
    expect(forged.errors?.[0]?.extensions).toMatchObject({ code: 'FORBIDDEN' })
  })

  test('acts as the anonymous role when it names none', async () => {
    const { data } = await ask('{ me claims }', { sub: 'alice' })

    expect(data).toEqual({ me: 'guest', claims: { sub: 'alice' } })
  })

  test.each(['outsider', 'nobody', 'postgres', 'Member', 'member; reset role', 'member\u0000'])(
    'is refused with a code as the role %j, which is not granted to the login',
    async (role) => {
      const read = await ask('{ me notes { nodes { id } } }', { sub: 'alice', role })
      const write = await ask('mutation { renameNote(input: { id: 1, body: "x" }) { result { id } } }', {
        role,
      })

      expect(read.data).toEqual({ me: null, notes: null })
      expect(write.data).toEqual({ renameNote: null })
      for (const { errors } of [read, write]) {
        expect(errors!.map(({ extensions }) => extensions!.code)).toEqual(errors!.map(() => 'FORBIDDEN'))
      }
    },
  )

  test('cannot shed its role by the name that Postgres has for that', async () => {
    const { status, data, errors } = await ask('{ me }', { role: 'none' })

    expect({ status, data }).toEqual({ status: 403, data: undefined })
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'FORBIDDEN' })
  })

  test('reaches no setting but those of claims, whatever the claims are called', async () => {
    const payload = {
      sub: 'alice',
      role: 'member',
      SUB: 'bob',
      search_path: 'pg_catalog',
      'jwt.claims.sub': 'bob',
      statement_timeout: '1',
      nul: 'a\u0000b',
      half: '\ud800',
      deep: JSON.parse(`${'['.repeat(500)}${']'.repeat(500)}`) as unknown,
      long: 'x'.repeat(5000),
    }

    const { data, errors } = await ask(
      `{ me path: setting(name: "search_path") timeout: setting(name: "statement_timeout") claims
         sub: setting(name: "jwt.claims.sub") long: setting(name: "jwt.claims.long") nul: setting(name: "jwt.claims.nul")
         notes { nodes { owner } } }`,
      payload,
    )

    expect(errors).toBeUndefined()
    expect(data).toMatchObject({
      me: 'member',
      path: '"$user", public',
      timeout: '0',
      sub: 'alice',
      long: payload.long,
      nul: 'a\ufffdb',
      notes: { nodes: [{ owner: 'alice' }] },
    })
    expect(data!.claims).toMatchObject({ deep: payload.deep, half: '\ufffd', 'jwt.claims.sub': 'bob' })
  })
})

describe('a caller with a token that cannot count', () => {
  const past = Math.floor(Date.now() / 1000) - 10
  test.each<[string, () => Promise<string> | string]>([
    ['is expired', () => tokenOf({ sub: 'alice', role: 'member', exp: past })],
    ['is not signed', async () => `${(await tokenOf({ role: 'member' })).split('.').slice(0, 2).join('.')}.`],
    ['is none', () => 'nothing'],
    ['is no text for a header', () => 'white space'],
  ])('gets 401 and no data when it %s', async (_fault, token) => {
    const { status, ...answer } = await api.ask('{ me notes { nodes { id } } }', { token: await token() })

    expect(status).toBe(401)
    expect(answer).toEqual({
      errors: [{ message: expect.any(String), extensions: { code: 'UNAUTHENTICATED' } }],
    })
  })

  test('is not let in as anonymous instead', async () => {
    const refused = await api.ask('{ me }', { token: 'nothing' })
    const anonymous = await api.ask('{ me }')

    expect(refused.data).toBeUndefined()
    expect(anonymous.data).toEqual({ me: 'guest' })
  })

  test('is told to come back while the keys cannot be had', async () => {
    const dead = await serveAsIs(database(), 'gatekeeper', { JWT_JWKS_URL: 'http://127.0.0.1:1/keys' })
    const token = await new SignJWT({})
      .setProtectedHeader({ alg: 'HS256' })
      .sign(new TextEncoder().encode(secret))

    // By an algorithm that counts, so that it is the key that is missing.
    const { status, data, errors } = await dead.ask('{ me }', {
      token: token.replace(/^[^.]+/, Buffer.from('{"alg":"ES256"}').toString('base64url')),
    })
    await dead.close()

    expect({ status, data }).toEqual({ status: 503, data: undefined })
    expect(errors?.[0]?.extensions).toEqual({ code: 'UNAVAILABLE' })
  })
})

test('hundreds of requests on two connections never see the claims of one another', async () => {
  const callers: { payload?: Claims; me: string | null; notes: string[] | null }[] = [
    { payload: { sub: 'alice', role: 'member', team: 'a' }, me: 'member', notes: ['alice'] },
    { payload: { sub: 'bob', role: 'member' }, me: 'member', notes: ['bob'] },
    { payload: { sub: 'carol', role: 'member', team: 'c' }, me: 'member', notes: ['carol'] },
    {
      payload: { sub: 'dave', role: 'auditor', scopes: ['audit'] },
      me: 'auditor',
      notes: ['alice', 'bob', 'carol'],
    },
    { payload: { sub: 'alice', role: 'outsider' }, me: null, notes: null },
    { me: 'guest', notes: null },
  ]
  const query = `{ me sub: setting(name: "jwt.claims.sub") team: setting(name: "jwt.claims.team") claims
    notes(orderBy: PRIMARY_KEY_ASC) { nodes { owner } } }`
  const change = `mutation { renameNote(input: { id: 0, body: "" }) { query ${query} } }`

  const wrong: unknown[] = []
  const serve = async (turn: number) => {
    const { payload, me, notes } = callers[turn % callers.length]!
    const isChange = turn % 7 === 0
    const { data } = await ask(isChange ? change : query, payload)
    const seen = isChange ? data!.renameNote?.query : data
    const owners = (seen?.notes?.nodes as { owner: string }[] | undefined)?.map(({ owner }) => owner) ?? null
    const claims = { sub: seen?.sub || undefined, team: seen?.team || undefined, all: seen?.claims?.sub }
    // Whoever may not change a note, or may not use the role, gets nothing at all.
    const isNothing = isChange ? me !== 'member' : me === null
    const expected = isNothing
      ? { me: undefined, claims: { sub: undefined, team: undefined, all: undefined }, owners: null }
      : { me, claims: { sub: payload?.sub, team: payload?.team, all: payload?.sub }, owners: notes }
    const got = { me: seen?.me ?? undefined, claims, owners }
    if (JSON.stringify(got) !== JSON.stringify(expected)) wrong.push({ payload, got })
  }
  const turns = Array.from({ length: 600 }, (_, turn) => turn)
  const worker = async () => {
    for (let turn = turns.shift(); turn !== undefined; turn = turns.shift()) await serve(turn)
  }
  await Promise.all(Array.from({ length: 24 }, worker))

  expect(wrong).toEqual([])
}, 120_000)

test('nothing in the catalog has changed after all that', async () => {
  expect(await listCatalog(database())).toEqual(catalog)
})
