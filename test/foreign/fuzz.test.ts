import { afterAll, beforeAll, expect, test } from '@jest/globals'
import type { TestApi } from '../support/api.ts'
import { serveAsIs, useForeignDatabase } from '../support/foreignDatabase.ts'
import { foreignSchema } from '../support/foreignSchema.ts'
import { fuzz, fuzzOptions, schemaOf } from '../support/fuzz.ts'
import { makeGrammar } from '../support/operationGrammar.ts'
import { makeRandom } from '../support/random.ts'

const { database } = useForeignDatabase(foreignSchema(1))
const { count, seed } = fuzzOptions(2_000)

let api: TestApi
beforeAll(async () => {
  api = await serveAsIs(database(), undefined, { MODE: 'development' })
}, 120_000)
afterAll(() => api.close())

test(`${count} operations on awkward names and types get an answer each (seed ${seed})`, async () => {
  const grammar = makeGrammar(await schemaOf(api), makeRandom(seed))
  grammar.learn('Int', [1, 2, 3])

  const { faults } = await fuzz(api, grammar, count)

  expect(faults).toEqual([])
}, 600_000)
