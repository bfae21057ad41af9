import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { TestApi } from '../support/api.ts'
import { type CuttingProxy, startCuttingProxy } from '../support/cuttingProxy.ts'
import { serveAsIs, useForeignDatabase } from '../support/foreignDatabase.ts'

const { database } = useForeignDatabase(`
  create table shelves (id int primary key);
  create table books (id int primary key, shelf_id int not null references shelves);
  create index on books (shelf_id);
  create table labels (id int primary key, shelf_id int not null references shelves);
  create index on labels (shelf_id);
  comment on table labels is E'@behavior +list -connection';
  comment on constraint labels_shelf_id_fkey on labels is E'@behavior +list -connection';
  insert into shelves select generate_series(1, 30);
  insert into books select n, (n - 1) % 30 + 1 from generate_series(1, 900) as n;
  insert into labels select n, (n - 1) % 30 + 1 from generate_series(1, 900) as n;
  create function odd_books() returns setof books stable language sql as 'select * from books where id % 2 = 1 order by id';
  create function numbers() returns setof int stable language sql as 'select generate_series(1, 900)';
  create function shelves_thick(shelf shelves) returns setof books stable language sql
    as 'select * from books where shelf_id = shelf.id order by id';
`)

let proxy: CuttingProxy
let api: TestApi
beforeAll(async () => {
  const url = new URL(database().superuserUrl)
  proxy = await startCuttingProxy(url.hostname, Number(url.port))
  url.port = String(proxy.port)
  const limits = { LIMIT_DEFAULT_PAGE_SIZE: '10', LIMIT_PAGE_SIZE: '20' }
  api = await serveAsIs({ ...database(), ownerUrl: url.toString() }, undefined, limits)
})
afterAll(async () => {
  await api.close()
  await proxy.close()
})

const ids = (nodes: unknown) => (nodes as { id: number }[]).map(({ id }) => id)
const upTo = (n: number, from = 1) => Array.from({ length: n }, (_, index) => from + index)

describe('a list', () => {
  test.each([
    ['without a size', '{ books { nodes { id } } }', {}],
    ['of a size that is null', '{ books(first: null) { nodes { id } } }', {}],
    ['of a size that a variable leaves open', 'query ($n: Int) { books(first: $n) { nodes { id } } }', {}],
    [
      'of a size that a variable says is null',
      'query ($n: Int) { books(first: $n) { nodes { id } } }',
      { n: null },
    ],
    ['of two sizes that are null', 'query ($n: Int) { books(first: $n, last: $n) { nodes { id } } }', {}],
  ])('%s has the default size', async (_, query, variables) => {
    const { data } = await api.ask(query, { variables })

    expect(ids(data!.books.nodes)).toEqual(upTo(10))
  })

  test.each([
    ['as written', '{ books(first: 3) { nodes { id } } }', {}, upTo(3)],
    ['as a variable says', 'query ($n: Int) { books(first: $n) { nodes { id } } }', { n: 4 }, upTo(4)],
    ['as a variable says anyhow', 'query ($n: Int = 5) { books(first: $n) { nodes { id } } }', {}, upTo(5)],
    ['up to the most there may be', '{ books(first: 20) { nodes { id } } }', {}, upTo(20)],
    ['from the end', '{ books(last: 3) { nodes { id } } }', {}, upTo(3, 898)],
    [
      'from the end, by a variable',
      'query ($n: Int) { books(last: $n) { nodes { id } } }',
      { n: 2 },
      [899, 900],
    ],
    ['nothing', '{ books(first: 0) { nodes { id } } }', {}, []],
    ['from an offset', '{ books(offset: 5) { nodes { id } } }', {}, upTo(10, 6)],
  ])('has the size that is asked for: %s', async (_, query, variables, expected) => {
    const { data } = await api.ask(query, { variables })

    expect(ids(data!.books.nodes)).toEqual(expected)
  })

  test('without a size says whether there is more, and counts everything', async () => {
    const { data } = await api.ask(
      '{ books { nodes { id } totalCount pageInfo { hasNextPage hasPreviousPage } } }',
    )

    expect(data!.books).toMatchObject({
      totalCount: 900,
      pageInfo: { hasNextPage: true, hasPreviousPage: false },
    })
  })

  test('is read to its end page by page, nothing twice and nothing left out', async () => {
    const seen: number[] = []
    let after: string | null = null
    do {
      const { data } = await api.ask(
        'query ($after: Cursor) { shelves(after: $after) { nodes { id } pageInfo { hasNextPage endCursor } } }',
        { variables: { after } },
      )
      seen.push(...ids(data!.shelves.nodes))
      after = data!.shelves.pageInfo.hasNextPage ? data!.shelves.pageInfo.endCursor : null
    } while (after !== null)

    expect(seen).toEqual(upTo(30))
  })

  test.each([
    ['rows of a function', '{ list: oddBooks { nodes { id } } }'],
    ['values of a function', '{ list: numbers { nodes } }'],
    ['rows as a plain list', '{ list: labelsList { id } }'],
  ])('has the default size when it is one of %s', async (_, query) => {
    const { data } = await api.ask(query)

    expect(data!.list.nodes ?? data!.list).toHaveLength(10)
  })
})

describe('lists in lists', () => {
  const query = `{ shelves { nodes { id
    books { nodes { id shelf { books(first: 2) { nodes { id } } } } }
    labels: labelsList { id }
    thick { nodes { id } } } } }`

  test('have the default size at every level', async () => {
    const { data } = await api.ask(query)

    expect(data!.shelves.nodes).toHaveLength(10)
    for (const { books, labels, thick } of data!.shelves.nodes) {
      expect([books.nodes.length, labels.length, thick.nodes.length]).toEqual([10, 10, 10])
      for (const { shelf } of books.nodes) expect(shelf.books.nodes).toHaveLength(2)
    }
  })

  test('are one statement, in one trip', async () => {
    await api.ask(query)
    proxy.heal()
    await api.ask(query)

    expect(proxy.trips()).toBe(1)
  })

  test('are one statement whatever says their sizes', async () => {
    const sized = `query ($n: Int, $m: Int) { shelves(first: $n) { nodes { books(first: $m) { nodes { id } } } } }`
    const sizes = [{}, { n: 3 }, { n: 3, m: 4 }, { m: null }]
    for (const variables of sizes) {
      await api.ask(sized, { variables })
      proxy.heal()
      const { data } = await api.ask(sized, { variables })

      expect(proxy.trips()).toBe(1)
      expect(data!.shelves.nodes).toHaveLength(variables.n ?? 10)
      expect(data!.shelves.nodes[0].books.nodes).toHaveLength(variables.m ?? 10)
    }
  })

  test.each([
    ['{ shelves { nodes { books(first: 21) { nodes { id } } } } }'],
    ['{ shelves { nodes { labelsList(first: 21) { id } } } }'],
    ['{ shelves { nodes { thick(first: 21) { nodes { id } } } } }'],
    ['{ shelves { nodes { ...a } } } fragment a on Shelf { books(last: 21) { nodes { id } } }'],
    ['{ numbers(first: 21) { nodes } }'],
  ])('are refused when one of them is too large: %s', async (text) => {
    proxy.heal()
    const { status, errors } = await api.ask(text)

    expect(status).toBe(400)
    expect(errors?.[0]?.extensions).toMatchObject({ limit: 'pageSize', value: 21, maximum: 20 })
    expect(proxy.trips()).toBe(0)
  })
})
