import type { Run } from './database.ts'
import { makeDevice } from './devices.ts'
import type { Studio } from './people.ts'

/** Hangs a doorbell, which is enrolled, at a door of an office and returns its id. */
export async function hangBell(
  owner: Run,
  studio: Pick<Studio, 'organizationId' | 'officeId' | 'doorId'>,
): Promise<string> {
  const bell = await makeDevice(owner, studio, 'doorbell')
  await owner('update app_public.devices set enrolled_at = now() where id = $1', [bell])
  await owner('update app_public.doors set bell_device_id = $1 where id = $2', [bell, studio.doorId])
  return bell
}

/** Presses a doorbell, as the device that somebody runs as: the ring that it is. */
export async function press(device: Run, doorId: string): Promise<Record<string, unknown>> {
  const [ring] = await device('select * from app_public.ring_doorbell($1)', [doorId])
  return ring!
}

/** Lets time pass for all rings, and nothing else. */
export async function waitForRings(owner: Run, seconds: number): Promise<void> {
  await owner(
    `update app_public.rings set
       rang_at = rang_at - make_interval(secs => $1), last_rang_at = last_rang_at - make_interval(secs => $1),
       expires_at = expires_at - make_interval(secs => $1)`,
    [seconds],
  )
}
