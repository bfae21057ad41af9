import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { TestApi } from '../support/api.ts'
import { serveAsIs, useForeignDatabase } from '../support/foreignDatabase.ts'

const { database } = useForeignDatabase(`
  create schema hidden;
  create domain even as integer check (value % 2 = 0);
  create table building (id integer primary key, "Street Name" text not null, "number" smallint,
    unique ("Street Name", "number"));
  create table flat (
    id integer primary key,
    building_id integer references building,
    label varchar(5),
    price numeric(5, 2) check (price > 0),
    rooms even,
    floor integer not null,
    during int4range,
    exclude using gist (during with &&)
  );
  create unique index flat_label on flat (building_id, lower(label));
  comment on constraint flat_price_check on flat is 'A flat is not free.';
  alter table flat add check (floor < 100 or rooms > 10);
  create table hidden.lease (flat_id integer references flat);
  create view cheap as select id, price, floor from flat where price < 100 with check option;
  create function add_flat(id integer, price numeric) returns flat language sql volatile
    as $$ insert into flat (id, price, floor) values (id, price, 1) returning * $$;
  create function refuse(word text) returns text language plpgsql volatile
    as $$ begin raise exception 'Not on a %.', word; end $$;
  create function refuse_coded() returns text language plpgsql volatile
    as $$ begin raise exception 'Closed.' using errcode = 'SHUT1', hint = 'Come tomorrow.'; end $$;
  insert into building values (1, 'High Street', 1), (2, 'High Street', 2);
  insert into flat values (1, 1, 'A', 10, 2, 0, '[1,5)');
  insert into hidden.lease values (1);
`)

let api: TestApi
beforeAll(async () => {
  api = await serveAsIs(database())
}, 120_000)
afterAll(() => api.close())

const flat = (columns: object) => ({
  query: 'mutation ($flat: FlatInput!) { made: createFlat(input: { flat: $flat }) { clientMutationId } }',
  variables: { flat: { id: 9, floor: 1, ...columns } },
})
const inFlat = (...fields: string[]) => fields.map((field) => ['input', 'flat', field])
const at = (...path: string[]) => [path]

describe('an error of the database names the arguments', () => {
  test.each([
    ['a unique key', flat({ id: 1 }), 'UNIQUE_VIOLATION', inFlat('id')],
    [
      'a unique index of an expression',
      flat({ buildingId: 1, label: 'a' }),
      'UNIQUE_VIOLATION',
      inFlat('buildingId', 'label'),
    ],
    ['a reference', flat({ buildingId: 7 }), 'FOREIGN_KEY_VIOLATION', inFlat('buildingId')],
    [
      'a check of several columns',
      flat({ floor: 100, rooms: 4 }),
      'BAD_USER_INPUT',
      inFlat('floor', 'rooms'),
    ],
    ['a domain', flat({ rooms: 3 }), 'BAD_USER_INPUT', inFlat('rooms')],
    [
      'an exclusion',
      flat({ during: { start: { value: 2, inclusive: true }, end: { value: 3, inclusive: true } } }),
      'EXCLUSION_VIOLATION',
      inFlat('during'),
    ],
    ['a text that is too long', flat({ label: 'longer' }), 'BAD_USER_INPUT', inFlat('label')],
    ['a number that is too large', flat({ price: '1000' }), 'BAD_USER_INPUT', inFlat('price')],
  ])('of %s', async (_, { query, variables }, code, paths) => {
    const { data, errors } = await api.ask(query, { variables })

    expect(data).toBeNull()
    expect(errors![0]!.extensions).toMatchObject({ code, arguments: paths })
  })

  test.each([
    [
      'names of columns that are none',
      'mutation { createBuilding(input: { building: { id: 3, streetName: "High Street", number: 1 } }) { clientMutationId } }',
      'UNIQUE_VIOLATION',
      [...at('input', 'building', 'streetName'), ...at('input', 'building', 'number')],
    ],
    [
      'a patch',
      'mutation { updateBuilding(input: { id: 2, patch: { number: 1 } }) { clientMutationId } }',
      'UNIQUE_VIOLATION',
      at('input', 'patch', 'number'),
    ],
    [
      'a small number',
      'mutation { updateBuilding(input: { id: 2, patch: { number: 40000, streetName: "x" } }) { clientMutationId } }',
      'BAD_USER_INPUT',
      at('input', 'patch', 'number'),
    ],
    [
      'what others refer to',
      'mutation { deleteBuilding(input: { id: 1 }) { clientMutationId } }',
      'STILL_REFERENCED',
      at('input', 'id'),
    ],
    [
      'what something hidden refers to',
      'mutation { deleteFlat(input: { id: 1 }) { clientMutationId } }',
      'STILL_REFERENCED',
      at('input', 'id'),
    ],
    [
      'a row that is not there',
      'mutation { deleteFlat(input: { id: 77 }) { clientMutationId } }',
      'NOT_FOUND',
      at('input', 'id'),
    ],
    [
      'a row to change that is not there',
      'mutation { updateFlat(input: { id: 77, patch: { floor: 2 } }) { clientMutationId } }',
      'NOT_FOUND',
      at('input', 'id'),
    ],
    [
      'a function that writes a table',
      'mutation { addFlat(input: { id: 1, price: "5" }) { clientMutationId } }',
      'UNIQUE_VIOLATION',
      at('input', 'id'),
    ],
    ['a page', '{ flats(first: -1, offset: 0) { nodes { id } } }', 'BAD_USER_INPUT', at('first')],
    ['an offset', '{ flats(first: 1, offset: -5) { nodes { id } } }', 'BAD_USER_INPUT', at('offset')],
  ])('of %s', async (_, query, code, paths) => {
    const { errors } = await api.ask(query)

    expect(errors!.map(({ extensions }) => extensions)).toMatchObject([{ code, arguments: paths }])
  })

  test('and says nothing of relations, constraints or rows', async () => {
    const answers = await Promise.all([
      api.ask('mutation { deleteFlat(input: { id: 1 }) { clientMutationId } }'),
      api.ask(flat({ id: 1 }).query, flat({ id: 1 })),
      api.ask(flat({ price: '-5' }).query, flat({ price: '-5' })),
    ])

    expect(JSON.stringify(answers)).not.toMatch(/hidden|lease|_fkey|_pkey|_check|Failing row|Key \(/)
  })

  test('in the words of the constraint’s comment, where it has one', async () => {
    const { errors } = await api.ask(flat({ price: '-5' }).query, flat({ price: '-5' }))

    expect(errors).toMatchObject([
      { message: 'A flat is not free.', extensions: { arguments: inFlat('price') } },
    ])
  })
})

describe('a function that raises', () => {
  test('without a code is REFUSED, in its own words', async () => {
    const { errors } = await api.ask('mutation { refuse(input: { word: "Sunday" }) { result } }')

    expect(errors).toMatchObject([{ message: 'Not on a Sunday.', extensions: { code: 'REFUSED' } }])
  })

  test('with a code of its own keeps it as sqlstate', async () => {
    const { errors } = await api.ask('mutation { refuseCoded(input: {}) { result } }')

    expect(errors![0]).toMatchObject({
      message: 'Closed.',
      extensions: { code: 'REFUSED', sqlstate: 'SHUT1', hint: 'Come tomorrow.' },
    })
  })
})
