/** Choices that a seed decides, the same on every machine. */
export type Random = {
  /** From 0 up to, and without, 1. */
  next(): number
  chance(probability: number): boolean
  /** From 0 to `most`. */
  upTo(most: number): number
  pick<T>(things: readonly T[]): T
}

/** Mulberry32: small, quick, and good enough to choose with. */
export function makeRandom(seed: number): Random {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const upTo = (most: number) => Math.floor(next() * (most + 1))
  return {
    next,
    chance: (probability) => next() < probability,
    upTo,
    pick: (things) => things[upTo(things.length - 1)]!,
  }
}
