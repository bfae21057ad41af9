import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import JSON5 from 'json5'
import { z } from 'zod'
import { Fault } from '../../fault.ts'
import { migrationsFolder } from '../migrations.ts'

/** Where the application says what everybody may do: seed.sql, actors.json5, oracle.json5. */
export const accessFolder = join(migrationsFolder, 'access')

/** What is done with the rows of a relation. */
export const commands = ['select', 'insert', 'update', 'delete'] as const
/** One of them. */
export type AccessCommand = (typeof commands)[number]

/** Somebody who tries their rights. */
export type Actor = {
  name: string
  about: string
  /** What they sign in with, null for nothing; absent where they have a role without signing in. */
  token?: string | null
  /** The placeholder of a role, such as `:ROLE_DEVICE`. */
  role?: string
  /** What is theirs. */
  ids: readonly string[]
}

/** One way of using a command on a relation, and who is meant to reach which rows by it. */
export type Trial = {
  /** As the oracle calls it: "update", "update (to owner)". */
  name: string
  command: AccessCommand
  /** What is read or written; null for all columns, or none for a delete. */
  columns: readonly string[] | null
  /** SQL for what is written instead of what a row has, by column. */
  values: Readonly<Record<string, string>>
  /** The row set that each named actor is to reach. */
  expected: ReadonlyMap<string, string>
}

/** What is meant to be for one relation. */
export type RelationOracle = {
  /** Columns that tell its rows apart; null for the primary key. */
  key: readonly string[] | null
  /** SQL that gives the id, or the ids, by which a row belongs to a set. */
  rows: Readonly<Record<string, string>>
  trials: readonly Trial[]
}

/** All that is meant to be. */
export type Oracle = {
  actors: readonly Actor[]
  /** Names of the actors that may, by schema and by function (`schema.name`). */
  schemas: ReadonlyMap<string, readonly string[]>
  functions: ReadonlyMap<string, readonly string[]>
  relations: ReadonlyMap<string, RelationOracle>
}

const words = z.string().transform((text) => text.split(/\s+/).filter((word) => word !== ''))
const expressions = z.record(z.string(), z.string()).default({})

const actorsFile = z.strictObject({
  actors: z.record(
    z.string(),
    z.strictObject({
      about: z.string(),
      token: z.string().nullable().optional(),
      role: z.string().optional(),
      ids: z.array(z.string()).default([]),
    }),
  ),
  groups: z.record(z.string(), words),
  rows: expressions,
})

const trial = z
  .object({ columns: words.optional(), values: expressions })
  .catchall(words)
  .transform(({ columns, values, ...sets }) => ({ columns, values, sets }))
const trialName = /^(select|insert|update|delete)( \(.+\))?$/

const oracleFile = z.strictObject({
  schemas: z.record(z.string(), words),
  relations: z.record(
    z.string(),
    z
      .object({ key: words.optional(), rows: expressions })
      .catchall(trial)
      .transform(({ key, rows, ...trials }) => ({ key, rows, trials })),
  ),
  functions: z.record(z.string(), words),
})

/** Reads what the application says. Throws one Fault for all that makes no sense. */
export function readOracle(
  read: (file: string) => string = (file) => readFileSync(join(accessFolder, file), 'utf8'),
): Oracle {
  const faults: string[] = []
  const parse = <T extends z.ZodType>(file: string, schema: T): z.output<T> => {
    const parsed = schema.safeParse(JSON5.parse(read(file)))
    if (parsed.success) return parsed.data
    throw new Fault(
      `migrations/access/${file} makes no sense:`,
      parsed.error.issues.map(({ path, message }) => `${path.join(' › ')}: ${message}`),
    )
  }
  const { actors, groups, rows } = parse('actors.json5', actorsFile)
  const written = parse('oracle.json5', oracleFile)

  const toActors = (names: readonly string[], where: string): string[] =>
    names
      .flatMap((name) => groups[name] ?? [name])
      .filter((name) => {
        if (!Object.hasOwn(actors, name)) faults.push(`${where}: there is no actor or group "${name}"`)
        return Object.hasOwn(actors, name)
      })
  const toTrial = (name: string, given: z.output<typeof trial>, relation: string, sets: object): Trial => {
    const where = `${relation} › ${name}`
    const [, command] = trialName.exec(name) ?? []
    if (!command) faults.push(`${where}: begin with select, insert, update or delete`)
    if ((command === 'insert' || command === 'update') && !given.columns) {
      faults.push(`${where}: say which columns are written`)
    }
    const expected = new Map<string, string>()
    for (const [set, names] of Object.entries(given.sets)) {
      if (set !== 'all' && set !== 'none' && !Object.hasOwn(sets, set)) {
        faults.push(`${where}: there is no row set "${set}"`)
      }
      for (const actor of toActors(names, where)) {
        if (expected.has(actor)) faults.push(`${where}: "${actor}" is named twice`)
        expected.set(actor, set)
      }
    }
    return {
      name,
      command: command as AccessCommand,
      columns: given.columns ?? null,
      values: given.values,
      expected,
    }
  }
  const toRelation = (
    name: string,
    { key, rows: ownRows, trials }: z.output<typeof oracleFile>['relations'][string],
  ) => {
    const all = Object.entries(trials).map(([trialOf, given]) =>
      toTrial(trialOf, given, name, { ...rows, ...ownRows }),
    )
    const used = new Set(all.flatMap(({ expected }) => [...expected.values()]))
    const sets = Object.entries({ ...rows, ...ownRows }).filter(([set]) => used.has(set))
    return { key: key ?? null, rows: Object.fromEntries(sets), trials: all }
  }
  const mapped = <In, Out>(entries: Record<string, In>, to: (name: string, value: In) => Out) =>
    new Map(Object.entries(entries).map(([name, value]) => [name, to(name, value)]))

  const oracle: Oracle = {
    actors: Object.entries(actors).map(([name, actor]) => ({
      name,
      about: actor.about,
      ids: actor.ids,
      ...(actor.token !== undefined && { token: actor.token }),
      ...(actor.role !== undefined && { role: actor.role }),
    })),
    schemas: mapped(written.schemas, (name, names) => toActors(names, name)),
    functions: mapped(written.functions, (name, names) => toActors(names, name)),
    relations: mapped(written.relations, toRelation),
  }
  if (faults.length > 0) throw new Fault('migrations/access/oracle.json5 makes no sense:', faults)
  return oracle
}
