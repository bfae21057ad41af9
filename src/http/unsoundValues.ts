/** A part of a value that cannot be kept as it is, and why, in words for people. */
export type Unsound = { path: (string | number)[]; message: string }

const maxDepth = 500

/**
 * The first part of a JSON value that Postgres cannot keep, or that is no longer what was sent: a text
 * with NUL or half a surrogate pair, which would become U+FFFD; a number too large for JavaScript, which
 * has been rounded by now; more levels than a stack has room for. Null when all of it is sound.
 */
export function unsoundPart(value: unknown, depth = 0): Unsound | null {
  if (typeof value === 'string') return unsoundText(value)
  if (typeof value === 'number') {
    return Number.isFinite(value) ? null : { path: [], message: 'A number is too large.' }
  }
  if (typeof value !== 'object' || value === null) return null
  if (depth === maxDepth) return { path: [], message: `A value has more than ${maxDepth} levels.` }

  for (const [key, part] of Object.entries(value)) {
    const step = Array.isArray(value) ? Number(key) : key
    const fault = (typeof step === 'string' && unsoundText(step)) || unsoundPart(part, depth + 1)
    if (fault) return { ...fault, path: [step, ...fault.path] }
  }
  return null
}

function unsoundText(text: string): Unsound | null {
  if (text.includes('\0')) return { path: [], message: 'A text contains the character NUL.' }
  if (!text.isWellFormed()) return { path: [], message: 'A text contains half a surrogate pair.' }
  return null
}
