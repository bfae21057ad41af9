import { beforeEach, describe, expect, test } from '@jest/globals'
import { useTransaction } from '../support/database.ts'
import { decideAt, monthStart as start, partAsOf, partOfMonth, partsOf } from '../support/log.ts'
import { makeStudio, type Studio } from '../support/people.ts'

const as = useTransaction()
let studio: Studio
beforeEach(async () => {
  studio = await makeStudio(as.owner)
})

const count = async (sql: string) => (await as.owner(`select ${sql}::int as count`))[0]!.count
const make = () => count('app_private.make_log_partitions()')
const drop = (keep: string) => count(`app_private.drop_log_partitions('${keep}')`)
const decide = (moment: string) => decideAt(as.owner, studio, moment)
const names = async () => (await partsOf(as.owner)).map(({ name }) => name)
/** The part that holds a decision. */
const placeOf = async (id: string) => {
  const rows = await as.owner(
    `select relname as name from app_public.door_decisions join pg_class on pg_class.oid = door_decisions.tableoid
     where id = $1`,
    [id],
  )
  return rows.map(({ name }) => name)
}
const month = (offset: number) => partOfMonth(as.owner, offset)

describe('the decision log', () => {
  test('has a part for this month and each of the next three, one for all before and one for all after', async () => {
    expect(await names()).toEqual([
      'door_decisions_earlier',
      await month(0),
      await month(1),
      await month(2),
      await month(3),
      'door_decisions_later',
    ])
  })

  test('has no gap between its parts, which begin with a month, and neither a beginning nor an end', async () => {
    const parts = await partsOf(as.owner)

    expect(parts.at(0)!.since).toBeNull()
    expect(parts.at(-1)!.until).toBeNull()
    expect(parts.slice(1).map(({ since }) => since)).toEqual(parts.slice(0, -1).map(({ until }) => until))
    for (const { since } of parts.slice(1)) expect(since).toMatch(/-01 00:00$/)
  })

  test.each(['UTC', 'Pacific/Kiritimati', 'Pacific/Pago_Pago'])(
    'goes by months of UTC, also where clocks show those of %s',
    async (zone) => {
      await as.owner(`set local timezone to '${zone}'`)
      await partAsOf(as.owner, 1)
      await make()

      expect(await placeOf(await decide(`${start(0)} - interval '1 microsecond'`))).toEqual([await month(-1)])
      expect(await placeOf(await decide(start(0)))).toEqual([await month(0)])
      expect(await placeOf(await decide(`${start(1)} - interval '1 microsecond'`))).toEqual([await month(0)])
      expect(await placeOf(await decide(start(1)))).toEqual([await month(1)])
      expect(await placeOf(await decide(`${start(2)} - interval '1 microsecond'`))).toEqual([await month(1)])
    },
  )

  test.each([
    ['-infinity', 'earlier'],
    ['1970-01-01Z', 'earlier'],
    ['9999-12-31Z', 'later'],
    ['infinity', 'later'],
  ])('has a place for a decision of %s', async (moment, place) => {
    expect(await placeOf(await decide(`'${moment}'`))).toEqual([`door_decisions_${place}`])
  })

  test.each(['00000000-0000-7000-8000-000000000000', 'ffffffff-ffff-7fff-bfff-ffffffffffff'])(
    'goes by the moment of a decision, whatever its id says: %s',
    async (id) => {
      await as.owner(
        `insert into app_public.door_decisions (organization_id, id, door_id, person_id, is_allowed, reason)
         values ($1, $2, $3, $4, true, 'Members may.')`,
        [studio.organizationId, id, studio.doorId, studio.member],
      )

      expect(await placeOf(id)).toEqual([await month(0)])
    },
  )

  test('is looked into no further than a question about time needs', async () => {
    const plan = await as.person(studio.manager)(
      `explain select * from app_public.door_decisions where decided_at >= ${start(1)} and decided_at < ${start(2)}`,
    )

    const read = JSON.stringify(plan).match(/door_decisions_(\w{7}|earlier|later)\b/g)
    expect(new Set(read)).toEqual(new Set([await month(1)]))
  })

  test('is read newest first without being sorted as a whole', async () => {
    await as.owner('set local enable_seqscan to off') // which is what a planner takes where there are few rows
    const plan = await as.owner(
      'explain select id from app_public.door_decisions order by decided_at desc, organization_id, id limit 50',
    )

    const steps = JSON.stringify(plan)
    expect(steps).toContain('Incremental Sort')
    expect(steps).not.toMatch(/(?<!Incremental )Sort {2}/)
    expect(steps).not.toContain('Seq Scan')
  })
})

