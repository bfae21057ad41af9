import type { Task } from 'graphile-worker'
import { z } from 'zod'

const payloadShape = z.object({ id: z.uuid() })

/** Gives a command its outcome when nobody else has: expired when it was never claimed, else unknown. */
export const unlock_command__settle =
  (): Task =>
  async (payload, { withPgClient }) => {
    const { id } = payloadShape.parse(payload)
    await withPgClient((client) => client.query('select app_private.settle_unlock($1)', [id]))
  }
