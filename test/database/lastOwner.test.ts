import { describe, expect, test } from '@jest/globals'
import { type Deed, type Isolation, isolationLevels, type Owned, useOwners } from '../support/owners.ts'

const people = 8
const { client, makeOwned, countOwners, race, rush } = useOwners(people)

const memberOf = (organizationId: string, personId: string) => [organizationId, personId]
const demote = `update app_public.memberships set role = 'member' where organization_id = $1 and person_id = $2`
const remove = 'delete from app_public.memberships where organization_id = $1 and person_id = $2'

/** What takes an owner away, as one of the two owners may do it to themselves or to the other. */
const deeds: Record<string, (owned: Owned, who: 'anna' | 'ben') => Deed> = {
  'steps down': (owned, who) => ({
    by: owned[who],
    sql: demote,
    values: memberOf(owned.organizationId, owned[who]),
  }),
  leaves: (owned, who) => ({
    by: owned[who],
    sql: remove,
    values: memberOf(owned.organizationId, owned[who]),
  }),
  'demotes the other': (owned, who) => ({
    by: owned[who],
    sql: demote,
    values: memberOf(owned.organizationId, otherOf(owned, who)),
  }),
  'removes the other': (owned, who) => ({
    by: owned[who],
    sql: remove,
    values: memberOf(owned.organizationId, otherOf(owned, who)),
  }),
  'demotes everybody': (owned, who) => ({
    by: owned[who],
    sql: `update app_public.memberships set role = 'member' where organization_id = $1`,
    values: [owned.organizationId],
  }),
  'transfers it to the manager': (owned, who) => ({
    by: owned[who],
    sql: 'select app_public.transfer_ownership($1, $2)',
    values: memberOf(owned.organizationId, owned.manager),
  }),
  'transfers it to the other': (owned, who) => ({
    by: owned[who],
    sql: 'select app_public.transfer_ownership($1, $2)',
    values: memberOf(owned.organizationId, otherOf(owned, who)),
  }),
  'deletes the account': (owned, who) => ({
    by: null,
    sql: 'delete from app_public.people where id = $1',
    values: [owned[who]],
  }),
}

const otherOf = (owned: Owned, who: 'anna' | 'ben') => (who === 'anna' ? owned.ben : owned.anna)

const pairs = isolationLevels.flatMap((isolation) =>
  Object.keys(deeds).flatMap((first) =>
    Object.keys(deeds).map((second) => [isolation, first, second] as const),
  ),
)

describe('two owners at the same moment', () => {
  test.each(pairs)('under %s, one %s and the other %s: an owner is left', async (isolation, one, other) => {
    const owned = await makeOwned()

    const { first, second, owners } = await race(
      owned.organizationId,
      [deeds[one]!(owned, 'anna'), deeds[other]!(owned, 'ben')],
      isolation,
    )

    expect(owners).toBeGreaterThanOrEqual(1)
    expect(first).toBe(one === 'demotes everybody' ? 'P0001' : 'done')
    // No deadlock, and under READ COMMITTED nothing that a client would have to repeat.
    const refusals = ['done', 'P0001', 'NTFND', ...(isolation === 'read committed' ? [] : ['40001'])]
    expect(refusals).toContain(second)
  })

  test.each(isolationLevels)('under %s, what would leave no owner is refused', async (isolation) => {
    const owned = await makeOwned()

    const outcome = await race(
      owned.organizationId,
      [deeds.leaves!(owned, 'anna'), deeds.leaves!(owned, 'ben')],
      isolation,
    )

    const refusal = isolation === 'read committed' ? 'P0001' : '40001'
    expect(outcome).toEqual({ first: 'done', second: refusal, hasWaited: true, owners: 1 })
  })

  test('the organization’s end and a role that changes wait for each other, in either order', async () => {
    const [one, other] = [await makeOwned(), await makeOwned()]
    const due = (owned: Owned) =>
      client().query('update app_public.organizations set deletes_at = now() where id = $1', [
        owned.organizationId,
      ])
    const end: Deed = { by: null, sql: 'select app_private.delete_due_organizations()', values: [] }

    await due(one)
    const endFirst = await race(
      one.organizationId,
      [end, deeds['steps down']!(one, 'anna')],
      'read committed',
    )
    await due(other)
    const endLast = await race(
      other.organizationId,
      [deeds['steps down']!(other, 'anna'), end],
      'read committed',
    )

    expect(endFirst).toEqual({ first: 'done', second: 'done', hasWaited: true, owners: 0 })
    expect(endLast).toEqual({ first: 'done', second: 'done', hasWaited: true, owners: 0 })
  })
})

