import { describe, expect, test } from '@jest/globals'
import { useTransaction } from '../support/database.ts'

const as = useTransaction()

const newId = async () => (await as.owner('select app_hidden.new_id() as id'))[0]!.id as string

describe('app_hidden.new_id', () => {
  test('is a UUID of version 7, of the variant that RFC 9562 asks for', async () => {
    const rows = await as.owner('select app_hidden.new_id() as id from generate_series(1, 200)')

    for (const { id } of rows) {
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    }
  })

  test('begins with the milliseconds of the clock', async () => {
    const clock = 'select (extract(epoch from clock_timestamp()) * 1000)::bigint::text as ms'
    const [before] = await as.owner(clock)
    const id = await newId()
    const [after] = await as.owner(clock)

    const milliseconds = parseInt(id.replaceAll('-', '').slice(0, 12), 16)
    expect(milliseconds).toBeGreaterThanOrEqual(Number(before!.ms))
    expect(milliseconds).toBeLessThanOrEqual(Number(after!.ms))
  })

  test('sorts by the time it was made, in JavaScript as in Postgres', async () => {
    const ids: string[] = []
    for (let count = 0; count < 5; count++) {
      ids.push(await newId())
      await as.owner('select pg_sleep(0.003)')
    }

    const rows = await as.owner('select id from unnest($1::uuid[]) as id order by id', [ids])

    expect([...ids].sort()).toEqual(ids)
    expect(rows.map((row) => row.id)).toEqual(ids)
  })

  test('is never the same, also within a millisecond', async () => {
    const rows = await as.owner(
      'select count(distinct app_hidden.new_id())::int as count from generate_series(1, 10000)',
    )

    expect(rows).toEqual([{ count: 10_000 }])
  })

  test('a person gets one, since their inserts need it', async () => {
    expect(await as.person('')('select app_hidden.new_id()')).toHaveLength(1)
  })

  test('an anonymous caller gets none', async () => {
    await expect(as.anonymous('select app_hidden.new_id()')).rejects.toMatchObject({ code: '42501' })
  })
})
