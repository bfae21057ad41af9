import type { Task } from 'graphile-worker'
import { z } from 'zod'

const payloadShape = z.object({ id: z.uuid() })

/** Ends the presence of somebody who did not say that they left, when their day is over. */
export const presence__end =
  (): Task =>
  async (payload, { withPgClient }) => {
    const { id } = payloadShape.parse(payload)
    await withPgClient((client) => client.query('select app_private.end_presence($1)', [id]))
  }
