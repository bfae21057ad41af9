import { describe, expect, test } from '@jest/globals'
import pg from 'pg'
import { useLogExports } from '../support/logExports.ts'

const { database, run, request, runJob, exportOf, partsOf, reasonsOf, decide } = useLogExports()
const numbers = (count: number) => Array.from({ length: count }, (_, index) => index + 1)

describe('log_export__write, interrupted or repeated', () => {
  test('who watches sees how far it is', async () => {
    await decide(2500)
    const id = await request()

    await expect(runJob(id, { killedAt: 4 })).rejects.toThrow('killed')

    expect(await exportOf(id)).toMatchObject({ state: 'writing', rows_written: 1000, rows_total: 2500 })
  })

  test('killed ahead of any of its statements, it goes on and has each decision once', async () => {
    await decide(2500)
    const whole = await request()
    const statements = await runJob(whole)
    expect(statements).toBe(10)

    for (let killedAt = 0; killedAt < statements; killedAt++) {
      const id = await request()
      await expect(runJob(id, { killedAt })).rejects.toThrow('killed')
      await runJob(id)

      expect(await partsOf(id)).toEqual(await partsOf(whole))
      expect(await exportOf(id)).toMatchObject({ state: 'finished', rows_written: 2500 })
    }
  })

  test('killed again and again, it comes to its end', async () => {
    await decide(2500)
    const id = await request()

    for (let time = 0; time < 4; time++) await runJob(id, { killedAt: 4 }).catch(() => {})

    expect(await reasonsOf(id)).toEqual(numbers(2500))
    expect(await exportOf(id)).toMatchObject({ state: 'finished' })
  })

  test('run twice at once, it has each decision once', async () => {
    await decide(2500)
    const id = await request()
    const other = new pg.Client({ connectionString: database().ownerUrl })
    await other.connect()

    await Promise.all([runJob(id), runJob(id, { connection: other })]).finally(() => other.end())

    expect(await reasonsOf(id)).toEqual(numbers(2500))
    expect(await exportOf(id)).toMatchObject({ state: 'finished', rows_written: 2500 })
  })

  test('run again, a finished one stays as it is', async () => {
    await decide(1)
    const id = await request()
    await runJob(id)
    const before = await exportOf(id)
    await decide(1)

    await runJob(id)

    expect(await exportOf(id)).toEqual(before)
  })

  test('what is decided meanwhile, behind its end, is not in it', async () => {
    await decide(1500)
    const id = await request({ until: '2026-03-01T00:20:00Z' })
    await runJob(id, { killedAt: 4 }).catch(() => {})
    await decide(1, `timestamptz '2026-03-02Z'`)

    await runJob(id)

    expect(await exportOf(id)).toMatchObject({ rows_written: 1199, rows_total: 1199 })
  })

  test('months that are dropped meanwhile are missing, and it ends', async () => {
    await decide(2500)
    const id = await request()
    await runJob(id, { killedAt: 4 }).catch(() => {})
    await run(`select app_private.drop_log_partitions('0 days')`)

    await runJob(id)

    expect(await exportOf(id)).toMatchObject({ state: 'finished', rows_written: 1000, rows_total: 1000 })
  })

  test('a last attempt that fails says so; an earlier one leaves it to the next', async () => {
    const id = await request()

    await expect(runJob(id, { killedAt: 1, attempts: 4 })).rejects.toThrow('killed')
    expect(await exportOf(id)).toMatchObject({ state: 'writing', error: null })

    await run(`alter table app_public.log_export_parts add constraint full_check check (false)`)
    await expect(runJob(id, { attempts: 5 })).rejects.toMatchObject({ code: '23514' })
    await run('alter table app_public.log_export_parts drop constraint full_check')
    expect(await exportOf(id)).toMatchObject({
      state: 'failed',
      error: 'It could not be written. Ask for another one.',
    })
  })

  test('one that is gone is done', async () => {
    expect(await runJob(crypto.randomUUID())).toBe(1)
  })
})
