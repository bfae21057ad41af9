import { messageOf } from './fault.ts'

/** Tells a person how far a command is: on a terminal in place, elsewhere line by line. */
export type Progress = {
  /** Runs a step and says how long it took; the step may return a word on its outcome. */
  step<T>(label: string, run: (note: (text: string) => void) => Promise<T>): Promise<T>
  /** Prints a line as it is. */
  line(text?: string): void
}

type Terminal = { write(text: string): unknown; isTTY?: boolean }

/** Writes to a stream, usually standard error, so that standard output stays for results. */
export function makeProgress(out: Terminal): Progress {
  const isTerminal = out.isTTY === true
  const paint = (code: number, text: string) => (isTerminal ? `\x1b[${code}m${text}\x1b[0m` : text)

  return {
    line: (text = '') => void out.write(`${text}\n`),
    async step(label, run) {
      const began = performance.now()
      let outcome = ''
      if (isTerminal) out.write(`${paint(36, '…')} ${label}`)
      const close = (mark: string) => {
        const seconds = ((performance.now() - began) / 1000).toFixed(1)
        const text = outcome ? `${label}: ${outcome}` : label
        out.write(`${isTerminal ? '\r\x1b[K' : ''}${mark} ${text} ${paint(2, `(${seconds} s)`)}\n`)
      }
      try {
        const result = await run((text) => (outcome = text))
        close(paint(32, '✓'))
        return result
      } catch (error) {
        if (!outcome) outcome = messageOf(error).split('\n')[0] ?? ''
        close(paint(31, '✗'))
        throw error
      }
    },
  }
}

/** Says nothing; for tests and for commands whose output is read by programs. */
export const silent: Progress = { line: () => {}, step: (_label, run) => run(() => {}) }
