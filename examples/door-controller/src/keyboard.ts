import { emitKeypressEvents, type Key } from 'node:readline'
import type { ReadStream } from 'node:tty'

export type KeyOptions = {
  /** A key that rings, at the first door or at one by its number. */
  press(place: number): void
  /** A key that ends the program; Ctrl-C is one, for it is no signal while single keys are read. */
  stop(): void
}

/** Reads single keys from a terminal. They do not keep the program from ending by itself. */
export function readKeys(terminal: ReadStream, { press, stop }: KeyOptions): void {
  emitKeypressEvents(terminal)
  terminal.setRawMode(true)
  terminal.on('keypress', (_text: string | undefined, { name = '', ctrl, meta }: Key) => {
    if (name === 'q' || (ctrl && (name === 'c' || name === 'd'))) stop()
    else if (ctrl || meta) return
    else if (name === 'r' || name === 'return' || name === 'enter') press(1)
    else if (/^[1-9]$/.test(name)) press(Number(name))
  })
  terminal.resume()
  terminal.unref()
}
