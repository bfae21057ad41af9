/** How long to wait before each new try. */
export type BackOff = {
  /** Milliseconds until the next try: longer each time. */
  next(): number
  /** It went well: begin with short waits again. */
  reset(): void
}

const firstMs = 500
const longestMs = 30_000

/** Doubles from half a second to half a minute, and picks any time up to that, so that devices do not come at once. */
export function makeBackOff(random: () => number = Math.random): BackOff {
  let tries = 0
  return {
    next: () => random() * Math.min(longestMs, firstMs * 2 ** tries++),
    reset: () => (tries = 0),
  }
}
