import { Logger, run, type RunnerOptions } from 'graphile-worker'
import type { Pool } from 'pg'
import { makePool } from '../src/database/connection.ts'
import { type EncryptionKey, makeCipher } from '../src/encryption.ts'
import type { Log } from '../src/log.ts'
import type { Mailer } from '../src/mailer.ts'
import { cronItems } from './crontab.ts'
import { makeMailServices } from './mail.ts'
import { makeSlackServices } from './slack.ts'
import { makeTasks } from './tasks/index.ts'

/** What a worker needs; `ownerUrl` because the queue is the owner's. */
export type WorkerOptions = {
  ownerUrl: string
  concurrency: number
  mailer: Mailer
  /** Address of the front end, for links in mails; null: they have none. */
  publicUrl: string | null
  /** How many days a line of the security log is kept. */
  securityLogDays: number
  slackApiUrl: string
  /** For the secrets that jobs need; the first one encrypts. */
  encryptionKeys: readonly EncryptionKey[]
  log: Log
}

/** A running worker. */
export type JobWorker = {
  /** Resolves when it stops by itself, which it does only when something is very wrong. */
  stopped: Promise<void>
  /** Takes no new job, lets the running ones end, and gives back what it holds. */
  close(): Promise<void>
}

/** Starts to run the queued jobs of a database, and those whose hour has come. */
export async function startWorker(given: WorkerOptions): Promise<JobWorker> {
  const { ownerUrl, concurrency, mailer, publicUrl, securityLogDays, log } = given
  const cipher = makeCipher(given.encryptionKeys)
  const slack = makeSlackServices(given.slackApiUrl, cipher)
  const taskList = makeTasks({ ...makeMailServices(mailer, publicUrl), slack, cipher, log, securityLogDays })
  const pool: Pool = makePool(ownerUrl, concurrency + 2, log)
  const options: RunnerOptions = {
    pgPool: pool,
    concurrency,
    // In batches, however small, since the worker waits for those when it ends, and for nothing else that is to be
    // written down: a job that failed meanwhile would stay locked, and its queue with it.
    preset: { worker: { completeJobBatchDelay: 0, failJobBatchDelay: 0 } },
    noHandleSignals: true, // the process has one place for signals
    taskList,
    parsedCronItems: cronItems,
    logger: workerLogger(log),
  }
  const runner = await run(options).catch(async (error: unknown) => {
    await pool.end()
    throw error
  })

  return {
    stopped: runner.promise,
    async close() {
      // `stop` resolves before the last job is written down as done; `promise` after.
      await runner.stop().catch(() => {}) // it may have stopped by itself
      await runner.promise
      await pool.end()
    },
  }
}

function workerLogger(log: Log): Logger {
  const levels = { error: 'error', warning: 'warn', info: 'debug', debug: 'debug' } as const
  return new Logger(() => (level, message, meta) => log[levels[level]]({ worker: meta }, message))
}
