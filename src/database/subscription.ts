import { setTimeout as sleep } from 'node:timers/promises'
import { toPublicError } from '../errors.ts'
import type { ChangeFeed, Page } from './changeFeed.ts'
import {
  assertResumable,
  fromCursor,
  type LoggedChange,
  type Position,
  readStretch,
  reload,
  toCursor,
} from './changeLog.ts'
import type { Judgement } from './judgement.ts'

/** What happened to a row, as its subscriber sees it. */
export type ChangeKind = 'STARTED' | 'INSERTED' | 'UPDATED' | 'DELETED' | 'ENTERED' | 'LEFT'

/** One change, for one subscriber. */
export type Change = {
  event: ChangeKind
  cursor: string
  /** The image that names the row, values as text; null for STARTED. */
  key: Readonly<Record<string, string | null>> | null
}

/** What somebody subscribes to. */
export type Wish = {
  schema: string
  table: string
  /** Only the row with these values, given as Postgres reads them. */
  only: Readonly<Record<string, string>>
  /** A cursor, to resume behind it. */
  after: string | null
  /** Tells callers apart. */
  caller: string
  /** Runs a statement as the caller, whose token is checked along with it. */
  ask(text: string, values: unknown[]): Promise<Record<string, unknown>[]>
}

/** The changes of a table for one subscriber: an iterator whose `return` takes effect at once. */
export function subscribe(feed: ChangeFeed, wish: Wish): AsyncGenerator<Change, undefined, undefined> {
  const abort = new AbortController()
  const changes = follow(feed, wish, abort.signal)
  const finish = async () => {
    abort.abort()
    return { value: undefined, done: true } as const
  }
  return {
    next: () => (abort.signal.aborted ? finish() : changes.next()),
    return: finish,
    throw: finish,
    [Symbol.asyncIterator]() {
      return this
    },
    [Symbol.asyncDispose]: async () => void (await finish()),
  }
}

async function* follow(
  feed: ChangeFeed,
  wish: Wish,
  signal: AbortSignal,
): AsyncGenerator<Change, undefined, undefined> {
  const resumed = wish.after === null ? null : fromCursor(wish.after)
  const { epoch, position, page } = await feed.join()
  const only = await canonical(feed, wish)
  const told = async function* (of: Page, changes: LoggedChange[]) {
    for (const { change, event } of await judge(feed, wish, only, of, changes, signal)) {
      const cursor = toCursor({ epoch, from: of.from, to: of.to, id: change.id })
      yield { event, cursor, key: keyOf(change) } satisfies Change
    }
  }

  if (resumed) {
    await assertResumable(feed.pool, resumed, epoch)
    for await (const missed of missedPages(feed, resumed, position)) yield* told(missed, missed.changes)
  } else {
    yield { event: 'STARTED', cursor: toCursor({ epoch, from: position, to: position, id: '0' }), key: null }
  }

  for (let current = page; ;) {
    if (!current.next) await nextPage(feed, current, signal)
    if (signal.aborted) return undefined
    current = current.next!
    if (current.isRupture) throw reload()
    yield* told(current, current.changes ?? (await readAgain(feed, current, epoch)))
  }
}

async function nextPage(feed: ChangeFeed, { next }: Page, signal: AbortSignal): Promise<void> {
  if (next || signal.aborted) return
  await new Promise<void>((resolve) => {
    const forget = feed.onNext(wake)
    function wake() {
      signal.removeEventListener('abort', leave)
      resolve()
    }
    function leave() {
      forget()
      resolve()
    }
    signal.addEventListener('abort', leave, { once: true })
  })
}

/** What was missed since a position: first the rest of what it stands in, then what ended since. */
async function* missedPages(feed: ChangeFeed, resumed: Position, upto: string) {
  const { from, to, id } = resumed
  for (const part of [
    { from, to, afterId: id },
    { from: to, to: upto, afterId: '0' },
  ]) {
    for (let { afterId } = part, isWhole = false; !isWhole;) {
      const stretch = await readStretch(feed.pool, { ...part, afterId })
      const page = { ...part, afterId, changes: stretch.changes, verdicts: new Map() } satisfies Page
      yield page
      isWhole = stretch.isWhole
      afterId = stretch.changes.at(-1)?.id ?? afterId
    }
  }
}

async function readAgain(feed: ChangeFeed, { from, to, afterId }: Page, epoch: string) {
  await assertResumable(feed.pool, { epoch, from, to, id: afterId }, epoch)
  return (await readStretch(feed.pool, { from, to, afterId })).changes
}

