const numbered = (name: string, attempt: number) => (attempt === 1 ? name : `${name}${attempt}`)

/** The same names, but where one is taken by then, it also says what it is. */
export function distinct(names: readonly string[], kind: string, reserved: readonly string[]): string[] {
  const made: string[] = []
  for (const name of names) {
    let candidate = name
    for (let attempt = 1; made.includes(candidate) || reserved.includes(candidate); attempt++) {
      candidate = numbered(`${name}${kind}`, attempt)
    }
    made.push(candidate)
  }
  return made
}

/** Something that the API names, and that can be given another name, as a comment in the database could. */
export type Named = {
  /** Everything that the API calls after it. */
  claims(): string[]
  /** Gives it the next name to try; `attempt` counts from 1. */
  rename(attempt: number): void
}

/** Lets each in turn have its name, or else the first other one that is free. */
export function settle(things: readonly Named[], reserved: readonly string[]): void {
  const taken = new Set(reserved)
  const isFree = (claim: string) => !taken.has(claim) && /^(\w+\.)?[_A-Za-z]\w*$/.test(claim)
  for (const thing of things) {
    for (let attempt = 1; attempt < 100 && !thing.claims().every(isFree); attempt++) thing.rename(attempt)
    for (const claim of thing.claims()) taken.add(claim)
  }
}

/** Something named by the tag `tagName` of its parts. */
export function named(
  parts: readonly object[],
  tagName: string,
  otherName: string,
  claims: () => string[],
): Named {
  return {
    claims,
    rename(attempt) {
      for (const part of parts as { extensions?: { tags?: Record<string, unknown> } }[]) {
        part.extensions ??= {}
        part.extensions.tags ??= {}
        part.extensions.tags[tagName] = numbered(otherName, attempt)
      }
    },
  }
}
