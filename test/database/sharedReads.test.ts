import { expect, test } from '@jest/globals'
import type { WithPgClient } from 'postgraphile/@dataplan/pg'
import type { NodePostgresPgClient } from 'postgraphile/adaptors/pg'
import { makeSharedReads } from '../../src/database/sharedReads.ts'

/** A database that answers when it is told to, and says what it was asked. */
function makeDatabase(atOnce = 10) {
  const asked: { by: string; text: string; answer(): void }[] = []
  const withPgClient = (async (settings, callback) =>
    callback({
      query: ({ text }: { text: string }) =>
        new Promise((resolve) => {
          const answer = () => resolve({ rows: [{ text }], rowCount: 1 })
          asked.push({ by: settings?.tokenHash ?? '', text, answer })
        }),
    } as unknown as NodePostgresPgClient)) as WithPgClient<NodePostgresPgClient>
  const shared = makeSharedReads(withPgClient, atOnce)
  const ask = (by: string, text: string) =>
    shared({ tokenHash: by }, (client) => client.query<{ text: string }>({ text }))
  return { asked, ask }
}
const turn = () => new Promise((resolve) => setTimeout(resolve))

test('two sockets of one caller who ask the same at once share the statement, and not the array', async () => {
  const { asked, ask } = makeDatabase()

  const both = Promise.all([ask('ann', 'a'), ask('ann', 'a')])
  await turn()
  for (const { answer } of asked) answer()
  const [one, other] = await both

  expect(asked).toHaveLength(1)
  expect(one).toEqual(other)
  expect(one.rows).not.toBe(other.rows)
})

test('another caller’s statement, and another statement, are their own', async () => {
  const { asked, ask } = makeDatabase()

  void Promise.all([ask('ann', 'a'), ask('ben', 'a'), ask('ann', 'b')])
  await turn()

  expect(asked.map(({ by, text }) => by + text)).toEqual(['anna', 'bena', 'annb'])
})

test('who asks once it has begun is not given what might be old', async () => {
  const { asked, ask } = makeDatabase()

  void ask('ann', 'a')
  await turn()
  void ask('ann', 'a')
  await turn()

  expect(asked).toHaveLength(2)
})

test('no more than so many are under way at once', async () => {
  const { asked, ask } = makeDatabase(2)

  void Promise.all(['a', 'b', 'c'].map((text) => ask('ann', text)))
  await turn()
  expect(asked).toHaveLength(2)
  asked[0]!.answer()
  await turn()

  expect(asked).toHaveLength(3)
})
