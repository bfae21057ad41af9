/** A key of a device: of its how-manieth enrolment. */
export type Key = { device: string; enrolment: number; token: string }

/** A command as those know it who watch from outside. */
type Command = {
  device: string
  door: string
  /** Who asked, or the host of the pass. */
  person: string
  pass: string | null
  grants: number
  isExpired: boolean
  isAged: boolean
  outcome: string | null
}

/** What a guest may do, for as long as the host is a member. */
export type Pass = {
  host: string
  uses: number
  doors: readonly string[]
  isRevoked: boolean
  isOver: boolean
}

/**
 * Knows what is so by what was committed, in that order, and says what must never be. It is told of each transaction
 * when it has been committed, and of no other.
 */
export type Referee = {
  members: Set<string>
  controllers: Map<string, string | null>
  commands: Map<string, Command>
  passes: Map<string, Pass>
  /** Every key there was, of each device the one that counts last. */
  keys: Key[]
  asked(id: string, door: string, device: string, by: { person: string } | { pass: string }): void
  left(person: string): void
  revoked(device: string): void
  enrolled(device: string, token: string): void
  expired(id: string): void
  aged(id: string): void
  granted(id: string, key: Key): void
  reported(id: string, key: Key, hasOpened: boolean): void
  /** What a look at a command has shown. */
  seen(id: string, state: string): void
}

/** What a referee finds. */
export class Violation extends Error {}

const rule = (isKept: boolean, fault: string) => {
  if (!isKept) throw new Violation(fault)
}

/** A referee of a world in which each device has been enrolled once, and nobody has asked for anything. */
export function makeReferee(
  given: Pick<Referee, 'members' | 'controllers' | 'passes'> & { tokens: Map<string, string> },
): Referee {
  const enrolments = new Map([...given.tokens.keys()].map((device) => [device, 1]))
  const revoked = new Set<string>()
  const commands: Referee['commands'] = new Map()
  const keys = [...given.tokens].map(([device, token]): Key => ({ device, enrolment: 1, token }))
  const isCurrent = ({ device, enrolment }: Key) =>
    !revoked.has(device) && enrolments.get(device) === enrolment

  const referee: Referee = {
    members: given.members,
    controllers: given.controllers,
    commands,
    passes: given.passes,
    keys,
    asked: (id, door, device, by) =>
      void commands.set(id, {
        person: 'pass' in by ? given.passes.get(by.pass)!.host : by.person,
        pass: 'pass' in by ? by.pass : null,
        ...{ door, device, grants: 0 },
        ...{ isExpired: false, isAged: false, outcome: null },
      }),
    left(person) {
      referee.members.delete(person)
      for (const pass of given.passes.values()) if (pass.host === person) pass.isRevoked = true
    },
    revoked: (device) => void revoked.add(device),
    enrolled(device, token) {
      const enrolment = enrolments.get(device)! + 1
      enrolments.set(device, enrolment)
      revoked.delete(device)
      keys.push({ device, enrolment, token })
    },
    expired: (id) => void (commands.get(id)!.isExpired = true),
    aged: (id) => void (commands.get(id)!.isAged = true),
    granted(id, key) {
      const command = commands.get(id)!
      command.grants++
      rule(command.grants === 1, 'granted twice')
      rule(command.outcome === null, 'granted after its end')
      rule(!command.isExpired, 'granted late')
      rule(key.device === command.device, 'granted to another device')
      rule(isCurrent(key), 'granted to a key that had ended')
      rule(referee.controllers.get(command.door) === command.device, 'granted to a device that lost the door')
      rule(referee.members.has(command.person), 'granted for somebody who was not allowed')
      const pass = command.pass === null ? null : given.passes.get(command.pass)!
      if (!pass) return
      pass.uses--
      rule(pass.uses >= 0, 'granted by a pass that was used up')
      rule(!pass.isRevoked, 'granted by a pass that was revoked')
      rule(!pass.isOver, 'granted by a pass that was over')
      rule(pass.doors.includes(command.door), 'granted by a pass of another door')
    },
    reported(id, key, hasOpened) {
      const command = commands.get(id)!
      rule(command.grants === 1, 'reported and never granted')
      rule(key.device === command.device, 'reported by another device')
      referee.seen(id, hasOpened ? 'opened' : 'failed')
    },
    seen(id, state) {
      const command = commands.get(id)!
      if (state === 'pending' || state === 'claimed') {
        return rule(command.outcome === null && (state === 'claimed') === command.grants > 0, 'not settled')
      }
      rule((command.outcome ??= state) === state, 'an outcome that changed')
      const wasGranted = ['opened', 'failed', 'unknown'].includes(state)
      rule(wasGranted === command.grants > 0, 'an outcome that cannot be')
      if (state === 'expired') rule(command.isExpired, 'expired too early')
      if (state === 'unknown') rule(command.isAged, 'unknown too early')
    },
  }
  return referee
}
