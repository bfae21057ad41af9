import pg from 'pg'
import { commands, type Trial } from './oracle.ts'
import { findRelation, keyOf, type Relation, type SeededRow, seededRows } from './rows.ts'
import { attempt, type Attempt, type Outcome, type Player, rolesOn, type Stage } from './stage.ts'

const { escapeIdentifier: id, escapeLiteral: literal } = pg

/** The keys of the rows that somebody reached, or what went wrong; null when refused for want of the right. */
export type Reach = readonly string[] | { fault: string } | null

/** By role: "select (name)", "insert (name)", "update (name)", "delete". */
export type Rights = ReadonlyMap<string, ReadonlySet<string>>

/** What was found out about a relation. */
export type MeasuredRelation = {
  /** Those of the oracle, then one for each command that it does not have. */
  trials: readonly Trial[]
  columns: readonly string[]
  rows: readonly SeededRow[]
  rights: Rights
  /** By trial and actor. */
  reached: ReadonlyMap<string, ReadonlyMap<string, Reach>>
}

/** Tries everything that the oracle knows of a relation, as everybody. Null when there is no such relation. */
export async function measureRelation(stage: Stage, name: string): Promise<MeasuredRelation | null> {
  const oracle = stage.oracle.relations.get(name)!
  const relation = await findRelation(stage, name, oracle)
  if (relation === null) return null
  const rows = await seededRows(stage, relation, oracle)
  const rights = await measureRights(stage, relation)
  const trials = [...oracle.trials, ...forbiddenTrials(relation, oracle.trials)]
  const reached = await measureReach(stage, relation, trials, rows, rights)
  return { trials, columns: relation.columns, rows, rights, reached }
}

/** What the oracle does not speak of is nobody's, and that is tried as well. */
function forbiddenTrials({ isTable, writable }: Relation, known: readonly Trial[]): Trial[] {
  return commands
    .filter(
      (command) => (isTable || command === 'select') && known.every((trial) => trial.command !== command),
    )
    .map((command) => ({
      name: command,
      command,
      columns: command === 'insert' || command === 'update' ? writable : null,
      values: {},
      expected: new Map(),
    }))
}

/** What each role was granted, to itself or to everybody. */
async function measureRights(stage: Stage, { name }: Relation): Promise<Rights> {
  const { rows } = await stage.client.query<{ role: string; rights: string[] }>(
    `select role, array(
       select format('%s (%s)', command, attname)
       from pg_attribute cross join unnest('{select, insert, update}'::text[]) as command
       where attrelid = $1::regclass and attnum > 0 and not attisdropped
         and has_column_privilege(role, attrelid, attnum, command)
       union all
       select 'delete' where has_table_privilege(role, $1::regclass, 'delete')
     ) as rights
     from unnest($2::text[]) as role`,
    [name, rolesOn(stage)],
  )
  return new Map(rows.map(({ role, rights }) => [role, new Set(rights)]))
}

/** What a role needs to be granted to carry a trial out. */
export const rightsFor = ({ command, columns }: Trial, all: readonly string[]): string[] =>
  command === 'delete' ? ['delete'] : (columns ?? all).map((column) => `${command} (${column})`)

/** The rows that each actor reaches, by trial and actor. */
async function measureReach(
  stage: Stage,
  relation: Relation,
  trials: readonly Trial[],
  rows: readonly SeededRow[],
  rights: Rights,
): Promise<ReadonlyMap<string, ReadonlyMap<string, Reach>>> {
  const tries = trials.flatMap((trial) =>
    stage.players.map((player) => ({ trial, player, ...toAttempts(relation, rows, trial, player) })),
  )
  const whole = await inGroups(
    stage,
    tries.map(({ atOnce }) => (atOnce ? [atOnce] : [])),
  )
  const isDone = tries.map(
    ({ apart }, index) => apart.length === 0 || whole[index]!.some(({ state }) => state === '00000'),
  )
  const single = await inGroups(
    stage,
    tries.map(({ apart }, index) => (isDone[index] ? [] : apart)),
  )

  const reached = new Map(trials.map(({ name }) => [name, new Map<string, Reach>()]))
  tries.forEach(({ trial, player }, index) => {
    const outcome = whole[index]![0]
    const reach = isDone[index] && outcome ? keysSeen(outcome) : keysOfRows(rows, single[index]!)
    const isGranted = rightsFor(trial, relation.columns).every((right) =>
      rights.get(player.settings.role)!.has(right),
    )
    const isRefused = Array.isArray(reach) && reach.length === 0
    reached.get(trial.name)!.set(player.name, isRefused && !isGranted ? null : reach)
  })
  return reached
}

/** Tries groups of attempts in one trip. */
async function inGroups(stage: Stage, groups: readonly (readonly Attempt[])[]): Promise<Outcome[][]> {
  const outcomes = await attempt(stage.client, groups.flat())
  return groups.map(({ length }) => outcomes.splice(0, length))
}

/**
 * A trial as statements: one for all rows, and one for each row where a fault of one would hide the others.
 * The one for all has no condition, so that Postgres asks the policies for its command alone; with a
 * condition, a row that cannot be seen could not be changed either.
 */
function toAttempts(
  relation: Relation,
  rows: readonly SeededRow[],
  trial: Trial,
  { settings }: Player,
): { atOnce: Attempt | null; apart: Attempt[] } {
  const { name } = relation
  const { command } = trial
  if (command === 'select') {
    const read = `select coalesce(jsonb_agg(${keyOf(relation)}), '[]') from ${name}`
    return { atOnce: { settings, read }, apart: [] }
  }

  const columns = trial.columns ?? []
  const value = (row: SeededRow, column: string) => {
    const text = { ...row.copy, ...row.values[trial.name] }[column]
    return text === null || text === undefined ? 'null' : literal(text)
  }
  if (command === 'insert') {
    const insert = (row: SeededRow) =>
      `insert into ${name} (${columns.map(id).join(', ')}) values (${columns.map((column) => value(row, column)).join(', ')})`
    return { atOnce: null, apart: rows.map((row) => ({ settings, run: insert(row) })) }
  }

  const change = (row: SeededRow) =>
    command === 'delete'
      ? `delete from ${name}`
      : `update ${name} set ${columns.map((column) => `${id(column)} = ${value(row, column)}`).join(', ')}`
  const places = literal(JSON.stringify(rows.map(({ key, place }) => ({ key, place }))))
  const look = `
    select coalesce(jsonb_agg(key), '[]') from jsonb_to_recordset(${places}) as seeded (key text, place text)
    where place not in (select concat(tableoid, ctid) from ${name})`
  return {
    atOnce: relation.isTable && rows[0] ? { settings, run: change(rows[0]), look } : null,
    apart: rows.map((row) => ({
      settings,
      run: `${change(row)} where ${keyOf(relation)} = ${literal(row.key)}`,
    })),
  }
}

/** Refused by a policy, or in a transaction that may only read: an answer, and no fault of the trial. */
const refusals = ['42501', '25006']

const faultOf = (outcomes: readonly Outcome[]) => {
  const found = outcomes.find(({ state }) => state !== '00000' && !refusals.includes(state))
  return found && { fault: `${found.state} ${found.message}` }
}

const keysSeen = (outcome: Outcome): Reach =>
  faultOf([outcome]) ?? (outcome.state === '00000' ? (outcome.seen as string[]).toSorted() : [])

const keysOfRows = (rows: readonly SeededRow[], outcomes: readonly Outcome[]): Reach =>
  faultOf(outcomes) ??
  rows
    .filter((_, index) => outcomes[index]!.count > 0)
    .map(({ key }) => key)
    .toSorted()
