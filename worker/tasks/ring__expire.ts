import type { Task } from 'graphile-worker'
import { z } from 'zod'

const payloadShape = z.object({ id: z.uuid() })

/** Settles a ring that nobody answered in time. */
export const ring__expire =
  (): Task =>
  async (payload, { withPgClient }) => {
    const { id } = payloadShape.parse(payload)
    await withPgClient((client) => client.query('select app_private.expire_ring($1)', [id]))
  }