/** The wanted values as images have them, whichever way the client wrote them. */
async function canonical(feed: ChangeFeed, { schema, table, only, ask }: Wish) {
  const names = Object.keys(only)
  if (names.length === 0) return []
  const { types } = await feed.judgement(schema, table)
  const values = names.map((name, index) => `to_jsonb($${index + 1}::${types[name]!})::text`)
  const [row] = await ask(`select array[${values.join(', ')}] as wanted`, Object.values(only))
  return (row!.wanted as string[]).map((value, index) => [names[index]!, value] as const)
}

type Told = { change: LoggedChange; event: ChangeKind }

/**
 * Which changes of a page the subscriber is told of, and as what: by whether the caller may, with the
 * rights of this moment, see the row as it was and as it became. Asked once per page for all
 * subscriptions of a caller.
 */
async function judge(
  feed: ChangeFeed,
  wish: Wish,
  only: readonly (readonly [string, string])[],
  page: Page,
  changes: readonly LoggedChange[],
  signal: AbortSignal,
): Promise<Told[]> {
  if (changes.length === 0) return []
  const judgement = await patiently(() => feed.judgement(wish.schema, wish.table), signal)
  if (!judgement) return []
  const ours = changes.filter(({ relation }) => relation === judgement.relation)
  const matching = ours.filter((change) => change.operation === 't' || isWanted(change, only))
  if (matching.length === 0) return []
  if (matching.some(({ operation }) => operation === 't')) throw reload()

  const key = JSON.stringify([judgement.relation, only, wish.caller])
  const visible = await patiently(() => {
    let verdict = page.verdicts.get(key)
    if (!verdict) {
      verdict = askWhich(judgement, matching, wish)
      page.verdicts.set(key, verdict)
      verdict.catch(() => page.verdicts.delete(key))
    }
    return verdict
  }, signal)
  if (!visible) return []

  return matching.flatMap((change): Told[] => {
    const { operation, became } = change
    const was = change.was ?? (operation === 'u' ? became : null)
    const couldSee = was !== null && visible.has(was)
    const canSee = became !== null && visible.has(became)
    if (operation === 'i') return canSee ? [{ change, event: 'INSERTED' }] : []
    if (operation === 'd') return couldSee ? [{ change, event: 'DELETED' }] : []
    if (couldSee) return [{ change, event: canSee ? 'UPDATED' : 'LEFT' }]
    return canSee ? [{ change, event: 'ENTERED' }] : []
  })
}

async function askWhich(
  { text }: Judgement,
  changes: readonly LoggedChange[],
  { ask }: Wish,
): Promise<ReadonlySet<string>> {
  const images = [...new Set(changes.flatMap(({ was, became }) => [was, became]))].filter(
    (image) => image !== null,
  )
  const rows = await ask(text, [`[${images.join(',')}]`])
  return new Set(rows.map(({ place }) => images[place as number]!))
}

/** Tries again while the database is away; null when the subscriber is gone by then. */
async function patiently<T>(attempt: () => Promise<T>, signal: AbortSignal): Promise<T | null> {
  for (let wait = 50; !signal.aborted; wait = Math.min(2000, wait * 2)) {
    try {
      return await attempt()
    } catch (error) {
      const { code } = toPublicError(error)
      if (code !== 'UNAVAILABLE' && code !== 'RETRY' && code !== 'TIMEOUT') throw error
      await sleep(wait, null, { signal }).catch(() => {})
    }
  }
  return null
}

const isWanted = ({ was, became }: LoggedChange, only: readonly (readonly [string, string])[]) =>
  only.length === 0 ||
  [was, became].some((image) => {
    if (image === null) return false
    const values = texts(image)
    return only.every(([name, wanted]) => values[name] === asText(wanted))
  })

const keyOf = ({ was, became }: LoggedChange) => texts(became ?? was ?? '{}')

const asText = (json: string): string | null => texts(`{"value":${json}}`).value ?? null

/** An image's values as texts: numbers as they are written, since some are longer than a number here. */
function texts(image: string): Record<string, string | null> {
  type Context = { source: string }
  const reviver = (_name: string, value: unknown, context?: Context) =>
    typeof value === 'number' ? context!.source : value
  const values = JSON.parse(image, reviver as (name: string, value: unknown) => unknown) as object
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      value === null || typeof value === 'string' ? value : JSON.stringify(value),
    ]),
  )
}
