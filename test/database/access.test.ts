import { describe, expect, test } from '@jest/globals'
import { compareRelation, measureMatrix } from '../../src/database/access/matrix.ts'
import { attempt } from '../../src/database/access/stage.ts'
import { oracleWith, useStage } from '../support/access.ts'

const { stage, after } = useStage()

/** How the matrix differs once some SQL was run. */
const differencesAfter = (sql: string) => after(sql, async () => (await measureMatrix(stage())).differences)

/** How one relation differs from an oracle that has one text replaced. */
const differencesOf = async (relation: string, text: string, instead: string) =>
  (await compareRelation({ ...stage(), oracle: oracleWith(text, instead) }, relation)).differences

describe('the access matrix', () => {
  test('everybody may do what the oracle says, and nothing else', async () => {
    const { differences } = await measureMatrix(stage())

    expect(differences).toEqual([])
  })

  test('a relation without an oracle is a difference', async () => {
    expect(await differencesAfter('create table app_public.things (id uuid primary key)')).toEqual([
      'app_public.things has no oracle: say who may do what in migrations/access/oracle.json5',
    ])
  })

  test('an oracle for what is gone is a difference', async () => {
    const sql = 'drop table app_private.salt_keys; drop function app_public.sign_out(); '

    expect(await differencesAfter(sql)).toEqual([
      'app_private.salt_keys has an oracle, and there is no such relation',
      'function app_public.sign_out has an oracle, and there is no such function',
    ])
  })

  test('a difference names the relation, who, the command, what was expected and what was found', async () => {
    const sql = 'alter policy update_manager on app_public.offices using (true)'

    expect(await differencesAfter(sql)).toEqual(
      ['person', 'member', 'manager', 'owner', 'former', 'outsider'].map((actor) => {
        const expected = ['manager', 'owner', 'outsider'].includes(actor) ? 'organization' : 'none'
        return `app_public.offices, ${actor}, update: expected ${expected}, got all`
      }),
    )
  })

  test.each([
    ['grant truncate on app_public.doors to plinth_person', 'truncate on app_public.doors to plinth_person'],
    ['grant create on schema app_public to public', 'create on schema app_public to public'],
    [
      'create sequence app_hidden.numbers; grant usage on sequence app_hidden.numbers to plinth_device',
      'usage on app_hidden.numbers to plinth_device',
    ],
    [
      'grant references (id) on app_public.people to plinth_person',
      'references on app_public.people to plinth_person',
    ],
    [
      `create table app_hidden.days (at date) partition by list (at);
       create table app_hidden.today partition of app_hidden.days default;
       grant select on app_hidden.today to plinth_device`,
      'select on app_hidden.today to plinth_device',
    ],
    [
      'grant delete on app_private.passwords to plinth_device with grant option',
      'delete on app_private.passwords to plinth_device with grant option',
    ],
  ])('%s is a difference', async (sql, right) => {
    expect(await differencesAfter(sql)).toContain(`${right}: expected nobody but the owner to have it`)
  })

  test('rows that somebody is meant to reach have to be there', async () => {
    const sql = `delete from app_public.email_addresses where address = 'pia@example.com'`

    expect(await differencesAfter(sql)).toEqual([
      'app_public.email_addresses, person, select: seed.sql has no row that is "own", so nothing is proved',
    ])
  })

  test.each([
    [1, []],
    [0, ['manager', 'owner', 'outsider']],
  ])('a rule that lets a statement change %i rows is told from a right', async (maximum, stopped) => {
    const sql = `
      create policy update_manager on app_public.invitations for update to plinth_person
        using (organization_id = any (array(select app_hidden.my_managed_organization_ids())));
      grant update (role) on app_public.invitations to plinth_person;
      create function app_private.stop() returns trigger language plpgsql as $$ begin
        if (select count(*) from changed) > ${maximum} then raise 'Too many.'; end if;
        return null;
      end; $$;
      create trigger stop after update on app_public.invitations referencing new table as changed
        for each statement execute function app_private.stop()`

    const differences = await after(sql, () =>
      differencesOf(
        'app_public.invitations',
        `'app_public.invitations': {`,
        `'app_public.invitations': { update: { organization: 'managers', columns: 'role' },`,
      ),
    )

    expect(differences).toEqual(
      stopped.map(
        (actor) =>
          `app_public.invitations, ${actor}, update: expected organization, got an error, P0001 Too many.`,
      ),
    )
  })

  test('values that a row cannot have are told as what they are', async () => {
    const differences = await differencesOf(
      'app_public.people',
      `update: { own: 'people', columns: 'name' }`,
      `update: { own: 'people', columns: 'name', values: { name: "''" } }`,
    )

    expect(differences).toContainEqual(
      expect.stringMatching(
        /^app_public\.people, member, update: expected own, got an error, 23514 .*name_check/,
      ),
    )
  })

  test('somebody who may only read reaches nothing by writing, and those after them are not concerned', async () => {
    const run = `update app_public.doors set name = 'New' where name = 'Front'`
    const settings = stage().players.find(({ name }) => name === 'manager')!.settings

    const outcomes = await attempt(stage().client, [
      { settings: { ...settings, transaction_read_only: 'on' }, run },
      { settings, run },
    ])

    expect(outcomes.map(({ state, count }) => [state, count])).toEqual([
      ['25006', 0],
      ['00000', 1],
    ])
  })
})

describe('an oracle', () => {
  test.each([
    [`select: { own: 'people' }`, `select: { own: 'peple' }`, /there is no actor or group "peple"/],
    [`select: { own: 'people' }`, `select: { mine: 'people' }`, /there is no row set "mine"/],
    [
      `select: { own: 'people' }`,
      `selects: { own: 'people' }`,
      /begin with select, insert, update or delete/,
    ],
    [
      `update: { own: 'people', columns: 'name' }`,
      `update: { own: 'people' }`,
      /say which columns are written/,
    ],
    [`select: { own: 'people' }`, `select: { own: 'people', all: 'member' }`, /"member" is named twice/],
  ])('with %s as %s is refused in words', (text, instead, message) => {
    expect(() => oracleWith(text, instead)).toThrow(
      expect.objectContaining({ advice: expect.arrayContaining([expect.stringMatching(message)]) }),
    )
  })
})
