import { writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { makeProgress } from '../src/progress.ts'
import { startChild } from './childProcess.ts'
import { assertCanMeasure, cpuOfCluster, cpuOfProcess } from './processes.ts'
import { postmasterPid, raisePostgres } from './projectDatabase.ts'
import { audiences, makeOrganization, openSockets, socketCount } from './realtimeAudience.ts'
import { makeSubject, writeCosts } from './realtimeWrites.ts'
import { urlOf } from './servers.ts'
import { untilStopped } from './untilStopped.ts'

/**
 * What it costs to write a table that is recorded, with and without somebody who listens; and how long one
 * event takes to reach two thousand sockets, on what processor time. Writes realtime.md.
 */
export async function benchRealtime(args: string[]): Promise<void> {
  const seconds = Number(args[0] ?? 2)
  const rounds = Number(args[1] ?? 3)
  assertCanMeasure()
  const progress = makeProgress(process.stderr)

  await untilStopped(async (lifecycle, stopped) => {
    const postgres = await progress.step('Postgres', raisePostgres)
    lifecycle.onClose('Postgres', postgres.stop)
    const database = await progress.step('Database', () => makeSubject(postgres.superuserUrl))
    const server = startChild('servers/plinth.ts', {
      OWNER_URL: database.ownerUrl,
      AUTHENTICATOR_URL: database.authenticatorUrl,
      LIMIT_CONNECTIONS_PER_CALLER: String(socketCount * 2),
    })
    lifecycle.onClose('API', server.close)
    const url = await urlOf(server)
    const organization = await makeOrganization(database)

    const writes: string[][] = []
    const measureWrites = async (label: string, table: string) => {
      stopped.throwIfAborted()
      const cells = await progress.step(label, () => writeCosts(database, table, seconds))
      writes.push([label, ...cells])
    }
    await measureWrites('not recorded', 'bench.plain')
    await measureWrites('recorded, nobody listens', 'bench.recorded')
    const one = await openSockets(url, [await organization.token(organization.member)], 'doorChanged')
    await measureWrites('recorded, somebody listens', 'bench.recorded')
    one.close()

    const fans: string[][] = []
    for (const { label, tokens, operation, count } of await audiences(organization)) {
      stopped.throwIfAborted()
      const audience = await progress.step(label, () => openSockets(url, tokens, operation))
      const samples: number[][] = []
      for (let round = 0; round < rounds; round++) {
        const pids = [server.pid, await postmasterPid(postgres.superuserUrl)] as const
        const before = [cpuOfProcess(pids[0]), cpuOfCluster(pids[1])] as const
        const began = performance.now()
        await organization.touch()
        const { first, last } = await audience.told(count)
        await sleep(300) // what does not tell anybody anything ends too
        const after = [cpuOfProcess(pids[0]), cpuOfCluster(pids[1])] as const
        samples.push([
          first - began,
          last - began,
          (after[0] - before[0]) / 1000,
          (after[1] - before[1]) / 1000,
        ])
      }
      audience.close()
      fans.push([label, String(count), ...[0, 1, 2, 3].map((place) => median(samples, place))])
    }

    const text = report(writes, fans, seconds, rounds)
    await writeFile(join(import.meta.dirname, 'results/realtime.md'), text)
    process.stdout.write(text)
  })
}

const median = (samples: readonly (readonly number[])[], place: number) => {
  const sorted = samples.map((sample) => sample[place]!).toSorted((a, b) => a - b)
  return String(Math.round(sorted[Math.floor(sorted.length / 2)]!))
}

const table = (head: readonly string[], rows: readonly (readonly string[])[]) =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')

function report(writes: string[][], fans: string[][], seconds: number, rounds: number): string {
  return `# Realtime

\`npm run bench -- realtime\`; Node ${process.versions.node}, ${cpus().length} cores that clients, API and Postgres share.

## A write to a table

Inserts of one row, ${seconds} seconds each; commits are durable where nothing else is said.

${table(['table', 'alone, median ms', '8 at once, per s', '8 at once, commits not durable, per s', 'in bulk, rows per s'], writes)}

## One event to ${socketCount} sockets

From sending the change to the arrival of the event, with the row and a row that belongs to it; medians of ${rounds}
rounds.

${table(['who listens', 'are told', 'first, ms', 'last, ms', 'CPU of the API, ms', 'CPU of Postgres, ms'], fans)}
`
}
