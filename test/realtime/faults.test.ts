import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, expect, test } from '@jest/globals'
import pg from 'pg'
import { withConnection } from '../../src/database/connection.ts'
import { runningEmbedded } from '../../src/database/embedded.ts'
import { eventually } from '../support/eventually.ts'
import { faultsIn, type Told } from '../support/ledger.ts'
import { type Server, usePlinth } from '../support/process.ts'
import { subscribeTo } from '../support/subscriber.ts'

const stops: (() => Promise<void>)[] = []
afterAll(() => Promise.all(stops.map((stop) => stop())))
const plinth = usePlinth(afterAll)

const doors = 'subscription ($after: Cursor) { doorChanged(after: $after) { event id cursor } }'

/** Subscribes, and again behind the last cursor whenever that ends, until told to stop. */
function keepSubscribed(server: () => Server) {
  const told: Told[] = []
  let cursor: string | null = null
  const abort = new AbortController()
  const isOver = () => abort.signal.aborted
  let cuts = 0
  const running = (async () => {
    while (!isOver()) {
      const { url, token } = server()
      const subscriber = subscribeTo(url, doors, { token, variables: { after: cursor } })
      let taken = 0
      const take = () => {
        for (const event of subscriber.events.slice(taken)) {
          taken++
          cursor = event.cursor as string
          if (event.event !== 'STARTED') told.push(event as Told)
        }
      }
      while (!isOver()) {
        const hasEnded = await Promise.race([
          subscriber.ended.then(() => true),
          subscriber.until(taken + 1).then(
            () => false,
            () => true,
          ),
          sleep(200, false),
        ])
        take()
        if (hasEnded) break
      }
      cuts++
      await subscriber.stop()
      if (!isOver()) await sleep(50)
    }
  })()
  const stop = () => {
    abort.abort()
    return running
  }
  stops.push(stop)
  return {
    told,
    hasStarted: () => cursor !== null,
    cuts: () => cuts,
    stop,
  }
}

/** Adds doors until told to stop, through whatever happens; says what it was told had been written. */
function keepWriting(ownerUrl: string, organizationId: string, officeId: string) {
  const acknowledged: string[] = []
  const abort = new AbortController()
  const isOver = () => abort.signal.aborted
  const running = (async () => {
    while (!isOver()) {
      const client = new pg.Client({ connectionString: ownerUrl, connectionTimeoutMillis: 2000 })
      client.on('error', () => {})
      try {
        await client.connect()
        while (!isOver()) {
          const id = randomUUID()
          await client.query(
            'insert into app_public.doors (organization_id, id, office_id, name) values ($1, $2, $3, $4)',
            [organizationId, id, officeId, 'x'],
          )
          acknowledged.push(id)
          await sleep(2)
        }
      } catch {
        await sleep(50)
      } finally {
        await client.end().catch(() => {})
      }
    }
  })()
  const stop = () => {
    abort.abort()
    return running
  }
  stops.push(stop)
  return { acknowledged, stop }
}

test('nothing is missed and nothing told twice when the listener, the API and Postgres are killed in turn', async () => {
  const dataDir = plinth.dataDir()
  let server = await plinth.start(dataDir)
  const ownerUrl = (await plinth.run(['db', 'url', '--data-dir', dataDir])).stdout.trim()
  const { superuserUrl } = (await runningEmbedded(dataDir))!
  const listenerPid = async () => {
    let pid = 0
    // There may be none yet, and no Postgres to ask.
    await eventually(() =>
      withConnection(superuserUrl, async (connection) => {
        const { rows } = await connection.query<{ pid: number }>(
          `select pid from pg_stat_activity where application_name = 'plinth realtime'`,
        )
        pid = rows[0]!.pid
      }),
    )
    return pid
  }
  const ask = async <Row extends pg.QueryResultRow>(sql: string): Promise<Row[]> => {
    let rows: Row[] = []
    const look = async (connection: pg.Client) => (rows = (await connection.query<Row>(sql)).rows)
    await eventually(() => withConnection(ownerUrl, look)) // Postgres may be recovering
    return rows
  }
  const [office] = await ask<{ organization_id: string; id: string }>(
    'select organization_id, id from app_public.offices order by id limit 1',
  )
  const before = new Set((await ask<{ id: string }>('select id from app_public.doors')).map(({ id }) => id))

  const client = keepSubscribed(() => server)
  await eventually(() => expect(client.hasStarted()).toBe(true))
  const writers = [1, 2, 3].map(() => keepWriting(ownerUrl, office!.organization_id, office!.id))
  const more = async () => {
    const count = client.told.length
    await eventually(() => expect(client.told.length).toBeGreaterThan(count + 50), 30_000)
  }

  await more()
  for (let round = 0; round < 2; round++) {
    const pid = await listenerPid()
    await withConnection(superuserUrl, (connection) =>
      connection.query('select pg_terminate_backend($1)', [pid]),
    )
    await more()

    server.signal('SIGKILL')
    await server.ended
    server = await plinth.start(dataDir)
    await more()

    // The end of a process of its own that it cannot explain makes Postgres drop everything and recover.
    process.kill(await listenerPid(), 'SIGKILL')
    await more()
  }
  await Promise.all(writers.map((writer) => writer.stop()))
  const written = (await ask<{ id: string }>('select id from app_public.doors')).filter(
    ({ id }) => !before.has(id),
  )
  await eventually(() => expect(client.told.length).toBeGreaterThanOrEqual(written.length))
  await client.stop()

  const acknowledged = writers.flatMap((writer) => writer.acknowledged)
  const ledger = new Map(written.map(({ id }) => [id, ['INSERTED']]))
  expect(acknowledged.filter((id) => !ledger.has(id))).toEqual([])
  expect(faultsIn(client.told, ledger)).toEqual([])
  expect(client.cuts()).toBeGreaterThan(1)
}, 180_000)
