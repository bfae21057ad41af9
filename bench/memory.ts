import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { withConnection, withDatabase } from '../src/database/connection.ts'
import { seedDemo, visitDemo } from '../src/database/demo.ts'
import { messageOf } from '../src/fault.ts'
import { makeProgress } from '../src/progress.ts'
import { foreignSchema } from '../test/support/foreignSchema.ts'
import { startChild } from './childProcess.ts'
import { manyTables } from './manyTables.ts'
import { assertCanMeasure, memoryOf } from './processes.ts'
import { makeProjectDatabase, raisePostgres } from './projectDatabase.ts'
import { urlOf } from './servers.ts'
import { untilStopped } from './untilStopped.ts'

/** A database for the server to serve, and an operation with a place for an alias in it. */
type Subject = {
  name: string
  env: Record<string, string>
  token: string | null
  query(alias: string): string
}

type Sample = { startMs: number; bytes: number[] }

/** How many different operations are asked before each look at the memory. */
const looks = [1, 2000, 8000]

/**
 * What the server alone takes: from starting its process, on a database that runs, to its first answer;
 * and its resident memory then and after many different operations. Writes memory.md.
 */
export async function benchMemory(args: string[]): Promise<void> {
  const rounds = Number(args[0] ?? 3)
  assertCanMeasure()
  const progress = makeProgress(process.stderr)

  await untilStopped(async (lifecycle, stopped) => {
    const server = await progress.step('Postgres', raisePostgres)
    lifecycle.onClose('Postgres', server.stop)
    const subjects = await progress.step('Databases', () => makeSubjects(server.superuserUrl))
    const rows: string[][] = []
    for (const subject of subjects) {
      const samples: Sample[] = []
      for (let round = 1; round <= rounds; round++) {
        const label = `${subject.name}, round ${round} of ${rounds}`
        const sample = await progress
          .step(label, () => measure(subject))
          .catch((error: unknown) => {
            stopped.throwIfAborted()
            progress.line(messageOf(error).slice(-1000)) // a schema that cannot be served is a finding too
          })
        if (!sample) break
        samples.push(sample)
      }
      rows.push([subject.name, ...(samples.length > 0 ? cellsOf(samples) : ['does not start'])])
    }
    const text =
      `# Memory and start of the server\n\n` +
      `\`npm run bench -- memory\`; medians of ${rounds} rounds, Node ${process.versions.node}. The start is from starting the process, on a ` +
      `database that runs, to the first answer. Memory is resident, in MB, after so many different operations.\n\n` +
      `| database | start, ms | ${looks.map((count) => `${count}`).join(' | ')} |\n|---|---|${looks.map(() => '---|').join('')}\n` +
      rows.map((cells) => `| ${cells.join(' | ')} |\n`).join('')
    await writeFile(join(import.meta.dirname, 'results/memory.md'), text)
    process.stdout.write(text)
  })
}

async function makeSubjects(serverUrl: string): Promise<Subject[]> {
  const office = await makeProjectDatabase(serverUrl, 'office')
  await seedDemo(office.ownerUrl)
  const demo = await visitDemo(office.ownerUrl)
  return [
    {
      name: 'the Office',
      env: { OWNER_URL: office.ownerUrl, AUTHENTICATOR_URL: office.authenticatorUrl },
      token: demo?.token ?? null,
      query: (alias) => `{ ${alias}: offices(first: 2) { nodes { name } } }`,
    },
    {
      name: '300 regular tables',
      env: await makeForeign(serverUrl, 'regular', manyTables()),
      token: null,
      query: (alias) => `{ ${alias}: list1s(first: 2) { nodes { code } } }`,
    },
    {
      name: "the tests' foreign schema",
      env: await makeForeign(serverUrl, 'odd', foreignSchema()),
      token: null,
      query: (alias) => `{ ${alias}: shops(first: 2) { nodes { code } } }`,
    },
  ]
}

/** Makes a database that is served as it is, and returns what the server is to be told. */
async function makeForeign(serverUrl: string, name: string, sql: string): Promise<Subject['env']> {
  const url = withDatabase(serverUrl, name)
  await withConnection(serverUrl, (client) => client.query(`create database ${name}`))
  await withConnection(url, (client) => client.query(sql))
  return { OWNER_URL: url, AUTHENTICATOR_URL: url, SCHEMAS: 'public' }
}

async function measure({ env, token, query }: Subject): Promise<Sample> {
  const began = performance.now()
  const child = startChild('servers/plinth.ts', env)
  try {
    const url = await urlOf(child)
    const ask = async (alias: string) => {
      const response = await fetch(`${url}/graphql`, {
        method: 'POST',
        headers: {
          'Content-Type': 'application/json',
          Accept: 'application/json',
          ...(token && { Authorization: `Bearer ${token}` }),
        },
        body: JSON.stringify({ query: query(alias) }),
      })
      const text = await response.text()
      if (response.status !== 200 || text.includes('"errors":['))
        throw new Error(`The server answers: ${text}`)
    }
    await ask('a0')
    const startMs = performance.now() - began

    const bytes: number[] = []
    let asked = 1
    for (const look of looks) {
      for (; asked < look; asked++) await ask(`a${asked}`)
      bytes.push(memoryOf(child.pid).now)
    }
    return { startMs, bytes }
  } finally {
    await child.close()
  }
}

const cellsOf = (samples: Sample[]): string[] => [
  median(samples.map(({ startMs }) => startMs)).toFixed(0),
  ...looks.map((_, index) =>
    (median(samples.map(({ bytes }) => bytes[index] ?? NaN)) / 1024 ** 2).toFixed(0),
  ),
]

const median = (values: number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN
