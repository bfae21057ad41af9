import type { Task } from 'graphile-worker'
import { z } from 'zod'
import type { TaskServices } from './index.ts'

const payloadShape = z.object({ personId: z.uuid() })

type Departure = { name: string; address: string | null }

/**
 * Ends what app_public.delete_account began: removes the person, tells them, forgets where to. In this order a mail
 * that cannot be delivered keeps nobody here, and one that was delivered is true. It goes on from wherever an earlier
 * run was cut off; at worst there is a second mail.
 */
export const person__delete =
  ({ mail, log }: TaskServices): Task =>
  async (payload, { query }) => {
    const { personId } = payloadShape.parse(payload)
    await query(
      `delete from app_public.people using app_private.departures
       where people.id = $1 and departures.person_id = people.id`,
      [personId],
    )
    const { rows } = await query<Departure>(
      'select name, address from app_private.departures where person_id = $1',
      [personId],
    )
    const [departure] = rows
    if (!departure) return log.info({ personId }, 'nothing to delete: the person has gone, or stays')

    const { name, address } = departure
    if (address !== null) await mail('account-deleted', address, { name }, { key: personId })
    await query('delete from app_private.departures where person_id = $1', [personId])
  }
