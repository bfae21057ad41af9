import type { Task } from 'graphile-worker'
import { z } from 'zod'
import type { TaskServices } from './index.ts'

const payloadShape = z.object({ id: z.uuid() })

/**
 * Tells a person, at all of their addresses, what has happened to their account: whoever did it may have
 * got hold of one of them. An address that was just added is not told of itself; one that was removed is.
 */
export const security_event__send_notice =
  ({ mail, link, log }: TaskServices): Task =>
  async (payload, { withPgClient }) => {
    const { id } = payloadShape.parse(payload)
    const { rows } = await withPgClient((client) => client.query<Notice>(query, [id]))
    if (rows.length === 0) return log.info({ id }, 'no notice: the person is gone')

    for (const { address, name, what, at, client, network } of rows) {
      await mail('security-notice', address, { name, what, at, client, network, link: link('') }, { key: id })
    }
  }

type Notice = {
  address: string
  name: string
  what: string
  at: Date
  client: string | null
  network: string | null
}

const query = `
  select addresses.address, people.name, events.created_at as at, events.client, events.network,
    kinds.notice || coalesce(' (' || events.detail || ')', '') as what
  from app_public.security_events as events
  join app_public.security_event_kinds as kinds on kinds.kind = events.kind
  join app_public.people on people.id = events.person_id
  join lateral (
    select email_addresses.address
    from app_public.email_addresses
    where email_addresses.person_id = people.id
      and (events.kind <> 'address_added' or email_addresses.address <> events.detail)
    union
    select events.detail where events.kind = 'address_removed'
  ) as addresses on true
  where events.id = $1 and kinds.notice is not null
  order by addresses.address`
