import { beforeEach, describe, expect, test } from '@jest/globals'
import { useTransaction } from '../support/database.ts'
import { makeStudio, type Studio } from '../support/people.ts'

const as = useTransaction()
let studio: Studio
beforeEach(async () => {
  studio = await makeStudio(as.owner)
  await as.owner('insert into app_private.passwords (person_id, hash) values ($1, $2)', [
    studio.member,
    '$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA',
  ])
  await as.owner(
    `insert into app_public.closures (organization_id, office_id, name, starts_on, ends_on)
     values ($1, $2, 'Holidays', current_date, current_date)`,
    [studio.organizationId, studio.officeId],
  )
  await as.owner(
    `insert into app_public.invitations (organization_id, address) values ($1, 'ida@example.com')`,
    [studio.organizationId],
  )
  await as.owner(
    `insert into app_public.slack_installations (organization_id, team_id, team_name, bot_user_id)
     values ($1, 'T1', 'Studio', 'B1')`,
    [studio.organizationId],
  )
})

const stamped = [
  'app_private.passwords',
  'app_public.access_rules',
  'app_public.closures',
  'app_public.devices',
  'app_public.doors',
  'app_public.email_addresses',
  'app_public.invitations',
  'app_public.memberships',
  'app_public.offices',
  'app_public.organizations',
  'app_public.people',
  'app_public.slack_installations',
]

/** Makes rows look as if they were written long ago: time stands still within a transaction. */
async function makeOld(table: string): Promise<void> {
  await as.owner(`alter table ${table} disable trigger _100_stamps`)
  await as.owner(`update ${table} set created_at = '2020-02-02', updated_at = '2020-02-02'`)
  await as.owner(`alter table ${table} enable trigger _100_stamps`)
}

const stamps = `select distinct created_at = timestamptz '2020-02-02' as is_old, created_at = now() as is_new,
  updated_at = now() as is_updated`

describe('app_private.tg__stamps', () => {
  test('stands first on each table with two stamps', async () => {
    const rows = await as.owner(
      `select attrelid::regclass::text as "table", tgname as "trigger"
       from pg_attribute
       join pg_class on pg_class.oid = attrelid and relkind in ('r', 'p') and not relispartition
       left join pg_trigger on tgrelid = attrelid and tgfoid = 'app_private.tg__stamps'::regproc
       where attname = 'updated_at' and starts_with(relnamespace::regnamespace::text, 'app_')
       order by 1`,
    )

    expect(rows).toEqual(stamped.map((table) => ({ table, trigger: '_100_stamps' })))
  })

  test.each(stamped)('a change to %s moves its second stamp and not its first', async (table) => {
    await makeOld(table)

    await as.owner(`update ${table} set created_at = '2021-01-01', updated_at = '2021-01-01'`)

    const rows = await as.owner(`${stamps} from ${table}`)
    expect(rows).toEqual([{ is_old: true, is_new: false, is_updated: true }])
  })

  test('a new row gets the time of its making, whatever is sent', async () => {
    await as.owner(
      `insert into app_public.people (name, created_at, updated_at) values ('Nora', '2020-02-02', '2020-02-02')`,
    )

    const rows = await as.owner(`${stamps} from app_public.people where name = 'Nora'`)
    expect(rows).toEqual([{ is_old: false, is_new: true, is_updated: true }])
  })

  test('a manager’s change is stamped, though they have no right on the stamps', async () => {
    await makeOld('app_public.doors')

    await as.person(studio.manager)(`update app_public.doors set name = 'New'`)

    const rows = await as.owner(`${stamps} from app_public.doors`)
    expect(rows).toEqual([{ is_old: true, is_new: false, is_updated: true }])
  })

  test.each(['doors', 'offices'])('a manager cannot send stamps with a row of %s', async (table) => {
    const stamping = as.person(studio.manager)(
      `insert into app_public.${table} (name, created_at) values ('A', now())`,
    )

    await expect(stamping).rejects.toMatchObject({ code: '42501' })
  })
})
