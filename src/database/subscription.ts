import { setTimeout as sleep } from 'node:timers/promises'
import { toPublicError } from '../errors.ts'
import type { ChangeFeed, Page } from './changeFeed.ts'
import {
  assertResumable,
  fromCursor,
  isEarlier,
  isVisibleIn,
  type LoggedChange,
  type Position,
  readStretch,
  reload,
  toCursor,
} from './changeLog.ts'
import { type Judgement, whoAndWhen } from './judgement.ts'
import { asText, texts } from './rowImage.ts'

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
  /** Resolves once the subscriber has taken what was sent before. */
  isReady(): Promise<unknown>
  /** Runs a statement as the caller, whose token is checked along with it. */
  ask(text: string, values: unknown[]): Promise<Record<string, unknown>[]>
}

/** The changes of a table for one subscriber: an iterator whose `return` takes effect at once. */
export function subscribe(feed: ChangeFeed, wish: Wish): AsyncGenerator<Change, undefined, undefined> {
  const abort = new AbortController()
  // Refused here: what the iterator throws before Grafast's consumer asks it for anything is lost.
  const resumed = wish.after === null ? null : fromCursor(wish.after)
  const changes = follow(feed, wish, resumed, abort.signal)
  const finish = async () => {
    abort.abort()
    return { value: undefined, done: true } as const
  }
  return {
    // Grafast asks for the next change without regard to whether the last one has been taken.
    next: async () => {
      await wish.isReady()
      return abort.signal.aborted ? finish() : changes.next()
    },
    return: finish,
    throw: finish,
    [Symbol.asyncIterator]() {
      return this
    },
    [Symbol.asyncDispose]: async () => abort.abort(),
  }
}

async function* follow(
  feed: ChangeFeed,
  wish: Wish,
  resumed: Position | null,
  signal: AbortSignal,
): AsyncGenerator<Change, undefined, undefined> {
  const { epoch, position, page } = await feed.join()
  const caller = await whoAndWhen(wish)
  const judge = await makeJudge(feed, wish, caller.role, signal)
  // The feed may be somewhat behind: what had happened before is no news.
  let start = resumed ? null : caller.now
  const told = async function* (of: Page, changes: LoggedChange[]) {
    const begun = start !== null && isEarlier(of.from, start) ? start : null
    for (const { change, event } of await judge(of, changes)) {
      if (begun !== null && isVisibleIn(begun, change.xid)) continue
      const cursor = toCursor({ epoch, from: begun ?? of.from, to: of.to, id: change.id })
      // The key of the row as the subscriber knows it: of one that left, not the one it has since.
      const image = event === 'LEFT' ? (change.was ?? change.became) : (change.became ?? change.was)
      yield { event, cursor, key: texts(image ?? '{}') } satisfies Change
    }
  }

  if (resumed) {
    await assertResumable(feed.pool, resumed, epoch)
    for await (const missed of missedPages(feed, resumed, position)) yield* told(missed, missed.changes)
    start = resumed.to // the cursor may be of another process, which was ahead of this one
  } else {
    yield { event: 'STARTED', cursor: toCursor({ epoch, from: start!, to: start!, id: '0' }), key: null }
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

type Told = { change: LoggedChange; event: ChangeKind }

/**
 * Makes what decides which changes of a page the subscriber is told of, and as what: by whether the caller
 * may, with the rights of this moment, see the row as it was and as it became. Asked once per page for all
 * subscriptions of a caller to the same.
 */
async function makeJudge(feed: ChangeFeed, wish: Wish, firstRole: string, signal: AbortSignal) {
  const { schema, table, ask, caller } = wish
  let role = firstRole
  const only = await canonical(await feed.judgement({ schema, table, role }), wish)

  const verdictOn = async (page: Page, matching: readonly LoggedChange[]): Promise<ReadonlySet<string>> => {
    for (;;) {
      const judgement = await feed.judgement({ schema, table, role })
      const key = JSON.stringify([judgement.relation, only, caller])
      let verdict = page.verdicts.get(key)
      if (!verdict) {
        verdict = askWhich(judgement, matching, ask)
        page.verdicts.set(key, verdict)
        verdict.catch(() => page.verdicts.delete(key))
      }
      const visible = await verdict
      if (visible !== null) return visible
      page.verdicts.delete(key)
      role = (await whoAndWhen(wish)).role
    }
  }

  return async (page: Page, changes: readonly LoggedChange[]): Promise<Told[]> => {
    if (changes.length === 0) return []
    const judgement = await patiently(() => feed.judgement({ schema, table, role }), signal)
    const matching = changes.filter(
      (change) =>
        change.relation === judgement?.relation && (change.operation === 't' || isWanted(change, only)),
    )
    if (matching.length === 0) return []
    if (matching.some(({ operation }) => operation === 't')) throw reload()
    const visible = await patiently(() => verdictOn(page, matching), signal)
    return visible === null ? [] : matching.flatMap((change) => toTold(change, visible))
  }
}

function toTold(change: LoggedChange, visible: ReadonlySet<string>): Told[] {
  const { operation, became } = change
  const was = change.was ?? (operation === 'u' ? became : null)
  const couldSee = was !== null && visible.has(was)
  const canSee = became !== null && visible.has(became)
  if (operation === 'i') return canSee ? [{ change, event: 'INSERTED' }] : []
  if (operation === 'd') return couldSee ? [{ change, event: 'DELETED' }] : []
  if (couldSee) return [{ change, event: canSee ? 'UPDATED' : 'LEFT' }]
  return canSee ? [{ change, event: 'ENTERED' }] : []
}

/** The wanted values as images have them, whichever way the client wrote them. */
async function canonical({ types }: Judgement, { only, ask }: Wish) {
  const names = Object.keys(only)
  if (names.length === 0) return []
  const values = names.map((name, index) => `to_jsonb($${index + 1}::${types[name]!})::text`)
  const [row] = await ask(`select array[${values.join(', ')}] as wanted`, Object.values(only))
  return (row!.wanted as string[]).map((value, index) => [names[index]!, value] as const)
}

/** The images among those of some changes that the caller may see; null when another role is to be asked. */
async function askWhich(
  { text }: Judgement,
  changes: readonly LoggedChange[],
  ask: Wish['ask'],
): Promise<ReadonlySet<string> | null> {
  const images = [...new Set(changes.flatMap(({ was, became }) => [was, became]))].filter(
    (image) => image !== null,
  )
  const rows = await ask(text, [`[${images.join(',')}]`])
  if (rows.some(({ place }) => place === -1)) return null
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
