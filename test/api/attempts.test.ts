// Longer than most: what may not be got around is tried every way round.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { withConnection } from '../../src/database/connection.ts'
import { documentId, writeManifest } from '../../src/trustedDocuments.ts'
import { makeApi, type TestApi, useApi } from '../support/api.ts'
import { openSocket } from '../support/rawSocket.ts'
import { json, send } from '../support/send.ts'

const most = 3
let second: TestApi
let trusting: TestApi
const folder = mkdtempSync(join(tmpdir(), 'plinth-'))
afterAll(async () => {
  await Promise.all([second.close(), trusting.close()]) // before their database is dropped
  rmSync(folder, { recursive: true })
})
const { api, database } = useApi(
  { POOL_SIZE: '2' },
  `create table app_private.counts (word text primary key, count int not null);
   create table app_private.guesses (word text not null);

   create function app_hidden.count_guess(the_word text) returns int language plpgsql volatile security definer
     set search_path to pg_catalog, public, pg_temp as $$
     declare v_count int;
     begin
       insert into app_private.counts as counts values (the_word, 1)
       on conflict (word) do update set count = counts.count + 1 returning count into v_count;
       if the_word = 'raise' then raise exception using errcode = 'TMANY', message = 'Enough.'; end if;
       return case when v_count > ${most} then 90 end;
     end $$;
   create function app_hidden.count_all() returns bigint language sql volatile security definer
     as $$ insert into app_private.counts values ('all', 1)
           on conflict (word) do update set count = counts.count + 1 returning case when count > 1 then 4000 end $$;
   grant execute on function app_hidden.count_guess(text), app_hidden.count_all() to plinth_anonymous;

   create function app_public.guess_word(the_word text) returns text language plpgsql volatile security definer
     set search_path to pg_catalog, public, pg_temp as $$
     begin
       insert into app_private.guesses values (the_word);
       if the_word = 'fail' then raise exception using errcode = 'REAUT', message = 'Sign in again.'; end if;
       return the_word;
     end $$;
   comment on function app_public.guess_word(text) is E'@attempt app_hidden.count_guess(the_word)\\nGuesses.';
   create function app_public.guess_twice(the_word text) returns text language sql volatile security definer
     as $$ insert into app_private.guesses values (the_word) returning word $$;
   comment on function app_public.guess_twice(text) is
     E'@attempt app_hidden.count_guess(the_word)\\n@attempt app_hidden.count_all()\\nGuesses.';
   create function app_public.guess_uncounted(the_word text) returns text language sql volatile security definer
     as $$ insert into app_private.guesses values (the_word) returning word $$;
   comment on function app_public.guess_uncounted(text) is E'@attempt app_hidden.count_nowhere(the_word)\\nGuesses.';
   create function app_public.something() returns int language sql volatile as $$ select 1 $$;
   grant execute on all functions in schema app_public to plinth_anonymous;`,
)

const guess = (word: string, selection = 'result') =>
  `guessWord(input: { theWord: "${word}" }) { ${selection} }`
const byVariable = 'mutation Guess($word: String!) { guessWord(input: { theWord: $word }) { result } }'
beforeAll(async () => {
  second = await makeApi(database())
  const manifest = join(folder, 'operations.json')
  writeFileSync(
    manifest,
    writeManifest([{ id: documentId(byVariable), name: 'Guess', type: 'mutation', body: byVariable }]),
  )
  trusting = await makeApi(database(), { TRUSTED_DOCUMENTS: manifest })
})

/** How often a word was counted, and how often it was looked at. */
const tried = async (word: string) => {
  const { rows } = await withConnection(database().ownerUrl, (client) =>
    client.query<{ counted: number; guessed: number }>(
      `select coalesce((select count from app_private.counts where word = $1), 0) as counted,
         (select count(*)::int from app_private.guesses where word = $1) as guessed`,
      [word],
    ),
  )
  return rows[0]
}

