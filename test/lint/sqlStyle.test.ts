import { readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { type Node, parse, type RawStmt, type ScanToken, scan } from 'libpg-query'
import { useTransaction } from '../support/database.ts'

const migrations = join(import.meta.dirname, '../../migrations')
const filesIn = (folder: string) =>
  readdirSync(join(migrations, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.sql'))
    .map((file) => join(folder, file))
    .sort()

const files = ['access', 'committed', 'current', 'demo', 'fixtures'].flatMap(filesIn)
const functionFiles = files.filter((file) => file.startsWith('fixtures/functions/'))
const read = (file: string) => toSql(readFileSync(join(migrations, file), 'utf8'))

/** The SQL that graphile-migrate makes of a file, line by line: its own lines are emptied, roles have names. */
const toSql = (text: string) =>
  text
    .replace(/^--!.*$/gm, '')
    .replace(/:ROLE_([A-Z]+)\b/g, (_, role: string) => `plinth_${role.toLowerCase()}`)

const maxLength = 130

/** What is wrong with the looks of some SQL: the number of a line, and what. */
async function findFaults(sql: string): Promise<string[]> {
  const lines = sql.split('\n')
  const { tokens } = await scan(sql)
  const bytes = Buffer.from(sql)
  // The parser counts bytes.
  const lineOf = (position: number) => bytes.subarray(0, position).toString().split('\n').length
  const linesOf = ({ start, end }: ScanToken) => {
    const [first, last] = [lineOf(start), lineOf(end)]
    return Array.from({ length: last - first + 1 }, (_, index) => first + index)
  }

  // Within a comment or a text, blanks at the start of a line mean something. A body is no text but code.
  const isText = ({ tokenName, text }: ScanToken) =>
    tokenName === 'C_COMMENT' || (tokenName === 'SCONST' && !text.startsWith('$'))
  const continued = new Set(tokens.filter(isText).flatMap((token) => linesOf(token).slice(1)))

  // The text of a `comment on` is one line, however long: it is prose, with its own line breaks.
  const comments = (await statementsOf(sql))
    .filter(({ stmt }) => stmt && 'CommentStmt' in stmt)
    .map(
      ({ stmt_location = 0, stmt_len = bytes.length }) => [stmt_location, stmt_location + stmt_len] as const,
    )
  const prose = new Set(
    tokens
      .filter(({ tokenName }) => tokenName === 'SCONST')
      .filter(({ start }) => comments.some(([from, to]) => start >= from && start < to))
      .flatMap(linesOf),
  )

  return [
    ...lines.flatMap((line, index) => {
      const number = index + 1
      const indent = /^ */.exec(line)![0].length
      return [
        /\t/.test(line) && 'tab',
        /\s$/.test(line) && 'trailing blank',
        indent % 2 === 1 && !continued.has(number) && `indented by ${indent}`,
        line.length > maxLength && !prose.has(number) && `${line.length} characters`,
      ].flatMap((fault) => (fault ? [`${number}: ${fault}`] : []))
    }),
    ...(await findUpperCase(sql)),
  ]
}

const statementsOf = async (sql: string): Promise<RawStmt[]> => (await parse(sql)).stmts ?? []

/** Keywords and bare names that are not in lower case, also in bodies between dollars. */
async function findUpperCase(sql: string, firstLine = 1): Promise<string[]> {
  const bytes = Buffer.from(sql)
  const { tokens } = await scan(sql)
  const found = await Promise.all(
    tokens.map(async ({ start, text, tokenName, keywordKind }) => {
      const line = firstLine + bytes.subarray(0, start).toString().split('\n').length - 1
      const body = /^(\$\w*\$)(.*)\1$/s.exec(text)?.[2]
      if (tokenName === 'SCONST' && body !== undefined) return findUpperCase(body, line)
      const isWord = keywordKind > 0 || (tokenName === 'IDENT' && !text.startsWith('"'))
      return isWord && text !== text.toLowerCase() ? [`${line}: ${text} in upper case`] : []
    }),
  )
  return found.flat()
}

describe.each(files)('migrations/%s', (file) => {
  test('is SQL that Postgres can read', async () => {
    await expect(parse(read(file))).resolves.toBeDefined()
  })

  test('looks as it should', async () => {
    expect(await findFaults(read(file))).toEqual([])
  })
})

describe('the checker of looks', () => {
  test.each([
    ['a keyword in upper case', 'SELECT 1;', ['1: SELECT in upper case']],
    ['a name in upper case', 'select\n  Name from people;', ['2: Name in upper case']],
    [
      'a keyword in a body',
      "do $$\nbegin\n  RAISE notice 'é SELECT';\nend;\n$$;",
      ['3: RAISE in upper case'],
    ],
    [
      'a keyword in a body in a body',
      'do $$\nbegin\n  execute $a$\n    Select 1$a$;\nend;\n$$;',
      ['4: Select in upper case'],
    ],
    ['a tab', 'select\t1;', ['1: tab']],
    ['blanks at the end', 'select 1; \n', ['1: trailing blank']],
    ['a Windows line', 'select 1;\r\n', ['1: trailing blank']],
    ['three blanks', 'select\n   1;', ['2: indented by 3']],
    ['a long line', `select '${'x'.repeat(130)}';`, ['1: 140 characters']],
    [
      'a long remark',
      `comment on table a is 'A.';\n\n-- ${'x'.repeat(130)}\nselect 1;`,
      ['3: 133 characters'],
    ],
  ])('finds %s', async (_, sql, faults) => {
    expect(await findFaults(sql)).toEqual(faults)
  })

  test.each([
    ['upper case in a text, a quoted name or a remark', `select 'A', E'B\\n', "C"; -- D\n/* E */`],
    ['a remark with stars', '/*\n * A remark.\n */\nselect 1;'],
    ['a text of several lines', `select 'a\n   b';`],
    ['a long text of a comment', `comment on table a is\n  '${'x'.repeat(130)}';`],
    ['names of roles', toSql(`--! Message: x\ngrant select on a to :ROLE_PERSON, :ROLE_ANONYMOUS;`)],
  ])('has nothing against %s', async (_, sql) => {
    expect(await findFaults(sql)).toEqual([])
  })
})

/** A name as the parser gives it, in parts. */
const nameOf = (parts: Node[] = []) =>
  parts.map((part) => ('String' in part ? part.String.sval : '')).join('.')
const objectOf = (node: Node | undefined) =>
  node && 'ObjectWithArgs' in node ? nameOf(node.ObjectWithArgs.objname) : ''

/** What a statement makes, grants or comments on; its kind where it does none of that. */
function subjectsOf({ stmt }: RawStmt): string[] {
  if (stmt && 'CreateFunctionStmt' in stmt) return [nameOf(stmt.CreateFunctionStmt.funcname)]
  if (stmt && 'GrantStmt' in stmt) return (stmt.GrantStmt.objects ?? []).map(objectOf)
  if (stmt && 'CommentStmt' in stmt) return [objectOf(stmt.CommentStmt.object)]
  return Object.keys(stmt ?? {})
}

/** The body of the function that a file makes; undefined where its first statement makes none. */
function bodyOf([statement]: RawStmt[]): string | undefined {
  if (!statement?.stmt || !('CreateFunctionStmt' in statement.stmt)) return undefined
  for (const option of statement.stmt.CreateFunctionStmt.options ?? []) {
    if (!('DefElem' in option) || option.DefElem.defname !== 'as') continue
    const { arg } = option.DefElem
    return arg && 'List' in arg ? nameOf(arg.List.items) : undefined
  }
  return undefined
}

/** `app_public.sign_in` for `…/app_public/sign_in.sql`. */
const functionFor = (file: string) => `${basename(dirname(file))}.${basename(file, '.sql')}`

describe('migrations/fixtures/functions', () => {
  test.each(functionFiles)('%s makes the function it is named after, and nothing else', async (file) => {
    const statements = await statementsOf(read(file))

    const made = statements.filter(({ stmt }) => stmt && 'CreateFunctionStmt' in stmt)
    expect(made).toMatchObject([{ stmt: { CreateFunctionStmt: { replace: true } } }])
    expect(new Set(statements.flatMap(subjectsOf))).toEqual(new Set([functionFor(file)]))
    expect(dirname(dirname(file))).toBe('fixtures/functions')
  })
})

describe('the functions of the database', () => {
  const as = useTransaction()

  test('are those of the files, body for body', async () => {
    const rows = await as.owner(
      `select format('%s.%s', pronamespace::regnamespace, proname) as name, prosrc as body
       from pg_proc where starts_with(pronamespace::regnamespace::text, 'app_')`,
    )

    const written = await Promise.all(
      functionFiles.map(async (file) => [functionFor(file), bodyOf(await statementsOf(read(file)))] as const),
    )
    expect(Object.fromEntries(rows.map(({ name, body }) => [name, body]))).toEqual(
      Object.fromEntries(written),
    )
  })
})
