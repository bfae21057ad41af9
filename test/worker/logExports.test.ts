import { describe, expect, test } from '@jest/globals'
import { useLogExports } from '../support/logExports.ts'

const { studio, run, request, runJob, exportOf, partsOf, fileOf, reasonsOf, decide } = useLogExports()
const header =
  '\ufeffdecided_at,local_time,time_zone,office,door,person,decision,rule,reason,decision_id,door_id,person_id,guest,pass_id\r\n'
const numbers = (count: number) => Array.from({ length: count }, (_, index) => index + 1)

describe('log_export__write', () => {
  test('a line has the moment by both clocks, the names, and the ids', async () => {
    await run(`update app_public.offices set time_zone = 'Europe/Berlin'`)
    const [{ id: decision } = {}] = await decide(1, `timestamptz '2026-03-29 01:00:00.000001Z'`)
    const id = await request()

    await runJob(id)

    expect(await fileOf(id)).toBe(
      `${header}2026-03-29T01:00:00.000001Z,2026-03-29 03:00:00,Europe/Berlin,Main,Front,Mia,denied,Members,1,` +
        `${String(decision)},${studio().doorId},${studio().member},,\r\n`,
    )
    expect(await exportOf(id)).toMatchObject({
      state: 'finished',
      rows_written: 1,
      rows_total: 1,
      error: null,
    })
  })

  test('a manager reads the names of members and guests, and of nobody else who has tried', async () => {
    const { organizationId, officeId, doorId, member, stranger } = studio()
    const [pass] = await run(
      `insert into app_public.guest_passes
         (organization_id, office_id, host_id, guest_name, guest_email, starts_at, ends_at, uses)
       values ($1, $2, $3, 'Gus', 'gus@example.org', now(), now() + interval '1 day', 1) returning id`,
      [organizationId, officeId, member],
    )
    for (const asker of [
      { person_id: member },
      { person_id: stranger },
      { person_id: null, pass_id: pass!.id },
    ]) {
      await decide(1, `now() - interval '1 minute'`, { door_id: doorId, ...asker })
    }
    const id = await request()

    await runJob(id)

    const lines = (await fileOf(id))
      .split('\r\n')
      .slice(1, -1)
      .map((line) => line.split(','))
    expect(lines.map((cells) => [cells[5], cells[11], cells[12], cells[13]])).toEqual(
      expect.arrayContaining([
        ['Mia', member, '', ''],
        ['', stranger, '', ''],
        ['', '', 'Gus', pass!.id],
      ]),
    )
    expect(lines).toHaveLength(3)
  })

  test('a finished one can be read for a week from then on', async () => {
    const id = await request()

    await runJob(id)

    const [row] = await run(
      `select expires_at = finished_at + interval '7 days' as is_week from app_public.log_exports`,
    )
    expect(row).toEqual({ is_week: true })
  })

  test('an empty log is a file with the names of the columns', async () => {
    const id = await request()

    await runJob(id)

    expect(await fileOf(id)).toBe(header)
    expect(await exportOf(id)).toMatchObject({ state: 'finished', rows_written: 0, rows_total: 0 })
  })

  test.each([
    [`=HYPERLINK("https://evil.example")`, `"'=HYPERLINK(""https://evil.example"")"`],
    ['+1', `'+1`],
    ['-1', `'-1`],
    ['@SUM(A1)', `'@SUM(A1)`],
    ['Front;=1+1;\t@x', `Front;'=1+1;'\t'@x`],
    ['Front; left-hand', 'Front; left-hand'],
    ['Grün, "Tür" 1', '"Grün, ""Tür"" 1"'],
    ['two\nlines', '"two\nlines"'],
    ['日本 🚪', '日本 🚪'],
  ])('a door called %j stands as %j', async (name, cell) => {
    await run('update app_public.doors set name = $1', [name])
    await decide(1)
    const id = await request()

    await runJob(id)

    expect(await fileOf(id)).toContain(`,Main,${cell},Mia,`)
  })

  test('somebody who is gone has no name', async () => {
    await decide(1)
    await run('delete from app_public.people where id = $1', [studio().member])
    const id = await request()

    await runJob(id)

    expect(await fileOf(id)).toContain(',Main,Front,,denied,')
  })

  test.each([
    ['a stranger', async () => studio().stranger],
    [
      'somebody who has left',
      async () => {
        await run('delete from app_public.memberships where person_id = $1', [studio().member])
        return studio().member
      },
    ],
  ])('%s has an id, and a name that managers are not to know', async (_, whoIs) => {
    const person = await whoIs()
    await decide(1, undefined, { person_id: person })
    const id = await request()

    await runJob(id)

    expect(await fileOf(id)).toContain(',Main,Front,,denied,')
    expect(await fileOf(id)).toContain(`,${person},,\r\n`)
  })

  test('it begins at the moment that is asked for and ends before the other', async () => {
    await decide(5)
    const id = await request({ since: '2026-03-01T00:00:02Z', until: '2026-03-01T00:00:04Z' })

    await runJob(id)

    expect(await reasonsOf(id)).toEqual([2, 3])
  })

  test('it is of that door, that person and that office alone', async () => {
    const [other] = await run(
      `insert into app_public.offices (organization_id, name) values ($1, 'Other') returning id`,
      [studio().organizationId],
    )
    const makeDoor = async (office: unknown) => {
      const [door] = await run(
        `insert into app_public.doors (organization_id, office_id, name) values ($1, $2, 'Side') returning id`,
        [studio().organizationId, office],
      )
      return door!.id as string
    }
    const [side, rear] = [await makeDoor(other!.id), await makeDoor(studio().officeId)]
    await decide(1)
    await decide(2, undefined, { person_id: studio().manager })
    await decide(3, undefined, { door_id: rear })
    await decide(4, undefined, { door_id: side })
    const rowsOf = async (columns = {}) => {
      const id = await request(columns)
      await runJob(id)
      return (await exportOf(id)).rows_written
    }

    expect(await rowsOf()).toBe(6)
    expect(await rowsOf({ door_id: studio().doorId })).toBe(3)
    expect(await rowsOf({ door_id: studio().doorId, person_id: studio().manager })).toBe(2)
    expect(await rowsOf({ office_id: other!.id })).toBe(4)
  })

  test.each([
    ['each of its own moment, over months', `timestamptz '2026-01-01Z' + n * interval '1 hour'`],
    ['all of one moment', `timestamptz '2026-03-01Z'`],
  ])('of 2,500 decisions, %s, it has each once, in parts of a thousand', async (_, moment) => {
    await decide(2500, moment)
    const id = await request()

    await runJob(id)

    const parts = await partsOf(id)
    expect(parts.map((part) => part.split('\r\n').length - 1)).toEqual([1001, 1000, 500])
    expect((await reasonsOf(id)).sort((one, other) => one - other)).toEqual(numbers(2500))
    expect(await exportOf(id)).toMatchObject({ rows_written: 2500, rows_total: 2500 })
  })

  test('a thousand decisions are whole, with nothing behind them', async () => {
    await decide(1000)
    const id = await request()

    await runJob(id)

    expect(await reasonsOf(id)).toEqual(numbers(1000))
    expect(await exportOf(id)).toMatchObject({ state: 'finished', rows_written: 1000 })
  })
})