describe('a guess', () => {
  test('is carried out until there were too many, and then is not looked at', async () => {
    for (let count = 0; count < most; count++) {
      expect(await api().ask(`mutation { ${guess('one')} }`)).toEqual({
        status: 200,
        data: { guessWord: { result: 'one' } },
      })
    }

    const { status, headers, body } = await send(
      `${api().url}/graphql`,
      'POST',
      json,
      JSON.stringify({ query: `mutation { mine: ${guess('one')} }` }),
    )

    expect({ status, retryAfter: headers['retry-after'] }).toEqual({ status: 429, retryAfter: '90' })
    expect(body).toEqual({
      data: null,
      errors: [
        {
          message: 'Too many attempts. Try again in 2 minutes.',
          path: ['mine'],
          locations: [expect.anything()],
          extensions: {
            code: 'TOO_MANY_ATTEMPTS',
            retryable: true,
            retryAfter: 90,
            requestId: headers['x-request-id'],
          },
        },
      ],
    })
    expect(await tried('one')).toEqual({ counted: most + 1, guessed: most })
  })

  test('that fails is counted, and so is one whose answer cannot be given', async () => {
    const failing = await api().ask(`mutation { ${guess('fail')} }`)
    const unanswered = await api().ask(
      `mutation { ${guess('lost', 'result query { offices { nodes { id } } }')} }`,
    )

    expect(failing.errors?.[0]?.extensions).toMatchObject({ code: 'SIGN_IN_AGAIN' })
    expect([failing.data, unanswered.data]).toEqual([null, null])
    expect(await tried('fail')).toEqual({ counted: 1, guessed: 0 })
    expect(await tried('lost')).toEqual({ counted: 1, guessed: 0 })
  })

  test('is counted by the word that it is made with, however that is given', async () => {
    await api().ask(byVariable, { variables: { word: 'given' } })
    await api().ask('mutation ($input: GuessWordInput!) { guessWord(input: $input) { result } }', {
      variables: { input: { theWord: 'given' } },
    })

    expect(await tried('given')).toEqual({ counted: 2, guessed: 2 })
  })

  test('with a value that is none is neither counted nor carried out', async () => {
    for (const word of [null, 7, 'a\u0000b']) {
      const { errors } = await api().ask(byVariable, { variables: { word } })

      expect(errors?.[0]?.extensions).toMatchObject({
        code: 'BAD_USER_INPUT',
        arguments: [['input', 'theWord']],
      })
    }
  })

  test('is not carried out where it cannot be counted', async () => {
    const unknown = await api().ask('mutation { guessUncounted(input: { theWord: "uncounted" }) { result } }')
    const raising = await api().ask(`mutation { ${guess('raise')} }`)

    expect([unknown.data, raising.data]).toEqual([null, null])
    expect(unknown.errors?.[0]?.extensions).toMatchObject({ code: 'INTERNAL' })
    expect(raising).toMatchObject({ status: 429, errors: [{ message: 'Enough.' }] })
    expect(await tried('uncounted')).toEqual({ counted: 0, guessed: 0 })
    expect(await tried('raise')).toEqual({ counted: 0, guessed: 0 })
  })

  test('is counted every way that its function asks for, and the longest wait is told', async () => {
    const twice = 'mutation { guessTwice(input: { theWord: "two" }) { result } }'
    const answers = [await api().ask(twice), await api().ask(twice)]

    expect(answers[0]!.data).toEqual({ guessTwice: { result: 'two' } })
    expect(answers[1]!.errors?.[0]).toMatchObject({
      message: 'Too many attempts. Try again in 2 hours.',
      extensions: { retryAfter: 4000 },
    })
    expect(await tried('two')).toEqual({ counted: 2, guessed: 1 })
  })

  test('says in the schema how it is to be asked for', async () => {
    const { data } = await api().ask('{ __type(name: "Mutation") { fields { name description } } }')
    const fields = data!.__type.fields as { name: string; description: string }[]

    expect(fields.find(({ name }) => name === 'guessWord')!.description).toMatch(
      /^Guesses\.\n\nAttempts are counted: .* `TOO_MANY_ATTEMPTS`/,
    )
  })
})

