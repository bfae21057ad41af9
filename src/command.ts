import type { Config } from './config.ts'
import type { Progress } from './progress.ts'

/** What a command is given besides its own options. */
export type CommandContext = {
  /** Reads the settings; throws one Fault for all that is wrong with them. */
  config(): Config
  /** Options of the command that were given, by name: a text, or true for one without a value. */
  options: Readonly<Record<string, string | boolean | undefined>>
  /** What was written behind the command. */
  positionals: readonly string[]
  /** For people, on standard error. */
  progress: Progress
  /** For programs, on standard output. */
  print(line: string): void
  /** Whether standard output is a terminal. */
  isTerminal: boolean
}

/** A command of `plinth`. */
export type Command = {
  /** As typed: "start", "db migrate". */
  name: string
  /** What it does, in one line of `--help`. */
  summary: string
  /** More about it, below the summary of its own `--help`. */
  details?: string
  /** What is written behind it, such as "<file>"; absent when nothing may be. */
  positionals?: string
  /** Options besides the settings. */
  options?: Readonly<Record<string, { type: 'string' | 'boolean'; short?: string; about: string }>>
  /** Does it. Resolves with the exit code: 0 unless the command says otherwise. */
  run(context: CommandContext): Promise<number>
}
