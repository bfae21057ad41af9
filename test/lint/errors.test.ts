import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { parsePlPgSQL } from 'libpg-query'
import { type ErrorCode, type ErrorEntry, errorRegistry } from '../../src/errorRegistry.ts'
import { errorCode } from '../../src/errors.ts'
import { codeOf } from '../../src/fault.ts'
import { statesOf } from '../../src/postgresErrors.ts'
import { useTransaction } from '../support/database.ts'

const as = useTransaction()

/** A place where a function raises an error, and the SQLSTATE; null where it does not say one in so many words. */
type Raise = { function: string; state: string | null }

// What the parser gives of a `raise`; 21 is the level of an error, 0 the option errcode.
type RaiseStatement = {
  elog_level: number
  condname?: string
  message?: string
  options?: { PLpgSQL_raise_option: { opt_type: number; expr: { PLpgSQL_expr: { query: string } } } }[]
}

/** Every `raise` in a parsed function, however deep. */
function raisesIn(tree: unknown): RaiseStatement[] {
  if (typeof tree !== 'object' || tree === null) return []
  return Object.entries(tree).flatMap(([key, value]) =>
    key === 'PLpgSQL_stmt_raise' ? [value as RaiseStatement] : raisesIn(value),
  )
}

/** The SQLSTATE that Postgres itself makes of a code or of the name of a condition. */
async function stateOf(condition: string): Promise<string | undefined> {
  const raising = as.owner(`do $$ begin raise exception using errcode = '${condition}'; end $$`)
  return raising.then(() => undefined, codeOf)
}

/** Every error that the application's functions raise on their own. */
async function findRaises(): Promise<Raise[]> {
  const functions = await as.owner(
    `select pg_proc.oid::regprocedure::text as name, pg_get_functiondef(pg_proc.oid) as definition
     from pg_proc
     join pg_language on pg_language.oid = prolang and lanname = 'plpgsql'
     where starts_with(pronamespace::regnamespace::text, 'app_') order by 1`,
  )
  const raises: Raise[] = []
  for (const { name, definition } of functions as { name: string; definition: string }[]) {
    for (const { elog_level, condname, message, options = [] } of raisesIn(await parsePlPgSQL(definition))) {
      const passesOn = condname === undefined && message === undefined && options.length === 0
      if (elog_level < 21 || passesOn) continue
      const option = options.find(({ PLpgSQL_raise_option: { opt_type } }) => opt_type === 0)
      const literal = /^'(\w+)'$/.exec(option?.PLpgSQL_raise_option.expr.PLpgSQL_expr.query ?? '')?.[1]
      const condition = option ? literal : condname
      raises.push({ function: name, state: (condition && (await stateOf(condition))) ?? null })
    }
  }
  return raises
}

/** The comments that have a line `Errors:`, and the codes it names. */
async function findDocumented(): Promise<{ object: string; codes: string[] }[]> {
  const comments = await as.owner(
    `select pg_describe_object(classoid, objoid, objsubid) as object,
       classoid = 'pg_proc'::regclass as is_function, objoid::regprocedure::text as name, description
     from pg_description where description ~ 'Errors:'`,
  )
  return (comments as { object: string; is_function: boolean; name: string; description: string }[]).map(
    ({ object, is_function, name, description }) => {
      const line = /Errors:.*/.exec(description)![0]
      const codes = [...line.matchAll(/`([A-Z0-9_]{5,})`/g)].map((match) => match[1]!)
      return { object: is_function ? name : object, codes }
    },
  )
}

const isCode = (code: string) => code !== 'INTERNAL' && Object.hasOwn(errorRegistry, code)
const isKnown = (code: string) => isCode(code) || (code.length === 5 && errorCode(code) !== 'INTERNAL')

/** Our own SQLSTATEs, as opposed to those of the SQL standard and of Postgres. */
const isOwn = (state: string) => /^[A-Z]{5}$/.test(state)
const codes = Object.keys(errorRegistry) as ErrorCode[]
const ownStates = codes.flatMap(statesOf).filter(isOwn)