describe('a guess that is not alone in its operation', () => {
  const refused: [string, (word: string) => string][] = [
    [
      'under many names',
      (word) => `mutation { ${['a', 'b', 'c'].map((name) => `${name}: ${guess(word)}`).join(' ')} }`,
    ],
    ['beside another mutation', (word) => `mutation { something(input: {}) { result } ${guess(word)} }`],
    ['before another mutation', (word) => `mutation { ${guess(word)} something(input: {}) { result } }`],
    [
      'in a fragment',
      (word) => `mutation { ...F something(input: {}) { result } } fragment F on Mutation { ${guess(word)} }`,
    ],
    [
      'in a fragment of a fragment',
      (word) =>
        `mutation { ...F ...F a: ${guess(word)} } fragment F on Mutation { ...G } fragment G on Mutation { ${guess(word)} }`,
    ],
    [
      'in fragments without a name',
      (word) => `mutation { ... { a: ${guess(word)} } ... on Mutation { b: ${guess(word)} } }`,
    ],
    [
      'beside one that is skipped',
      (word) =>
        `mutation { ${guess(word)} a: guessWord(input: { theWord: "${word}" }) @skip(if: true) { result } }`,
    ],
  ]

  test.each(refused)('%s is refused whole', async (how, operation) => {
    const { status, ...answer } = await api().ask(operation(how))

    expect({ status, ...answer }).toEqual({
      status: 200,
      errors: [
        expect.objectContaining({
          message: expect.stringMatching(/^"guessWord" has to be the only field/),
          extensions: expect.objectContaining({ code: 'GRAPHQL_VALIDATION_FAILED' }),
        }),
      ],
    })
    expect(await tried(how)).toEqual({ counted: 0, guessed: 0 })
  })

  test('is not told from one that is where only its type or itself is asked for again', async () => {
    const { data } = await api().ask(
      `mutation { __typename ${guess('same')} ...F } fragment F on Mutation { ${guess('same', 'clientMutationId')} }`,
    )

    expect(data).toEqual({ __typename: 'Mutation', guessWord: { result: 'same', clientMutationId: null } })
    expect(await tried('same')).toEqual({ counted: 1, guessed: 1 })
  })

  test('is counted by the operation that is carried out, of several in a document', async () => {
    const query = `mutation A { ${guess('named')} } mutation B { something(input: {}) { result } }`
    const answers = await Promise.all(
      ['A', 'B'].map((operationName) =>
        send(`${api().url}/graphql`, 'POST', json, JSON.stringify({ query, operationName })),
      ),
    )

    expect(answers.map(({ body }) => Object.keys(body.data as object))).toEqual([
      ['guessWord'],
      ['something'],
    ])
    expect(await tried('named')).toEqual({ counted: 1, guessed: 1 })
  })
})

describe('many guesses at once', () => {
  test('at two processes are no more than those at one after another', async () => {
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, turn) =>
        (turn % 2 ? api() : second).ask(`mutation { ${guess('crowd')} }`),
      ),
    )

    expect(answers.filter(({ data }) => data !== null)).toHaveLength(most)
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 429]))
    expect(await tried('crowd')).toEqual({ counted: 40, guessed: most })
  })

  test('by WebSocket are counted too, and refused when they are not alone', async () => {
    const socket = await openSocket(api().url)
    socket.send({ type: 'connection_init' })
    await socket.message('connection_ack')

    const ask = (id: string, query: string) => socket.send({ id, type: 'subscribe', payload: { query } })
    for (const id of ['1', '2', '3', '4', '5', '6']) ask(id, `mutation { ${guess('socket')} }`)
    ask('7', `mutation { a: ${guess('socket')} b: ${guess('socket')} }`)
    const told = await Promise.all(
      ['1', '2', '3', '4', '5', '6', '7'].map((id) => socket.message('next', id)),
    )
    socket.socket.terminate()

    const codes = told.map(({ payload }) => payload.errors?.[0].extensions.code as string | undefined)
    expect(codes.slice(0, 6).toSorted()).toEqual([
      ...Array(3).fill('TOO_MANY_ATTEMPTS'),
      ...Array(3).fill(undefined),
    ])
    expect(codes[6]).toBe('GRAPHQL_VALIDATION_FAILED')
    expect(await tried('socket')).toEqual({ counted: 6, guessed: most })
  })

  test('by a trusted document are counted like any', async () => {
    const body = JSON.stringify({ documentId: documentId(byVariable), variables: { word: 'trusted' } })
    const statuses: number[] = []
    for (let count = 0; count <= most; count++) {
      statuses.push((await send(`${trusting.url}/graphql`, 'POST', json, body)).status)
    }

    expect(statuses).toEqual([200, 200, 200, 429])
    expect(await tried('trusted')).toEqual({ counted: most + 1, guessed: most })
  })
})
