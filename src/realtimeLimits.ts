/** A limit: how it is called in the environment, how far it may be set, and why it is what it is. */
export type Limit = { otherwise: number; least: number; most: number; unit: string; reason: string }

/** What holds of WebSockets, of subscriptions and of the log that they read. */
export const realtimeLimits = {
  LIMIT_CONNECTIONS_PER_CALLER: {
    otherwise: 50,
    least: 1,
    most: 100_000,
    unit: 'WebSockets',
    reason:
      'Open at once with one token; without a token, from one address. Enough for a person’s tabs and devices.',
  },
  LIMIT_OPERATIONS_PER_CONNECTION: {
    otherwise: 100,
    least: 1,
    most: 10_000,
    unit: 'operations',
    reason: 'Under way at once on one WebSocket, subscriptions included. A page rarely needs ten.',
  },
  LIMIT_FRAME_BYTES: {
    otherwise: 100_000,
    least: 1000,
    most: 100_000_000,
    unit: 'bytes',
    reason: 'The longest message a client may send by WebSocket; as much as a POST may have.',
  },
  LIMIT_INIT_SECONDS: {
    otherwise: 3,
    least: 1,
    most: 60,
    unit: 'seconds',
    reason: 'Until a new WebSocket must say who it is. One that does not costs memory and is nobody’s.',
  },
  LIMIT_UNREAD_SECONDS: {
    otherwise: 10,
    least: 1,
    most: 600,
    unit: 'seconds',
    reason: 'A client that does not take a message within this time is cut; it can resume by its cursor.',
  },
  LIMIT_UNREAD_BYTES: {
    otherwise: 1_000_000,
    least: 10_000,
    most: 1_000_000_000,
    unit: 'bytes',
    reason: 'Kept for one WebSocket that does not read; beyond, it is cut.',
  },
  LIMIT_RETENTION_HOURS: {
    otherwise: 24,
    least: 1,
    most: 8760,
    unit: 'hours',
    reason: 'How long a subscription can be resumed after; the log of changes keeps lines as long.',
  },
} as const satisfies Record<string, Limit>

export type RealtimeLimitName = keyof typeof realtimeLimits

/** The limits of this deployment. */
export type RealtimeLimits = Readonly<Record<RealtimeLimitName, number>>
