import type { Claim, Message, State } from './state.ts'

/** Something that can happen next. */
export type Step = {
  label: string
  next: State
  /** The claim that this step grants, if it does. */
  granted?: Claim | undefined
  /** The lock that this step opens, if it does, and the answer that it was opened on, if there was one. */
  opened?: { command: number; by: 'ours' | 'stray'; decidedAt: number | null } | undefined
}

/** Puts a message on its way. */
export const send = (state: State, message: Message): State => ({
  ...state,
  network: [...state.network, message],
})

/** Takes a message from its way. */
export const take = (state: State, message: Message): State => ({
  ...state,
  network: state.network.filter((one) => one !== message),
})