describe('eight owners who all leave at once', () => {
  async function makeMany(): Promise<{ organizationId: string; leaving: Deed[] }> {
    const { organizationId, anna, ben } = await makeOwned()
    const { rows } = await client().query<{ id: string }>(
      `with person as (
         insert into app_public.people (name) select 'Owner ' || n from generate_series(3, $2::int) as n returning id
       )
       insert into app_public.memberships (organization_id, person_id, role)
       select $1, person.id, 'owner' from person returning person_id as id`,
      [organizationId, people],
    )
    const ids = [anna, ben, ...rows.map(({ id }) => id)]
    return {
      organizationId,
      leaving: ids.map((id) => ({ by: id, sql: remove, values: memberOf(organizationId, id) })),
    }
  }

  test.each(Array.from({ length: 5 }, (_, round) => round + 1))(
    'under read committed seven get away and the last one is kept (round %i)',
    async () => {
      const { organizationId, leaving } = await makeMany()

      const ends = await rush(leaving, 'read committed')

      expect(ends.toSorted()).toEqual(['P0001', ...Array<string>(people - 1).fill('done')])
      expect(await countOwners(organizationId)).toBe(1)
    },
  )

  test.each(['repeatable read', 'serializable'] as const)(
    'under %s those that collide repeat it, until one is kept',
    async (isolation) => {
      const { organizationId, leaving } = await makeMany()
      let left = leaving
      const refused: string[] = []

      // At least one of each round comes through, so this ends.
      while (left.length > 0) {
        const ends = await rush(left, isolation)
        expect(ends.filter((end) => !['done', 'P0001', '40001'].includes(end))).toEqual([])
        expect(ends.filter((end) => end !== '40001')).not.toEqual([])
        refused.push(...ends.filter((end) => end === 'P0001'))
        left = left.filter((_, index) => ends[index] === '40001')
      }

      expect(refused).toEqual(['P0001'])
      expect(await countOwners(organizationId)).toBe(1)
    },
  )
})

/** Replaces what guards the last owner with something weaker, for the time of a test. */
async function weakened(statement: string, during: () => Promise<void>): Promise<void> {
  const name = 'app_private.tg_memberships__keep_owner()'
  const { rows } = await client().query<{ original: string }>(
    'select pg_get_functiondef($1::regprocedure) as original',
    [name],
  )
  const original = rows[0]!.original
  const weak = original.replace(
    /update app_public\.organizations set updated_at = now\(\) where (.*);/,
    statement,
  )
  expect(weak).not.toBe(original)
  await client().query(weak)
  await during().finally(() => client().query(original))
}

describe('what these tests are worth', () => {
  const bothLeave = async (isolation: Isolation) => {
    const owned = await makeOwned()
    const { owners } = await race(
      owned.organizationId,
      [deeds.leaves!(owned, 'anna'), deeds.leaves!(owned, 'ben')],
      isolation,
    )
    return owners
  }

  test('without the triggers nobody is left', async () => {
    const turn = (how: string) =>
      client().query(
        `alter table app_public.memberships ${how} trigger _200_keep_owner_changed;
         alter table app_public.memberships ${how} trigger _201_keep_owner_ended`,
      )
    await turn('disable')

    const left = await bothLeave('read committed').finally(() => turn('enable'))

    expect(left).toBe(0)
  })

  test('to count alone leaves nobody, for neither sees what the other does', async () => {
    await weakened('perform from app_public.organizations where $1;', async () => {
      expect(await bothLeave('read committed')).toBe(0)
    })
  })

  test('to lock the organization and not to write it leaves nobody under repeatable read', async () => {
    await weakened('perform from app_public.organizations where $1 for no key update;', async () => {
      expect(await bothLeave('read committed')).toBe(1)
      expect(await bothLeave('repeatable read')).toBe(0)
    })
  })
})
