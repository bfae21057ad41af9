import type { ClientBase } from 'pg'
import type { GraphQLError } from 'postgraphile/graphql'
import { relationsOf, type Target, targetOf } from '../../plugins/ConstraintsPlugin.ts'
import type { CallerSettings } from '../database/callerClient.ts'
import { withConnection } from '../database/connection.ts'
import { toPublicError } from '../errors.ts'
import { type Asked, type AskedArguments, askedAlong } from './askedArguments.ts'
import { thrownIn } from './maskError.ts'

/** Why somebody may not see or change a row. */
export type Explanation = {
  /** As whom the caller acts in the database. */
  role: string
  relation: string
  command: Target['command']
  /** Whether the role has the right at all, on the relation or on a column of it. */
  isGranted: boolean
  /** Whether the row is there, for the owner; null when no row was named. */
  exists: boolean | null
  /** The policies for this role, and whether each holds for the row; null where that cannot be told. */
  policies: { name: string; command: string; expression: string; holds: boolean | null }[]
}

/** Explains what the field that a path leads to was refused; null when there is nothing to explain. */
export type Explain = (
  asked: Asked,
  context: object,
  path: readonly (string | number)[],
  error?: GraphQLError,
) => Promise<Explanation | null>

/**
 * For development alone: looks, as the owner, which grant is missing or which policy does not hold. Takes
 * the caller's settings, but never the caller's role, so that it sees what is hidden.
 */
export function makeExplain(ownerUrl: string): Explain {
  return async (asked, context, path, error) => {
    const [args] = askedAlong(asked, path.slice(0, 1))
    const target = args && targetOf(args.field)
    if (!target || (error && !isRefusal(error))) return null
    const columns = columnsOf(args, target, asked)
    // Null is no wonder where no row was named.
    if (!error && Object.keys(columns).length === 0) return null
    const settings = ('pgSettings' in context ? context.pgSettings : {}) as CallerSettings
    return withConnection(ownerUrl, async (client) => {
      await client.query('begin')
      const role = await actAs(client, settings)
      return await explain(client, role, target, columns)
    }).catch(() => null) // an explanation that fails must not hide what it was to explain
  }
}

function isRefusal(error: GraphQLError): boolean {
  const thrown = thrownIn(error)
  const isNothingFound = error.message.startsWith('No values were deleted')
  return (
    thrown !== undefined &&
    (isNothingFound || ['FORBIDDEN', 'NOT_FOUND'].includes(toPublicError(thrown).code))
  )
}

/** Applies the settings of a caller, all but the role, and answers with that. */
async function actAs(client: ClientBase, settings: CallerSettings): Promise<string> {
  const { rows } = await client.query<{ setting: string; value: string }>(
    settings.tokenHash === undefined
      ? { text: 'select key as setting, value from json_each_text($1)', values: [JSON.stringify(settings)] }
      : {
          text: `select setting, value from app_private.identify(decode(nullif($1, ''), 'hex'))`,
          values: [settings.tokenHash],
        },
  )
  for (const { setting, value } of rows) {
    if (setting !== 'role') await client.query('select set_config($1, $2, true)', [setting, value])
  }
  const role = rows.find(({ setting }) => setting === 'role')?.value
  return role ?? (await client.query<{ role: string }>('select current_user as role')).rows[0]!.role
}

/** What was asked of a relation's columns: the key of a row, or the row that is to be. */
function columnsOf({ values }: AskedArguments, { relation, command }: Target, { schema }: Asked) {
  const rules = relationsOf(schema).get(relation)
  const inRow = (inType: string | null) => inType !== null && rules?.inputTypes.includes(inType) === true
  const found = values
    .filter(({ inType }) => inRow(inType) === (command === 'insert'))
    .map(
      ({ path, value }) => [rules?.columns.find(({ field }) => field === path.at(-1))?.name, value] as const,
    )
  return Object.fromEntries(found.filter(([name]) => name !== undefined)) as Record<string, unknown>
}

type Policy = { name: string; command: string; using: string | null; check: string | null }

async function explain(
  client: ClientBase,
  role: string,
  { relation, command }: Target,
  columns: Record<string, unknown>,
): Promise<Explanation> {
  const [schema = '', name = ''] = relation.split(/\.(.*)/s)
  const quoted = `${client.escapeIdentifier(schema)}.${client.escapeIdentifier(name)}`
  const { rows: granted } = await client.query<{ is: boolean }>(
    `select has_table_privilege($1, $2::regclass, $3)
       or ($3 <> 'delete' and has_any_column_privilege($1, $2::regclass, $3)) as is`,
    [role, quoted, command],
  )
  // To change a row, one has to see it.
  const { rows: policies } = await client.query<Policy>(
    `select polname as name,
       case polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' else 'all' end as command,
       pg_get_expr(polqual, polrelid) as using, pg_get_expr(polwithcheck, polrelid) as check
     from pg_policy
     where polrelid = $1::regclass
       and polcmd = any (array['*', 'r', case $2 when 'insert' then 'a' when 'update' then 'w' when 'delete' then 'd' else 'r' end]::"char"[])
       and (polroles = '{0}' or exists (
         select from unnest(polroles) as member where pg_has_role($3, member, 'usage')
       ))
     order by 1`,
    [quoted, command, role],
  )

  // The row that is there, by its key; or the row that is to be.
  const keys = Object.keys(columns)
  const row =
    command === 'insert'
      ? `jsonb_populate_record(null::${quoted}, $1) as ${client.escapeIdentifier(name)}`
      : `${quoted} where exists (
           select from jsonb_populate_record(null::${quoted}, $1) as asked
           where ${keys.map((key) => `asked.${client.escapeIdentifier(key)} = ${client.escapeIdentifier(name)}.${client.escapeIdentifier(key)}`).join(' and ')}
         )`
  const values = [JSON.stringify(columns)]
  const ask = async (expression: string): Promise<boolean | null> => {
    await client.query('savepoint asked')
    try {
      const { rows } = await client.query<{ is: boolean | null }>(
        `select ${expression} as is from ${row}`,
        values,
      )
      return rows[0]?.is ?? null
    } catch {
      return null // what only the caller could evaluate
    } finally {
      await client.query('rollback to savepoint asked')
    }
  }

  const described = []
  for (const { name: policy, command: of, using, check } of policies) {
    const expression = (command === 'insert' ? check : null) ?? using ?? check ?? 'true'
    // Whoever asks here is not the caller.
    const isAboutRole = /\b(current_user|session_user|current_role|user)\b/i.test(expression)
    const holds = keys.length === 0 || isAboutRole ? null : await ask(`(${expression})`)
    described.push({ name: policy, command: of, expression, holds })
  }
  const exists = command === 'insert' || keys.length === 0 ? null : (await ask('true')) === true
  return { role, relation, command, isGranted: granted[0]!.is, exists, policies: described }
}
