import { readFile } from 'node:fs/promises'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import type { ApiOptions } from './apiOptions.ts'
import type { Measurement } from './measure.ts'
import { figuresOf, type Ratio } from './ratios.ts'
import { contenders } from './servers.ts'
import { postgresSettings } from './projectDatabase.ts'
import { shopSizes } from './shopDatabase.ts'

/** What there is to report. */
export type Results = {
  options: ApiOptions
  /** Version of Postgres. */
  postgres: string
  measurements: Measurement[]
  ratios: Ratio[]
  /** In bytes, when all was over. */
  memory: { server: keyof typeof contenders; now: number; peak: number }[]
}

/** The results as a page: ratios first, then what they are made of, then on what all of it ran. */
export async function report(results: Results): Promise<string> {
  const { options, measurements, ratios, memory, postgres } = results
  const others = options.servers.filter((name) => name !== 'plinth')
  const lines = [
    '# The API, side by side',
    '',
    `\`npm run bench -- api\`; ${options.rounds} rounds of ${options.seconds} s for each figure, medians. Above 1, Plinth is better:`,
    "requests/s are Plinth's by theirs; CPU (server and Postgres together, per request) and p99 theirs by Plinth's.",
    '',
    ...others.map((name) => `- **${name}**: ${contenders[name].about}`),
    '',
    '![Requests per second, Plinth relative to the others](api.svg)',
  ]

  for (const connections of ratios.length > 0 ? options.connections : []) {
    const header = others.flatMap((name) => [`${name}: requests/s`, 'CPU', 'p99'])
    lines.push('', `## ${connections} connection${connections === 1 ? '' : 's'}`, '')
    lines.push(
      ...table(
        ['workload', ...header],
        options.workloads.map(({ name: workload }) => [
          workload,
          ...others.flatMap((server) => {
            const ratio = ratios.find(
              (one) => one.server === server && one.workload === workload && one.connections === connections,
            )
            return ratio
              ? [ratio.perSecond, ratio.cpu, ratio.p99].map((value) => value.toFixed(2))
              : ['', '', '']
          }),
        ]),
      ),
    )
  }

  lines.push('', '## Figures', '', 'CPU in µs per request.', '')
  const rows = options.workloads.flatMap(({ name: workload }) =>
    options.connections.flatMap((connections) =>
      options.servers.flatMap((server) => {
        const figures = figuresOf(measurements, server, workload, connections)
        if (!figures) return []
        const { perSecond, p50, p99, serverCpu, postgresCpu } = figures
        const whole = [perSecond, serverCpu, postgresCpu].map((value) => value.toFixed(0))
        const [rate = '', node = '', database = ''] = whole
        return [[workload, String(connections), server, rate, p50.toFixed(2), p99.toFixed(2), node, database]]
      }),
    ),
  )
  lines.push(
    ...table(
      ['workload', 'connections', 'server', 'requests/s', 'p50 ms', 'p99 ms', 'server CPU', 'Postgres CPU'],
      rows,
    ),
  )

  const megabytes = (bytes: number) => (bytes / 1024 / 1024).toFixed(0)
  lines.push('', '## Memory', '', 'Of the server process at the end of everything above.', '')
  lines.push(
    ...table(
      ['server', 'resident MB', 'at most'],
      memory.map(({ server, now, peak }) => [server, megabytes(now), megabytes(peak)]),
    ),
  )

  lines.push(
    '',
    '## What was asked',
    '',
    ...options.workloads.map(({ name, about }) => `- **${name}**: ${about}`),
  )
  lines.push('', '## On what', '', ...(await ground(options, postgres)), '')
  return lines.join('\n')
}

async function ground({ size }: ApiOptions, postgres: string): Promise<string[]> {
  const versions = { ...(await locked('../package-lock.json')), ...(await locked('package-lock.json')) }
  const named = ['postgraphile', 'express', 'pg', 'graphql-yoga', '@pothos/core', 'drizzle-orm', 'autocannon']
  const { albums, tracks, documents } = shopSizes[size]
  const settings = Object.entries(postgresSettings).map(([name, value]) => `${name} ${value}`)
  return [
    `- ${cpus()[0]?.model.trim() ?? 'A processor'}, ${cpus().length} cores for the servers, Postgres and the load together, ${Math.round(totalmem() / 1024 ** 3)} GB`,
    `- Node ${process.versions.node}; ${named.map((name) => `${name} ${versions[name] ?? '?'}`).join(', ')}`,
    `- Postgres ${postgres} over TCP on this machine, commits durable; ${settings.join(', ')}`,
    `- size ${size}: ${albums} albums, ${tracks} tracks, ${documents} documents of ${albums / 10} organizations; policies on every table`,
    '- every server: one process, 20 connections to Postgres, `NODE_ENV=production`, logging off; the same token on each request',
    '- no REST server that is made from a schema: PostgREST is neither on npm nor in Debian',
  ]
}

async function locked(file: string): Promise<Record<string, string>> {
  const lock = JSON.parse(await readFile(join(import.meta.dirname, file), 'utf8')) as {
    packages: Record<string, { version?: string }>
  }
  return Object.fromEntries(
    Object.entries(lock.packages)
      .filter(([path]) => path.lastIndexOf('node_modules/') === 0)
      .map(([path, { version }]) => [path.slice('node_modules/'.length), version ?? '?']),
  )
}

function table(header: string[], rows: string[][]): string[] {
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`
  return [line(header), line(header.map(() => '---')), ...rows.map(line)]
}
