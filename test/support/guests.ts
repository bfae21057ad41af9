import { randomBytes } from 'node:crypto'
import type { Run } from './database.ts'
import type { Studio } from './people.ts'

/** A pass, and the token that its mail would have. */
export type TestPass = { id: string; token: string }

/** What a pass may be besides valid for today, once, by the studio's door, and of its manager. */
export type PassColumns = Partial<{
  host_id: string | null
  guest_name: string
  guest_email: string
  starts_at: string
  ends_at: string
  uses: number
  used_count: number
  revoked_at: string | null
}>

/** Makes a pass for the doors with some ids, those of the studio if none are given; moments are SQL intervals from now. */
export async function makePass(
  owner: Run,
  studio: Pick<Studio, 'organizationId' | 'officeId' | 'doorId' | 'manager'>,
  { starts_at = '-1 hour', ends_at = '1 hour', ...columns }: PassColumns = {},
  doorIds: readonly string[] = [studio.doorId],
): Promise<TestPass> {
  const token = randomBytes(32).toString('base64url')
  const row = {
    host_id: studio.manager,
    guest_name: 'Gus',
    guest_email: 'gus@example.org',
    uses: 1,
    ...columns,
  }
  const names = Object.keys(row)
  const [pass] = await owner(
    `with pass as (
       insert into app_public.guest_passes (organization_id, office_id, starts_at, ends_at, ${names.join()})
       values ($1, $2, now() + $3::interval, now() + $4::interval, ${names.map((_, at) => `$${at + 7}`).join()})
       returning *
     ), token as (
       insert into app_private.guest_pass_tokens (organization_id, pass_id, hash)
       select organization_id, id, sha256(convert_to($5, 'UTF8')) from pass
     ), doors as (
       insert into app_public.guest_pass_doors (organization_id, pass_id, door_id)
       select organization_id, id, door from pass, unnest($6::uuid[]) as door
     )
     select id from pass`,
    [studio.organizationId, studio.officeId, starts_at, ends_at, token, doorIds, ...Object.values(row)],
  )
  return { id: pass!.id as string, token }
}
