import { type Client, createClient } from 'graphql-ws'
import { WebSocket } from 'ws'

/** What a subscription has brought, and how it and its socket ended. */
export type Subscriber = {
  /** Payloads so far, in order. */
  events: Record<string, any>[]
  /** The errors that ended it, as the server put them. */
  errors: { message: string; extensions?: Record<string, unknown> }[]
  /** Resolves once as many payloads are there as asked for; rejects when it ends before. */
  until(count: number): Promise<Record<string, any>[]>
  /** Resolves with the close code of the socket. */
  closed: Promise<{ code: number; reason: string }>
  /** Resolves when it has ended, whichever way. */
  ended: Promise<void>
  /** Unsubscribes and closes the socket. */
  stop(): Promise<void>
}

/** Subscribes on a WebSocket of its own; `field` is the one whose value counts as the event. */
export function subscribeTo(
  url: string,
  query: string,
  { token, variables }: { token?: string; variables?: Record<string, unknown> } = {},
): Subscriber {
  const events: Record<string, any>[] = []
  const errors: Subscriber['errors'] = []
  const watchers = new Set<() => void>()
  const changed = () => watchers.forEach((watcher) => watcher())
  let hasEnded = false
  const closing = Promise.withResolvers<{ code: number; reason: string }>()
  const ending = Promise.withResolvers<undefined>()
  const client: Client = createClient({
    url: `${url.replace(/^http/, 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    retryAttempts: 0,
    lazy: true,
    ...(token !== undefined && { connectionParams: { authorization: `Bearer ${token}` } }),
    on: {
      closed: (event) => closing.resolve(event as { code: number; reason: string }),
    },
  })
  const end = () => {
    hasEnded = true
    ending.resolve(undefined)
    changed()
  }
  const unsubscribe = client.subscribe<Record<string, any>>(
    { query, ...(variables && { variables }) },
    {
      next({ data, errors: faults }) {
        if (faults) errors.push(...(faults as unknown as Subscriber['errors']))
        if (data) events.push(Object.values(data)[0] as Record<string, any>)
        changed()
      },
      error(error) {
        if (Array.isArray(error)) errors.push(...(error as Subscriber['errors']))
        end()
      },
      complete: end,
    },
  )
  return {
    events,
    errors,
    closed: closing.promise,
    ended: ending.promise,
    until: (count) =>
      new Promise((resolve, reject) => {
        const look = () => {
          if (events.length >= count) resolve(events)
          else if (hasEnded) reject(new Error(`It ended after ${events.length}: ${JSON.stringify(errors)}`))
          if (events.length >= count || hasEnded) watchers.delete(look)
        }
        watchers.add(look)
        look()
      }),
    async stop() {
      unsubscribe()
      await client.dispose()
    },
  }
}
