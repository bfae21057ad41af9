import { beforeEach, describe, expect, test } from '@jest/globals'
import { useTransaction } from '../support/database.ts'
import { lints } from './catalogLints.ts'

const as = useTransaction()
beforeEach(() => as.owner('set local search_path to pg_catalog'))

/** What a lint finds in the database as it stands, in order. */
const find = async (sql: string) => (await as.owner(sql)).map((row) => row.object as string).sort()

test('the lints are numbered from 1 on, without a gap', () => {
  expect(lints.map((lint) => lint.number)).toEqual(lints.map((_, index) => index + 1))
})

describe.each(lints)('lint $number, $name', ({ why, sql, exceptions = {}, faults, tolerated = {} }) => {
  const known = Object.keys(exceptions).sort()

  test('there is none in the migrated database', async () => {
    expect({ why, found: await find(sql) }).toEqual({ why, found: known })
  })

  test.each(Object.entries(faults))('it finds %s once that is made', async (object, fault) => {
    await as.owner(fault)

    expect(await find(sql)).toEqual([...known, object].sort())
  })

  for (const [thing, statements] of Object.entries(tolerated)) {
    test(`it has nothing against ${thing}`, async () => {
      await as.owner(statements)

      expect(await find(sql)).toEqual(known)
    })
  }
})
