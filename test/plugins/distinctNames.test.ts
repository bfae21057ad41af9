import { beforeAll, describe, expect, test } from '@jest/globals'
import { withConnection } from '../../src/database/connection.ts'
import { type ApiModel, nameIn, readModel } from '../support/foreignApi.ts'
import { serveAsIs, useForeignDatabase } from '../support/foreignDatabase.ts'

const parts = [
  `create table person (id integer primary key, name text);
   create view people as select * from person;
   create type person_kind as enum ('a');
   create table person_kinds (id integer primary key, kind person_kind);
   create table lines (id integer primary key, start point);
   create table query (id integer primary key);
   create table person_connection (id integer primary key);
   create function person(name text) returns integer language sql stable as 'select 1';
   create function create_person(name text) returns integer language sql as 'select 1';
   create function create_people(names text[]) returns integer language sql as 'select 1';
   create function upsert_person(name text) returns integer language sql as 'select 1';
   create function paged(first integer, "offset" integer, a_b integer, "aB" integer) returns setof person
     language sql stable as 'select * from person';`,
  `create table office (id integer primary key, name text);
   create table desk (id integer primary key, office text, office_id integer references office,
     old_office_id integer references office);
   create function desk_office_id(desk) returns text language sql stable as $$ select 'computed' $$;`,
  `create table tenant (id integer primary key);
   create table room (tenant_id integer references tenant, id integer, primary key (tenant_id, id));
   create table booking (id integer primary key, tenant_id integer, room_id integer, other_tenant_id integer,
     foreign key (tenant_id, room_id) references room, foreign key (other_tenant_id, room_id) references room);`,
  `create table pair (id integer primary key, left_id integer unique, right_id integer unique references pair);
   alter table pair add foreign key (left_id) references pair (right_id);
   create table camel ("fooBar" integer primary key, foo_bar integer, "and" text, "?" text);
   create index on camel ("and");
   create table twin (id integer primary key, x integer, x_ integer, primary_key integer);`,
  `create type label as enum ('in use', 'in-use', 'in_use', 'true', '');
   create table labelled (label label primary key);`,
  `create table secret (id integer primary key);
   create view secrets as select 1 as id;`,
]
const rights = `
  create role reader login password 'reader';
  grant select on all tables in schema public to reader;
  revoke all on secret from reader;`

const { database } = useForeignDatabase(`${parts.join('\n')} ${rights}`)

let model: ApiModel
beforeAll(async () => {
  model = await modelFor()
}, 120_000)

async function modelFor(role?: string): Promise<ApiModel> {
  const api = await serveAsIs(database(), role)
  try {
    return await readModel(api)
  } finally {
    await api.close()
  }
}

const typesOf = (fields: ApiModel['query'] | null | undefined): Record<string, string> =>
  Object.fromEntries((fields ?? []).map(({ name, type }) => [name, nameIn(type)]))

describe('DistinctNamesPlugin', () => {
  test('a client finds a table under its name, and a view of the same name as a view', () => {
    expect(typesOf(model.query)).toMatchObject({
      person: 'Person',
      people: 'PersonConnection',
      peopleViews: 'PeopleViewConnection',
    })
  })

  test('a client finds a table before a type, and a function after both', () => {
    expect(typesOf(model.query)).toMatchObject({ personKind: 'PersonKind', personFunction: 'Int' })
    expect(typesOf(model.type('PersonKind').fields)).toMatchObject({ kind: 'PersonKindEnum' })
    expect(typesOf(model.mutation)).toMatchObject({
      createPerson: 'CreatePersonPayload',
      createPersonFunction: 'CreatePersonFunctionPayload',
      createPeople: 'CreatePeoplePayload',
      createPeopleFunction: 'CreatePeopleFunctionPayload',
      upsertPersonFunction: 'UpsertPersonFunctionPayload',
    })
  })

  test('a client finds tables that are called as types are', () => {
    expect(typesOf(model.query)).toMatchObject({
      line: 'Line',
      lines: 'LineConnection',
      queryTables: 'QueryTableConnection',
      personConnectionTables: 'PersonConnectionTableConnection',
    })
    expect(typesOf(model.type('Line').fields)).toMatchObject({ start: 'GeometricPoint' })
  })

  test('a column keeps its name, and the relation or function beside it has its full one', () => {
    expect(typesOf(model.type('Desk').fields)).toEqual({
      id: 'Int',
      office: 'String',
      officeId: 'Int',
      oldOfficeId: 'Int',
      officeByOfficeId: 'Office',
      oldOffice: 'Office',
      deskOfficeId: 'String',
    })
  })

  test('columns whose orders would be called the same each have their own', () => {
    const orders = model.type('TwinOrderBy').enumValues!.map(({ name }) => name)

    expect(new Set(orders).size).toBe(orders.length)
    expect(orders).toHaveLength(2 * 4 + 3)
    expect(orders).toEqual(expect.arrayContaining(['X_ASC', 'X_DESC', 'PRIMARY_KEY_ASC']))
  })

  test('relations that end in the same column are named after all their columns', () => {
    expect(typesOf(model.type('Booking').fields)).toMatchObject({
      tenantRoom: 'Room',
      otherTenantRoom: 'Room',
    })
  })

  test('a relation and its reverse have two names, and so have two columns', () => {
    expect(typesOf(model.type('Pair').fields)).toEqual({
      id: 'Int',
      leftId: 'Int',
      rightId: 'Int',
      left: 'Pair',
      right: 'Pair',
      pairByLeftId: 'Pair',
      pairByRightId: 'Pair',
    })
    expect(Object.keys(typesOf(model.type('Camel').fields))).toEqual([
      'fooBar',
      'fooBarColumn',
      'andColumn',
      'column',
    ])
  })

  test('a label keeps its name where it can be one', () => {
    expect(model.type('Label').enumValues!.map(({ name }) => name)).toEqual([
      'in_use_VALUE',
      'in_use_VALUE2',
      'in_use',
      'true_VALUE',
      '_EMPTY_',
    ])
  })

  test('arguments of a function stand beside those of paging', () => {
    const { args } = model.query.find(({ name }) => name === 'paged')!

    expect(args.map(({ name }) => name)).toEqual(
      ['firstArgument', 'offsetArgument', 'aB', 'aBArgument'].concat(['first', 'offset', 'after', 'filter']),
    )
  })

  test('what a caller may not see takes no name from what it may', async () => {
    const { query } = await modelFor('reader')

    expect(typesOf(query)).toMatchObject({ secrets: 'SecretConnection' })
    expect(typesOf(model.query)).toMatchObject({
      secrets: 'SecretConnection',
      secretsViews: 'SecretsViewConnection',
    })
  })

  test('names are the same whatever was made first', async () => {
    await withConnection(database().superuserUrl, async (client) => {
      await client.query('drop schema public cascade; create schema public')
      for (const part of parts.toReversed()) await client.query(part)
    })
    const again = await modelFor()

    for (const type of ['Query', 'Mutation', 'Desk', 'Booking', 'Pair', 'Camel', 'PersonKind']) {
      expect(typesOf(again.type(type).fields)).toEqual(typesOf(model.type(type).fields))
    }
  })
})
