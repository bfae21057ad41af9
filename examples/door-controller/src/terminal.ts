/** Says what happens, one line each. */
export type Say = (line: string) => void

/** Writes lines with the time of day; systemd's journal brings its own, so only a terminal gets it. */
export function makeSay(out: { write(text: string): unknown; isTTY?: boolean }): Say {
  return (line) => {
    const time = new Date().toTimeString().slice(0, 8)
    out.write(out.isTTY ? `\x1b[2m${time}\x1b[0m ${line}\n` : `${line}\n`)
  }
}
