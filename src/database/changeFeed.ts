import pg, { type Pool } from 'pg'
import { AppError } from '../errors.ts'
import { messageOf } from '../fault.ts'
import type { Log } from '../log.ts'
import { type LoggedChange, readEpoch, readStretch } from './changeLog.ts'
import { type Judgement, readJudgement } from './judgement.ts'
import { hasLog } from './realtimeInstall.ts'

/** A stretch of the log, as all subscriptions of the process share it. */
export type Page = {
  from: string
  to: string
  /** What to read it again by, together with `from` and `to`. */
  afterId: string
  /** Null once it is old: who still needs it reads it again. */
  changes: LoggedChange[] | null
  /** The page behind it; absent until there is one. */
  next?: Page
  /** Whether nothing that came before leads here: what follows is another log. */
  isRupture?: boolean
  /** Which images a caller may see, by caller and table. */
  verdicts: Map<string, Promise<ReadonlySet<string> | null>>
}

/** Where somebody begins who joins: the pages behind `page` hold what ended after `position`. */
export type Start = { epoch: string; position: string; page: Page }

/** The changes of the whole database, read once for all subscriptions of the process. */
export type ChangeFeed = {
  /** Connects at the first call; rejects while there is no database. */
  join(): Promise<Start>
  /** Calls back once, at the next page; the answer takes that back. */
  onNext(wake: () => void): () => void
  judgement(of: { schema: string; table: string; role: string }): Promise<Judgement>
  /** For what subscribers read of the log on their own. */
  pool: Pool
  /** Ends reading; subscriptions hear nothing more. */
  close(): Promise<void>
}

export type ChangeFeedOptions = { url: string; pool: Pool; retentionHours: number; log: Log }

/** Pages that are kept in memory for subscriptions that are somewhat behind. */
const keptPages = 20
/** The log is looked at this often without a notification: not every writer sends one. */
const pollMs = 100
/** After a notification, what others write meanwhile is read along with it. */
const gatherMs = 5
const purgeEveryMs = 60_000
/** For this long a policy is taken to be what it was. */
const judgementMs = 1000

/** Makes the feed of a database; it connects once somebody joins. */
export function makeChangeFeed({ url, pool, retentionHours, log }: ChangeFeedOptions): ChangeFeed {
  const wakers = new Set<() => void>()
  const kept: Page[] = []
  const judgements = new Map<string, { until: number; judgement: Promise<Judgement> }>()
  let start: Start | undefined
  let last: Page | undefined
  let joining: Promise<Start> | undefined
  let reading: Promise<void> | undefined
  let client: pg.Client | undefined
  let lookNow = () => {}
  let endPause = () => {}
  let isClosed = false
  const isOpen = () => !isClosed

  const append = (page: Page) => {
    if (last) last.next = page
    last = page
    kept.push(page)
    if (kept.length > keptPages) {
      const old = kept.shift()!
      old.changes = null
      old.verdicts.clear()
    }
    const waiting = [...wakers]
    wakers.clear()
    for (const wake of waiting) wake()
  }

  const connect = async (): Promise<pg.Client> => {
    const opened = new pg.Client({
      connectionString: url,
      application_name: 'plinth realtime',
      connectionTimeoutMillis: 5000,
      query_timeout: 10_000, // for a connection that is only half open
      keepAlive: true,
    })
    opened
      .on('error', () => lookNow())
      .on('end', () => lookNow())
      .on('notification', () => lookNow())
    await opened.connect()
    try {
      await opened.query('listen plinth_realtime')
      const { epoch, now } = await readEpoch(opened)
      if (start?.epoch !== epoch) {
        const page: Page = { ...emptyPage(now), isRupture: start !== undefined }
        if (start) log.warn('the database is another one than before: subscriptions begin anew')
        append(page)
        start = { epoch, position: now, page }
      }
      return opened
    } catch (error) {
      await opened.end().catch(() => {})
      throw error
    }
  }

  /** Waits, but not beyond the end. */
  const pause = async (ms: number) => {
    let timer: NodeJS.Timeout | undefined
    await new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ms)
      endPause = resolve
    })
    clearTimeout(timer)
  }

  const readOn = async (connected: pg.Client) => {
    while (isOpen()) {
      let timer: NodeJS.Timeout | undefined
      const woken = new Promise<void>((resolve) => (lookNow = resolve))
      const isMidway = last !== start!.page
      const place = isMidway
        ? { from: last!.from, to: last!.to, afterId: last!.changes!.at(-1)!.id }
        : { from: start!.position, to: null, afterId: '0' }
      const { to, changes, isWhole } = await readStretch(connected, place)
      if (changes.length > 0) append({ ...place, to, changes, verdicts: new Map() })
      if (!isWhole) continue
      start = { ...start!, position: to, page: last! }
      await Promise.race([woken, new Promise<void>((resolve) => (timer = setTimeout(resolve, pollMs)))])
      clearTimeout(timer)
      if (isOpen()) await pause(gatherMs)
    }
  }

  const keepReading = async () => {
    for (let failures = 0; isOpen(); failures++) {
      try {
        client ??= await connect()
        failures = 0
        await readOn(client)
      } catch (error) {
        await client?.end().catch(() => {})
        client = undefined
        if (!isOpen()) return
        if (failures === 0) log.warn({ error: messageOf(error) }, 'the log of changes cannot be read')
        await pause(Math.min(2000, 50 * 2 ** failures))
      }
    }
  }

  const purge = async () => {
    try {
      for (let isMore = await hasLog(pool); isMore && isOpen();) {
        const { rows } = await pool.query<{ is_more: boolean }>(
          'select plinth_realtime.purge(make_interval(hours => $1)) as is_more',
          [retentionHours],
        )
        isMore = rows[0]!.is_more
      }
    } catch (error) {
      log.warn({ error: messageOf(error) }, 'the log of changes could not be shortened')
    }
  }
  let purging = Promise.resolve()
  const purgeTimer = setInterval(() => void (purging = purging.then(purge)), purgeEveryMs)
  purgeTimer.unref()

  return {
    pool,
    join() {
      if (!isOpen()) return Promise.reject(new AppError('UNAVAILABLE', 'The server is shutting down.'))
      if (start) return Promise.resolve(start)
      joining ??= connect()
        .then((opened) => {
          client = opened
          reading = keepReading()
          return start!
        })
        .finally(() => (joining = undefined))
      return joining
    },
    onNext(wake) {
      wakers.add(wake)
      return () => void wakers.delete(wake)
    },
    judgement(of) {
      const name = JSON.stringify([of.schema, of.table, of.role])
      const known = judgements.get(name)
      if (known && known.until > performance.now()) return known.judgement
      const judgement = readJudgement(pool, of, log)
      judgements.set(name, { until: performance.now() + judgementMs, judgement })
      judgement.catch(() => judgements.delete(name))
      return judgement
    },
    async close() {
      isClosed = true
      clearInterval(purgeTimer)
      lookNow()
      endPause()
      await reading
      await client?.end().catch(() => {})
      await purging
    },
  }
}

const emptyPage = (at: string): Page => ({
  from: at,
  to: at,
  afterId: '0',
  changes: [],
  verdicts: new Map(),
})