describe('the errors that SQL raises', () => {
  test('each says its SQLSTATE, and none of them becomes INTERNAL', async () => {
    const raises = await findRaises()

    expect(raises).not.toEqual([])
    expect(raises.filter(({ state }) => state === null || errorCode(state) === 'INTERNAL')).toEqual([])
  })

  test.each([
    [`raise exception using errcode = 'IMMUT', message = 'No.'`, 'IMMUT'],
    [`raise exception 'No.' using hint = 'Try.', errcode = 'invalid_parameter_value'`, '22023'],
    [`if true then raise unique_violation; end if`, '23505'],
    [`begin perform 1; exception when others then raise sqlstate 'ZZZZZ'; end`, 'ZZZZZ'],
    [`raise exception 'No.'`, null],
    [`raise exception using errcode = 'NT' || 'FND'`, null],
  ])('the finder sees: %s', async (statement, state) => {
    await as.owner(
      `create function app_private.fault() returns void language plpgsql as $$ begin ${statement}; end $$`,
    )

    expect(await findRaises()).toContainEqual({ function: 'app_private.fault()', state })
  })

  test.each([`raise notice 'Hello.'`, 'begin perform 1; exception when others then raise; end'])(
    'the finder passes over: %s',
    async (statement) => {
      await as.owner(
        `create function app_private.fault() returns void language plpgsql as $$ begin ${statement}; end $$`,
      )

      const names = (await findRaises()).map((raise) => raise.function)
      expect(names).not.toContain('app_private.fault()')
    },
  )

  test('a function’s comment names each of them', async () => {
    const documented = new Map((await findDocumented()).map(({ object, codes }) => [object, codes]))

    const silent = (await findRaises()).filter(({ function: name, state }) => {
      const codes = documented.get(name) ?? []
      return !codes.some((code) => code === state || code === errorCode(state ?? undefined))
    })
    expect(silent).toEqual([])
  })
})

describe('the lines `Errors:` of comments', () => {
  test('name codes that there are, and at least one', async () => {
    const documented = await findDocumented()

    expect(documented).not.toEqual([])
    expect(documented.filter(({ codes }) => codes.length === 0 || !codes.every(isKnown))).toEqual([])
  })

  test.each([
    ['Errors: `NO_SUCH_CODE`.', false],
    ['Errors: `INTERNAL`.', false],
    ['Errors: `BAD_USER_INPUT` or `ZZZZZ`.', false],
    ['Errors: `NTFND`, `22023`.', true],
  ])('the finder judges %s as %s', async (comment, isFine) => {
    await as.owner(`comment on function app_public.current_person() is E'Who.\\n\\n${comment}'`)

    const [line] = (await findDocumented()).filter(({ object }) => object === 'app_public.current_person()')
    expect(line!.codes.every(isKnown)).toBe(isFine)
  })
})

describe('our own SQLSTATEs', () => {
  test('are such that neither the SQL standard nor Postgres will ever use them', () => {
    // Classes that begin with I to Z are for implementations; Postgres takes those with P and X.
    expect(ownStates.filter((state) => !/^[I-OQ-WYZ]/.test(state))).toEqual([])
  })

  test('are each raised somewhere', async () => {
    const raised = new Set((await findRaises()).map(({ state }) => state))

    expect(ownStates).not.toEqual([])
    expect(ownStates.filter((state) => !raised.has(state))).toEqual([])
  })

  test('stand in docs/errors.md', () => {
    const page = readFileSync(join(import.meta.dirname, '../../docs/errors.md'), 'utf8')

    expect(ownStates.filter((state) => !page.includes(`\`${state}\``))).toEqual([])
  })
})

describe('the codes of the registry', () => {
  /** The sources, without the registry itself. */
  function sources(): string {
    const root = join(import.meta.dirname, '../..')
    const files = ['src', 'plugins', 'worker'].flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((file) =>
        join(root, folder, file),
      ),
    )
    const read = files.filter((file) => file.endsWith('.ts')).map((file) => readFileSync(file, 'utf8'))
    return read.join('\n').replace(/export const errorRegistry = \{[\s\S]*?\n\} as const/, '')
  }

  test('are each given to an error of Postgres, or by the server', () => {
    const text = sources()

    expect(text).not.toContain('UNIQUE_VIOLATION: {') // the registry does not vouch for itself
    expect(codes.filter((code) => !text.includes(`'${code}'`))).toEqual([])
  })

  test('say when they come, what to do, and with which status', () => {
    const entries: [string, ErrorEntry][] = Object.entries(errorRegistry)
    const wanting = entries.filter(
      ([, { status, message, when, advice }]) =>
        status < 200 || status > 599 || [message, when, advice].some((words) => !/^[A-Z].+\.$/s.test(words)),
    )
    expect(wanting).toEqual([])
  })
})
