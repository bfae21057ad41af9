import { closest, distance } from 'fastest-levenshtein'
import { flagOf, settingNames, settings } from './settings.ts'

/** The known name that somebody probably meant, or undefined when none is near. */
export function suggestion(word: string, known: readonly string[]): string | undefined {
  const near = closest(word, [...known])
  return distance(word, near) <= Math.max(2, Math.floor(near.length / 4)) ? near : undefined
}

type Source = 'file' | 'env' | 'flags'
type Given = Readonly<Record<string, string | undefined>>

/**
 * What is set and is no setting, as faults. The file and the flags are ours, so any stranger in them is one. The
 * environment is everybody's: there, only a name that nearly is one of ours, which itself is not set, counts as a
 * slip. Nearly is less there, so that somebody else's DATABASE_USER and DATABASE_PORT do not count.
 */
export function* unknownSettings({ file, env, flags }: Record<Source, Given>): Generator<string> {
  const isKnown = (name: string) => Object.hasOwn(settings, name)
  const meant = (near: string | undefined, prefix = '') => (near ? ` Did you mean ${prefix}${near}?` : '')

  for (const flag of Object.keys(flags)) {
    const known = settingNames.map(flagOf)
    if (!known.includes(flag))
      yield `--${flag}: there is no such option.${meant(suggestion(flag, known), '--')}`
  }
  for (const name of Object.keys(file)) {
    if (!isKnown(name)) {
      yield `${name} (in .env): there is no such setting.${meant(suggestion(name.toUpperCase(), settingNames))}`
    }
  }
  for (const name of Object.keys(env)) {
    if (isKnown(name) || name.length < 7) continue
    const near = closest(name.toUpperCase(), settingNames)
    const isSet = (env[near] ?? file[near] ?? flags[flagOf(near)]) !== undefined
    if (!isSet && near.length > 6 && distance(name.toUpperCase(), near) <= Math.min(2, near.length / 4)) {
      yield `${name}: there is no such setting.${meant(near)}`
    }
  }
}
