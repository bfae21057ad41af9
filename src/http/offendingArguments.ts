import { type Column, type RelationRules, relationsOf } from '../../plugins/ConstraintsPlugin.ts'
import type { ErrorCode } from '../errorRegistry.ts'
import { AppError, type DatabaseFault, databaseFault } from '../errors.ts'
import {
  type ArgumentPath,
  type Asked,
  type AskedArguments,
  askedAlong,
  type AskedValue,
} from './askedArguments.ts'

/** What is said of an error beyond its code: which arguments, and what the constraint's comment says. */
export type Offence = { arguments: ArgumentPath[]; comment: string | null }

/**
 * Which arguments an error is about: those that became the columns of the constraint it names; the one
 * that a function named; or the one whose value is quoted, or does not fit its column. Nothing where
 * that is not certain.
 */
export function findOffence(
  error: unknown,
  code: ErrorCode,
  asked: Asked,
  path: readonly (string | number)[],
): Offence {
  const relations = relationsOf(asked.schema)
  const named = error instanceof AppError ? error.argument : undefined
  if (typeof named === 'object') return { arguments: [[...named]], comment: null }
  const fault = databaseFault(error)
  const value = error instanceof AppError ? error.value : undefined
  const columns = named === undefined ? fault && columnsOf(fault, code, relations) : { names: [named] }
  for (const args of askedAlong(asked, path)) {
    const found = columns
      ? byColumns(args, columns, fault, relations)
      : code === 'BAD_USER_INPUT'
        ? byValue(args, fault, value, relations)
        : code === 'NOT_FOUND'
          ? keysIn(args)
          : []
    if (found.length > 0) return { arguments: found, comment: columns?.comment ?? null }
  }
  return { arguments: [], comment: columns?.comment ?? null }
}

type Relations = ReadonlyMap<string, RelationRules>
type Columns = { names: string[]; relation?: string; comment?: string | null }

/** The columns that an error of the database is about, as far as it says or its constraint does. */
function columnsOf(fault: DatabaseFault, code: ErrorCode, relations: Relations): Columns | null {
  const relation = fault.table === undefined ? undefined : `${fault.schema ?? ''}.${fault.table}`
  const constraint = relation ? relations.get(relation)?.constraints.get(fault.constraint ?? '') : undefined
  if (constraint?.target && code === 'STILL_REFERENCED') {
    return { names: constraint.target.columns, relation: constraint.target.relation }
  }
  if (relation && constraint) return { names: constraint.columns, relation, comment: constraint.comment }
  if (fault.column !== undefined) return { names: [fault.column], ...(relation && { relation }) }
  return null
}

function byColumns(
  { values, objects }: AskedArguments,
  { names, relation = '' }: Columns,
  fault: DatabaseFault | null,
  relations: Relations,
): ArgumentPath[] {
  const rules = relations.get(relation)
  const fields = names.map(
    (name) => rules?.columns.find((column) => column.name === name)?.field ?? camelCase(name),
  )
  const isOne = (value: AskedValue) => fields.includes(String(value.path.at(-1)))

  const rows = objects.filter(({ type }) => rules?.inputTypes.includes(type))
  if (rows.length > 0) {
    const given = rows.map((row) => values.filter((value) => isWithin(value.path, row.path) && isOne(value)))
    // Of several rows, Postgres quotes the values of the one at fault.
    const quoted = given.filter((row) =>
      row.every(({ value }) => fault?.detail?.includes(String(value)) === true),
    )
    const guilty = given.length === 1 ? given : quoted
    const paths = guilty.flat().map((value) => value.path)
    if (paths.length > 0 || rows.length > 1) return paths
    const [{ path, fields: known }] = rows as [(typeof rows)[0]]
    return fields.filter((field) => known.includes(field)).map((field) => [...path, field])
  }
  // A function that changes the table: what it calls by the name of the column.
  return values.filter(isOne).map(({ path }) => path)
}

const isWithin = (path: ArgumentPath, outer: ArgumentPath) =>
  path.length === outer.length + 1 && outer.every((step, index) => step === path[index])

/** What a mutation finds its row by: what stands in its input beside what it is to become. */
const keysIn = ({ values }: AskedArguments): ArgumentPath[] =>
  values.map(({ path }) => path).filter((path) => path.length === 2 && path[1] !== 'clientMutationId')

/** The value that a data exception is about. Postgres does not say where it came from, only sometimes what it was. */
function byValue(
  { values, objects }: AskedArguments,
  fault: DatabaseFault | null,
  known: unknown,
  relations: Relations,
): ArgumentPath[] {
  const rulesOf = (type: string | null) =>
    [...relations.values()].find(({ inputTypes }) => type !== null && inputTypes.includes(type))
  const columnOf = ({ inType, path }: AskedValue) =>
    rulesOf(inType)?.columns.find(({ field }) => field === path.findLast((step) => typeof step === 'string'))

  // Domains are named; where null is not in one, a column of it may have been left out.
  const isOfDomain = (column: Column | undefined) =>
    fault?.dataType !== undefined && column?.domain === fault.dataType
  const isNull = fault?.code === '23502'
  const leftOut = objects.flatMap(({ path, type }) =>
    (rulesOf(type)?.columns ?? [])
      .filter((column) => isNull && isOfDomain(column))
      .map(({ field }) => ({ path: [...path, field], value: null, inType: type }))
      .filter(({ path: missing }) => !values.some((value) => String(value.path) === String(missing))),
  )

  const given = values.filter(({ value }) => value !== null && value !== undefined)
  const guesses = [
    given.filter(({ value }) => value === known),
    values.filter((value) => isOfDomain(columnOf(value)) && isNull === (value.value === null)),
    leftOut,
    given.filter(({ value }) => fault?.message.includes(`"${textOf(value)}"`) === true),
    given.filter((value) => !fits(value.value, columnOf(value)?.type ?? '')),
    given.filter(({ path, value }) => path.length === 1 && isNegativePage(fault, path[0], value)),
    given.filter((value) => statesOfType(columnOf(value)?.type ?? '').includes(fault?.code ?? '')),
    fault?.code.startsWith('23') === true ? [] : given,
  ]
  const [only, ...others] = guesses.find((guess) => guess.length > 0) ?? []
  return only && others.length === 0 ? [only.path] : []
}

const isNegativePage = (fault: DatabaseFault | null, name: unknown, value: unknown) =>
  Number(value) < 0 &&
  (fault?.code === '2201W'
    ? name === 'first' || name === 'last'
    : fault?.code === '2201X' && name === 'offset')

/** SQLSTATEs that only values of a type can cause. */
function statesOfType(type: string): readonly string[] {
  if (/^_?(var)?bit/.test(type)) return ['22026']
  return /^_?xml/.test(type) ? ['2200L', '2200M', '2200N', '2200S', '2200T'] : []
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))
/** Whether a value is within the limits of a type, as far as they can be told without Postgres. */
function fits(value: unknown, type: string): boolean {
  const [, name = '', first = '', second = ''] = /^(\w+)(?:\((\d+)(?:,(\d+))?\))?$/.exec(type) ?? []
  const text = textOf(value)
  if (name === 'varchar' || name === 'bpchar') return first === '' || Array.from(text).length <= Number(first)
  const number = Number(text)
  if (name === 'int2') return number >= -32_768 && number <= 32_767
  if (name === 'float4') return Math.abs(number) < 3.402_823_6e38
  if (name === 'numeric' && first !== '') return Math.abs(number) < 10 ** (Number(first) - Number(second))
  return true
}

const camelCase = (name: string) => name.replace(/_+([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
