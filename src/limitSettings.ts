import { limitNames, type LimitSetting, limitSetting, limitTable } from './limits.ts'
import { integer, type Setting, setting } from './settingShapes.ts'

/** A setting for each limit of the table. */
export const limitSettings = Object.fromEntries(
  limitNames.map((name) => {
    const { default: otherwise, unit, reason } = limitTable[name]
    const definition = {
      schema: integer(1, 100_000_000, otherwise),
      expected: `a number of ${unit}, at least 1`,
      about: reason,
    }
    return [limitSetting(name), setting(definition)]
  }),
) as Record<LimitSetting, Setting<number>>
