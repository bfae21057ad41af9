import { Logger, run, type RunnerOptions } from 'graphile-worker'
import type { Pool } from 'pg'
import type { Config } from '../src/config.ts'
import { endPool, makePool } from '../src/database/connection.ts'
import { makeCipher } from '../src/encryption.ts'
import type { Log } from '../src/log.ts'
import type { Mailer } from '../src/mailer.ts'
import { cronItems } from './crontab.ts'
import { makeMailServices } from './mail.ts'
import { makeSlackServices } from './slack.ts'
import { makeTasks } from './tasks/index.ts'

/** What a worker needs; `ownerUrl` because the queue is the owner's. */
export type WorkerOptions = {
  ownerUrl: string
  mailer: Mailer
  config: Pick<
    Config,
    'workerConcurrency' | 'publicUrl' | 'serverUrl' | 'retention' | 'slackApiUrl' | 'encryptionKeys'
  >
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
export async function startWorker({ ownerUrl, mailer, config, log }: WorkerOptions): Promise<JobWorker> {
  const { workerConcurrency: concurrency, retention } = config
  const cipher = makeCipher(config.encryptionKeys)
  const slack = makeSlackServices(config.slackApiUrl, cipher)
  const taskList = makeTasks({ ...makeMailServices(mailer, config), slack, cipher, retention, log })
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
    await endPool(pool)
    throw error
  })

  return {
    stopped: runner.promise,
    async close() {
      // `stop` resolves before the last job is written down as done; `promise` after.
      await runner.stop().catch(() => {}) // it may have stopped by itself
      await runner.promise
      await endPool(pool)
    },
  }
}

function workerLogger(log: Log): Logger {
  const levels = { error: 'error', warning: 'warn', info: 'debug', debug: 'debug' } as const
  return new Logger(() => (level, message, meta) => log[levels[level]]({ worker: meta }, message))
}
