import { format } from 'node:util'
import { type Logger, pino } from 'pino'
import type { Config } from './config.ts'

export type Log = Logger

/** Makes what libraries say by `console` lines of the log, so that there is one stream to read. */
export function captureConsole(log: Log): void {
  const levels = {
    error: 'error',
    warn: 'warn',
    info: 'info',
    log: 'info',
    dir: 'info',
    debug: 'debug',
  } as const
  for (const [method, level] of Object.entries(levels) as [keyof typeof levels, 'info'][]) {
    console[method] = (...args: unknown[]) => log[level](format(...args))
  }
}

/**
 * The log: one JSON object a line on standard output, for programs to read; on a terminal, lines for
 * people. Anything that could carry a secret is left out by name.
 */
export function makeLog(config: Pick<Config, 'logLevel'>, isTerminal: boolean): Log {
  return pino({
    level: config.logLevel,
    base: undefined,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: ['req.headers', '*.password', '*.token', '*.connectionString'],
    ...(isTerminal && {
      transport: {
        target: 'pino-pretty',
        options: { translateTime: 'SYS:HH:MM:ss.l', ignore: 'pid,hostname', singleLine: true },
      },
    }),
  })
}
