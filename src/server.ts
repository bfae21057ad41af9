import { announce, urlOf } from './announce.ts'
import type { CommandContext } from './command.ts'
import { startDemoCompanions } from './companions.ts'
import type { Config } from './config.ts'
import { type Demo, seedDemo, visitDemo } from './database/demo.ts'
import { type Database, openDatabase } from './database/database.ts'
import { connectionsLetGo, migrate, pendingMigrations } from './database/migrations.ts'
import { Fault } from './fault.ts'
import type { Listener } from './http/listen.ts'
import { makeLifecycle, untilToldToStop } from './lifecycle.ts'
import { captureConsole, type Log, makeLog } from './log.ts'
import { makeMailer } from './mailer.ts'
import type { Progress } from './progress.ts'

/** Which parts a process runs. */
export type Parts = {
  command: string
  api: boolean
  worker: boolean
  /** Bring the database up to date first; without, refuse to run on one that is behind. */
  migrate: boolean
  /** Fill an empty embedded database and say how to sign in to it. */
  demo: boolean
  /** Run the programs of that demo too. */
  companions: boolean
}

/** All must be over this long after SIGTERM, whatever hangs. */
const stopDeadlineMs = 9500

/** Starts the parts in order, says where they are, and ends them in reverse when told to stop. */
export async function runServer(context: CommandContext, parts: Parts): Promise<number> {
  const config = context.config()
  const { progress } = context
  const log = makeLog(config, context.isTerminal)
  captureConsole(log)
  const lifecycle = makeLifecycle(log)
  const toldToStop = untilToldToStop(stopDeadlineMs)

  const starting = startParts(config, parts, progress, log, lifecycle)
  try {
    const first = await Promise.race([starting, toldToStop])
    if (typeof first === 'string') {
      // Told to stop half-way: what has begun is ended once it stands.
      await starting.catch(() => {})
      await lifecycle.close()
      return 0
    }
    const { failed, ...running } = first
    announce(config, running, progress)
    if (parts.companions) await runCompanions(config, running, progress, log, lifecycle)
    const reason = await Promise.race([toldToStop, failed])
    progress.line(reason instanceof Error ? `\nStopping: ${reason.message}` : '\nStopping')
    log.debug({ reason: String(reason) }, 'stopping')
    await lifecycle.close()
    return reason instanceof Error ? 1 : 0
  } catch (error) {
    await lifecycle.close()
    throw error
  }
}

/** What runs once everything has begun. */
export type Running = { listener: Listener | null; database: Database; demo: Demo | null; hasWorker: boolean }

async function startParts(
  config: Config,
  parts: Parts,
  progress: Progress,
  log: Log,
  lifecycle: ReturnType<typeof makeLifecycle>,
): Promise<Running & { failed: Promise<Error> }> {
  // The modules of the API and the worker take a while to load, and Postgres a while to start.
  const api = parts.api ? import('./http/api.ts') : null
  const worker = parts.worker ? import('../worker/runner.ts') : null

  let listener: Listener | null = null
  if (api) {
    const { listen } = await import('./http/listen.ts')
    listener = await listen(config.host, config.port)
    const { close } = listener
    lifecycle.onClose('socket', () => close(0))
  }

  const database = await openDatabase(config, parts.command, progress, { mayShare: !parts.migrate })
  lifecycle.onClose('database', database.close)
  await bringUpToDate(config, parts, database, progress, log).finally(() => {
    const letGo = connectionsLetGo()
    lifecycle.onClose('migrations', () => letGo)
  })
  const demo = parts.demo && database.isEmbedded ? await prepareDemo(config, database, progress) : null

  let failed = new Promise<Error>(() => {})
  if (worker) {
    const mailer = makeMailer(config)
    const running = await progress.step('Worker', async () =>
      (await worker).startWorker({
        ownerUrl: database.ownerUrl,
        mailer,
        config,
        log,
      }),
    )
    lifecycle.onClose('worker', () => running.close().finally(mailer.close))
    failed = running.stopped.then(
      () => new Promise<Error>(() => {}),
      (cause: unknown) => new Error('The worker has stopped.', { cause }),
    )
  }
  if (api && listener) {
    const socket = listener
    const served = await progress.step('API', async () =>
      (await api).startApi(
        config,
        database.authenticatorUrl,
        socket,
        log,
        demo?.token ?? null,
        database.ownerUrl,
      ),
    )
    lifecycle.onClose('API', served.close)
  }
  return { listener, database, demo, hasWorker: parts.worker, failed }
}

async function bringUpToDate(config: Config, parts: Parts, database: Database, progress: Progress, log: Log) {
  if (parts.migrate) {
    return progress.step('Migrations', async (note) => {
      const pending = await pendingMigrations(config, database, log).catch(() => null)
      await migrate(config, database, log.child({}, { level: 'warn' }))
      note(pending?.length === 0 ? 'up to date' : 'applied')
    })
  }
  if (!config.isProject) return
  const pending = await pendingMigrations(config, database, log)
  if (pending.length > 0) {
    throw new Fault(`The database lacks ${pending.length} of this project's migrations.`, [
      'Bring it up to date first: npx plinth db migrate',
    ])
  }
}

async function prepareDemo(config: Config, database: Database, progress: Progress): Promise<Demo | null> {
  const isSeeded = await seedDemo(database.ownerUrl)
  if (isSeeded) await progress.step('Demo', async (note) => note('seeded'))
  return config.mode === 'development' ? visitDemo(database.ownerUrl) : null
}

async function runCompanions(
  config: Config,
  { listener, database: { ownerUrl }, demo }: Running,
  progress: Progress,
  log: Log,
  lifecycle: ReturnType<typeof makeLifecycle>,
): Promise<void> {
  if (!listener || !demo) return
  try {
    const where = { ownerUrl, dataDir: config.dataDir, url: urlOf(config, listener) }
    const { close } = await startDemoCompanions(where, progress.line)
    lifecycle.onClose('companions', close)
  } catch (error) {
    // A demo that does not fit any more is no reason not to serve.
    log.warn({ err: error }, 'the programs of the demo were not started')
  }
}
