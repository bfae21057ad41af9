import { expect, test } from '@jest/globals'
import { useTransaction } from '../support/database.ts'
import { makeStudio } from '../support/people.ts'

const as = useTransaction()
const purge = async () =>
  (await as.owner('select app_private.purge_unlock_commands()::int as count'))[0]!.count

test('commands older than 30 days are removed, and the decisions stay', async () => {
  const studio = await makeStudio(as.owner)
  for (let time = 0; time < 2; time++) {
    await as.person(studio.member)('select app_public.unlock_door($1)', [studio.doorId])
  }
  await as.owner(
    `update app_public.unlock_commands set created_at = now() - interval '31 days'
     where id = (select id from app_public.unlock_commands limit 1)`,
  )

  expect(await purge()).toBe(1)
  expect(await purge()).toBe(0)

  expect(await as.owner('select from app_public.unlock_commands')).toHaveLength(1)
  expect(await as.owner('select from app_public.door_decisions')).toHaveLength(2)
})
