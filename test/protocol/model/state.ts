/** How far a history may go. One tick stands for any stretch of time; only their order matters. */
export type Bounds = {
  /** When the clock stops. */
  ticks: number
  /** From the making of a command to its expires_at. */
  lifetime: number
  /** The device's two seconds. */
  patience: number
  /** From a claim without a report to `unknown`. */
  silence: number
  /** How often a person presses, and how often the device may ask for one command, restarts included. */
  presses: number
  asks: number
  /** How many things may go wrong, and how many rights may change meanwhile. */
  faults: number
  changes: number
}

export type CommandState = 'pending' | 'claimed' | 'opened' | 'failed' | 'expired' | 'refused' | 'unknown'
export type Verdict = 'granted' | 'expired' | 'refused' | 'ignored'

/** Ours is the controller of the door; the stray one belongs to another door and knows the command's id. */
export type Device = 'ours' | 'stray'

export type Command = {
  state: CommandState
  expiresAt: number
  claimedAt: number
  /** How often the device has asked for it. */
  asks: number
  /** What the lock did: nobody in the protocol can read this, only the promises do. */
  hasOpened: boolean
}

/** A claim_unlock under way: begun, then decided (its locks held), then committed and gone. */
export type Claim = {
  ask: number
  command: number
  by: Device
  wallClock: number
  begunAt: number
  verdict: Verdict | null
  decidedAt: number
}

export type Message =
  | { kind: 'request' }
  | { kind: 'reply' }
  | { kind: 'event'; command: number; state: CommandState }
  | { kind: 'claim'; command: number; ask: number; by: Device; wallClock: number }
  | { kind: 'answer'; command: number; ask: number; by: Device; decidedAt: number }
  | { kind: 'report'; command: number; by: Device; hasOpened: boolean }

/** An asking that the device remembers, by both of its clocks. */
export type Ask = { ask: number; command: number; at: number; wallClock: number }

/** All there is. Never changed in place: each step makes another. */
export type State = {
  /** The database's clock, and the pace of all others. */
  now: number
  faults: number
  changes: number
  presses: number
  /** Whether the front end waits for the reply to a press, and whether it has asked again by itself. */
  isWaiting: boolean
  hasRepeated: boolean
  /** How often the lock of the door was opened. */
  openings: number
  isMember: boolean
  /** Of a guest, whose host the person then is. */
  isPassRevoked: boolean
  isLockedDown: boolean
  isAssigned: boolean
  isRevoked: boolean
  isConnected: boolean
  /** Whether the device's wall clock has been set back. */
  wallClockIsBehind: boolean
  commands: readonly Command[]
  /** What the front end has been told of each command. */
  shown: readonly (CommandState | null)[]
  claims: readonly Claim[]
  network: readonly Message[]
  asks: readonly Ask[]
  /** Reports that the device has yet to send. */
  reports: readonly { command: number; hasOpened: boolean }[]
}

/** Before anybody has pressed. */
export const initial: State = {
  now: 0,
  faults: 0,
  changes: 0,
  presses: 0,
  isWaiting: false,
  hasRepeated: false,
  openings: 0,
  isMember: true,
  isPassRevoked: false,
  isLockedDown: false,
  isAssigned: true,
  isRevoked: false,
  isConnected: true,
  wallClockIsBehind: false,
  commands: [],
  shown: [],
  claims: [],
  network: [],
  asks: [],
  reports: [],
}

/** What the device's wall clock shows. */
export const wallClock = ({ now, wallClockIsBehind }: State): number => (wallClockIsBehind ? now - 100 : now)

/** Whether an outcome is the last one. */
export const isFinal = (state: CommandState): boolean => state !== 'pending' && state !== 'claimed'

/** Two states with the same key have the same future: what is a set has no order in it. */
export function keyOf(state: State): string {
  const { commands, shown, claims, network, asks, reports, ...facts } = state
  let key = wordOf(facts)
  for (const command of commands) key += wordOf(command)
  key += shown.map(letterOf).join('')
  for (const set of [claims, network, asks, reports]) key += `|${setOf(set)}`
  return key
}

const wordOf = (thing: object): string => {
  let word = ''
  for (const value of Object.values(thing)) word += letterOf(value)
  return word
}
const setOf = (things: readonly object[]) =>
  things.length < 2 ? things.map(wordOf).join('') : things.map(wordOf).sort().join(';')

// Each value of a fact as one letter; the words differ in what is needed here.
const words = new Map<unknown, string>()
function letterOf(value: unknown): string {
  let letter = words.get(value)
  if (letter === undefined) words.set(value, (letter = String.fromCharCode(0x80 + words.size)))
  return letter
}