describe('app_private.make_log_partitions', () => {
  test('makes nothing where all is there', async () => {
    const before = await partsOf(as.owner)

    expect(await make()).toBe(0)

    expect(await partsOf(as.owner)).toEqual(before)
  })

  test('makes the month that has come into sight', async () => {
    await partAsOf(as.owner, 0)
    expect(await make()).toBe(4)

    expect(await count('app_private.make_log_partitions(4)')).toBe(1)

    expect((await names()).slice(-2)).toEqual([await month(4), 'door_decisions_later'])
  })

  test('having not run for a year, it leaves each decision where it is, and goes on from this month', async () => {
    await partAsOf(as.owner, 12)
    const ids = []
    for (let ago = 12; ago >= 0; ago--) ids.push(await decide(start(-ago)))

    expect(await make()).toBe(4)

    expect((await names()).slice(0, 3)).toEqual(['door_decisions_earlier', await month(-12), await month(1)])
    for (const id of ids) expect(await placeOf(id)).toEqual([await month(-12)])
    expect(await as.owner('select id from app_public.door_decisions')).toHaveLength(13)
  })

  test('a decision that a wrong clock put into the future comes into its month unchanged, once', async () => {
    await partAsOf(as.owner, 0)
    const [now, soon, late] = [await decide('now()'), await decide(start(2)), await decide(start(40))]
    const all = 'select * from app_public.door_decisions order by id'
    const before = await as.owner(all)

    await make()

    expect(await as.owner(all)).toEqual(before)
    expect(await placeOf(now)).toEqual([await month(0)])
    expect(await placeOf(soon)).toEqual([await month(2)])
    expect(await placeOf(late)).toEqual(['door_decisions_later'])
  })

  test('nobody has a right on a part, each has row-level security, and in each the log is append-only', async () => {
    await partAsOf(as.owner, 2)
    await make()
    const parts = (await names()).map((name) => `app_private.${name}`)

    const rights = await as.owner(
      `select relname from pg_class
       where oid = any ($1::regclass[]) and (relacl is not null or not relrowsecurity)`,
      [parts],
    )
    expect(rights).toEqual([])
    for (const moment of ["'1970-01-01Z'", 'now()', start(2), "'9999-12-31Z'"]) await decide(moment)
    const refused: string[] = []
    for (const part of parts) {
      if ((await as.owner(`select from ${part}`)).length === 0) continue
      for (const statement of [`update ${part} set reason = ''`, `delete from ${part}`, `truncate ${part}`]) {
        await expect(as.owner(statement)).rejects.toMatchObject({ code: 'IMMUT' })
      }
      refused.push(part)
    }
    expect(refused).toHaveLength(4)
  })

  test('changes in a part are told as those of the log', async () => {
    await partAsOf(as.owner, 1)
    await make()
    await as.owner('delete from plinth_realtime.changes')

    await decide('now()')

    expect(await as.owner('select relation::regclass::text, operation from plinth_realtime.changes')).toEqual(
      [{ relation: 'app_public.door_decisions', operation: 'i' }],
    )
  })
})

describe('app_private.drop_log_partitions', () => {
  beforeEach(async () => {
    await partAsOf(as.owner, 0)
    for (let ago = 6; ago > 0; ago--) {
      await as.owner(
        `do $$ begin
           drop table if exists app_private.door_decisions_earlier;
           perform app_private.make_log_partition(${start(-ago)}, ${start(1 - ago)});
         end $$`,
      )
    }
    await as.owner(`do $$ begin perform app_private.make_log_partition(null, ${start(-6)}); end $$`)
  })

  test('removes the months that ended before, with what is older, and keeps the others', async () => {
    await decide("'1970-01-01Z'")
    await decide(start(-6))
    await decide(`${start(-3)} - interval '1 microsecond'`)
    const kept = [await decide(start(-3)), await decide('now()')]

    const dropped = await drop('3 months')

    expect(dropped).toBe(4) // those of six, five and four months ago, and what was before
    expect(await as.owner('select id from app_public.door_decisions order by decided_at')).toEqual(
      kept.map((id) => ({ id })),
    )
    expect((await names()).slice(0, 2)).toEqual(['door_decisions_earlier', await month(-3)])
  })

  test('a month stays whole until the last of its decisions is old enough', async () => {
    const id = await decide(start(-2))

    await drop('2 months')

    expect(await placeOf(id)).toEqual([await month(-2)])
  })

  test('removes nothing twice, and nothing that is not over', async () => {
    await drop('3 months')

    expect(await drop('3 months')).toBe(0)
    expect(await drop('100 years')).toBe(0)
  })

  test('a decision finds its place also where months were removed', async () => {
    await drop('3 months')

    expect(await placeOf(await decide(start(-5)))).toEqual(['door_decisions_earlier'])
    expect(await drop('3 months')).toBe(1)
    expect(await as.owner('select from app_public.door_decisions')).toEqual([])
  })

  test('never removes this month', async () => {
    const id = await decide('now()')

    expect(await drop('0 days')).toBe(7)

    expect(await as.owner('select id from app_public.door_decisions')).toEqual([{ id }])
  })
})
