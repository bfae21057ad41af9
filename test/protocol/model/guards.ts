/** What keeps the protocol safe, rule by rule, and who keeps it. Each can be taken away to see what happens. */
export const guards = {
  claimedOnce: 'claim_unlock grants only a command that is pending',
  commandHeld: 'claim_unlock locks the command until it commits',
  inTime: 'claim_unlock grants only before expires_at',
  databaseClock: 'claim_unlock tells the time by the database, not by what the device says',
  clockAfterLocks: 'claim_unlock reads the clock once it has its locks, not when it began',
  thisDevice: 'claim_unlock grants only to the device that the command was made for',
  doorStillHasDevice: 'claim_unlock grants only while the door has this device',
  deviceNotRevoked: 'claim_unlock grants only while the device is not revoked',
  stillMember: 'claim_unlock grants only while the person is a member',
  passHolds: 'claim_unlock grants to a guest only while the pass is not revoked',
  noLockdown: 'claim_unlock grants only while there is no lockdown',
  officeHeld: 'claim_unlock holds the office, so that lockdowns and doors wait until it commits',
  membershipHeld: 'claim_unlock holds the membership, so that its end waits until it commits',
  passHeld: 'claim_unlock holds the pass of a guest, so that its revocation waits until it commits',
  deviceHeld: 'claim_unlock holds the device, so that its revocation waits until it commits',
  reportFromClaimed: 'report_unlock takes a report only of a command that is claimed',
  reportThisDevice: 'report_unlock takes a report only from the device that the command was made for',
  unknownIsFinal: 'what became unknown stays so, and nobody tries it again',
  allowedAtCreation: 'unlock_door makes a command only for somebody who is allowed',
  twoSeconds: 'the device acts only on an answer within two seconds of its asking',
  monotonicClock: 'the device measures the two seconds by a clock that never jumps',
  ownAnswer: 'the device tells apart the answers to its several askings',
  answeredOnce: 'the device is done with an asking at its first answer',
  grantOnly: 'the device acts on a grant, never on hearing that a command is claimed',
  noGuess: 'the device reports nothing about a claim that it does not remember',
  oncePerPress: 'the front end never asks again by itself',
} as const

/** Name of a guard. */
export type Guard = keyof typeof guards

/** The guards that are in force. */
export type Guards = Readonly<Record<Guard, boolean>>

/** All of them. */
export const allGuards = Object.fromEntries(Object.keys(guards).map((name) => [name, true])) as Guards

/** All but one. */
export const without = (name: Guard): Guards => ({ ...allGuards, [name]: false })

/**
 * Guards that no history needs, because others do their work, and why we keep them all the same.
 */
export const redundant: Partial<Record<Guard, string>> = {
  allowedAtCreation: 'the claim decides again; but the person hears at once, and no device is troubled',
}
