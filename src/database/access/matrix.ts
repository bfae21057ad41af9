import type { Oracle, RelationOracle, Trial } from './oracle.ts'
import { type MeasuredRelation, measureRelation, type Reach, rightsFor } from './relation.ts'
import { measureFunctions, measureSchemas, otherRights, type Permitted, relationNames } from './rights.ts'
import { rolesOn, type Stage } from './stage.ts'

/** A place where what is differs from what is meant to be, as a sentence of what, who, command, expected, got. */
export type Difference = string

/** A line of the matrix: which rows each actor reaches. */
export type Line = { relation: string; trial: Trial; cells: readonly string[] }

/** What everybody may do, and where that is not what the oracle says. */
export type Matrix = {
  relations: readonly string[]
  lines: readonly Line[]
  schemas: Permitted
  functions: Permitted
  roles: readonly string[]
  differences: readonly Difference[]
}

/** Tries everything as everybody. */
export async function measureMatrix(stage: Stage): Promise<Matrix> {
  const { oracle } = stage
  const differences: Difference[] = []
  const lines: Line[] = []
  const relations = await relationNames(stage)
  for (const name of relations) {
    if (!oracle.relations.has(name)) {
      differences.push(`${name} has no oracle: say who may do what in migrations/access/oracle.json5`)
    }
  }
  for (const name of oracle.relations.keys()) {
    const compared = await compareRelation(stage, name)
    lines.push(...compared.lines)
    differences.push(...compared.differences)
  }
  const schemas = inOrderOf(oracle.schemas, await measureSchemas(stage))
  const functions = inOrderOf(oracle.functions, await measureFunctions(stage))
  differences.push(
    ...comparePermitted(stage, 'schema', oracle.schemas, schemas),
    ...comparePermitted(stage, 'function', oracle.functions, functions),
    ...(await otherRights(stage)).map((right) => `${right}: expected nobody but the owner to have it`),
  )
  return { relations, lines, schemas, functions, roles: rolesOn(stage), differences }
}

/** Tries one relation and compares: its lines of the matrix, where somebody may do something, and its differences. */
export async function compareRelation(
  stage: Stage,
  name: string,
): Promise<Pick<Matrix, 'lines' | 'differences'>> {
  const oracle = stage.oracle.relations.get(name)!
  const measured = await measureRelation(stage, name)
  if (measured === null) {
    return { lines: [], differences: [`${name} has an oracle, and there is no such relation`] }
  }
  const differences = compareRights(stage, name, oracle, measured)
  const lines = measured.trials.map((trial): Line => {
    const cells = stage.players.map((player) => {
      const reach = measured.reached.get(trial.name)!.get(player.name)!
      const expected = expectedSet(stage, trial, player.name)
      const got = nameOf(oracle, measured, player.ids, reach, expected)
      if (got !== expected) {
        differences.push(`${name}, ${player.name}, ${trial.name}: expected ${expected}, got ${got}`)
      } else if (expected !== '–' && expected !== 'none' && Array.isArray(reach) && reach.length === 0) {
        differences.push(
          `${name}, ${player.name}, ${trial.name}: seed.sql has no row that is "${expected}", so nothing is proved`,
        )
      }
      return got
    })
    return { relation: name, trial, cells }
  })
  return { lines: lines.filter(({ cells }) => cells.some((cell) => cell !== '–')), differences }
}

/** Compares who may use or call something, given what has been measured. */
export function comparePermitted(
  stage: Stage,
  kind: 'schema' | 'function',
  expected: Oracle['schemas'],
  measured: Permitted,
): Difference[] {
  const differences = [...expected.keys()]
    .filter((name) => !measured.has(name))
    .map((name) => `${kind} ${name} has an oracle, and there is no such ${kind}`)
  for (const [name, roles] of measured) {
    for (const role of rolesOn(stage)) {
      const isMeant = hasActor(stage, role, expected.get(name) ?? [])
      if (isMeant === roles.includes(role)) continue
      const [meant, found] = isMeant ? ['allowed', 'refused'] : ['refused', 'allowed']
      differences.push(
        `${kind} ${name}, ${role}, ${kind === 'schema' ? 'use' : 'call'}: expected ${meant}, got ${found}`,
      )
    }
  }
  return differences
}

const inOrderOf = (oracle: Oracle['schemas'], measured: Permitted): Permitted =>
  new Map([
    ...[...oracle.keys()].flatMap((name) => [...measured].filter(([other]) => other === name)),
    ...measured,
  ])

/** Whether somebody of a role is among the named: rights are granted to roles, so one speaks for all of it. */
const hasActor = ({ players }: Stage, role: string, names: Iterable<string>) => {
  const listed = new Set(names)
  return players.some(({ name, settings }) => settings.role === role && listed.has(name))
}

function expectedSet(stage: Stage, { expected }: Trial, actor: string): string {
  const { role } = stage.players.find(({ name }) => name === actor)!.settings
  return expected.get(actor) ?? (hasActor(stage, role, expected.keys()) ? 'none' : '–')
}

function compareRights(
  stage: Stage,
  name: string,
  { trials }: RelationOracle,
  { columns, rights }: MeasuredRelation,
): Difference[] {
  return rolesOn(stage).flatMap((role) => {
    const meant = new Set(
      trials
        .filter(({ expected }) => hasActor(stage, role, expected.keys()))
        .flatMap((trial) => rightsFor(trial, columns)),
    )
    const has = rights.get(role)!
    return [
      ...[...meant]
        .filter((right) => !has.has(right))
        .map((right) => `${name}, ${role}, ${right}: expected the right, got none`),
      ...[...has]
        .filter((right) => !meant.has(right))
        .map((right) => `${name}, ${role}, ${right}: expected no right, got it`),
    ]
  })
}

/** The name of the row set that somebody reached: the expected one if it is that, else another, else the rows. */
function nameOf(
  { rows: sets }: RelationOracle,
  { rows }: MeasuredRelation,
  ids: readonly string[],
  reach: Reach,
  expected: string,
): string {
  if (reach === null) return '–'
  if ('fault' in reach) return `an error, ${reach.fault}`
  const isSet = (set: string) => {
    const keys = rows
      .filter((row) => set === 'all' || (set !== 'none' && row.ids[set]?.some((id) => ids.includes(id))))
      .map(({ key }) => key)
    return keys.length === reach.length && keys.toSorted().every((key, index) => key === reach[index])
  }
  return (
    [expected, 'none', 'all', ...Object.keys(sets)].find((set) => set !== '–' && isSet(set)) ??
    `${reach.length} of ${rows.length} rows, such as ${reach[0]}`
  )
}
