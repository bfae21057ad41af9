import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { withConnection } from '../src/database/connection.ts'
import { makeProgress, type Progress } from '../src/progress.ts'
import { checkAnswers } from './answers.ts'
import { type ApiOptions, parseApiOptions } from './apiOptions.ts'
import { chart } from './chart.ts'
import { type Load, type LoadProcess, type Measurement, startLoadProcess } from './measure.ts'
import { installPeers } from './peers.ts'
import { assertCanMeasure, memoryOf } from './processes.ts'
import { ratiosOf } from './ratios.ts'
import { report } from './report.ts'
import { type RunningServer, startServer } from './servers.ts'
import { raiseShop, shopSizes } from './shopDatabase.ts'
import { untilStopped } from './untilStopped.ts'

/**
 * Servers side by side on one Postgres: the same questions, the same answers, and what each takes for
 * them. Writes api.md and api.svg.
 */
export async function benchApi(args: string[]): Promise<void> {
  const options = parseApiOptions(args)
  assertCanMeasure()
  const progress = makeProgress(process.stderr)

  await untilStopped(async (lifecycle, stopped) => {
    await installPeers(progress, stopped)
    const size = shopSizes[options.size]
    const shop = await progress.step('Postgres with the shop', () => raiseShop(size))
    lifecycle.onClose('Postgres', shop.close)

    const servers: RunningServer[] = []
    for (const name of options.servers) {
      stopped.throwIfAborted()
      const server = await progress.step(name, () => startServer(name, shop))
      lifecycle.onClose(name, server.close)
      servers.push(server)
    }
    const load = startLoadProcess(shop, size)
    lifecycle.onClose('load', load.close)
    stopped.addEventListener('abort', () => void load.close())

    await progress.step('Same answers', async () => {
      for (const workload of options.workloads) await checkAnswers(servers, workload, shop, size)
    })
    await warmUp(options, servers, load, progress)
    const measurements: Measurement[] = []
    for (let round = 1; round <= options.rounds; round++) {
      // What was written is taken away again, so that the last round finds what the first did.
      await withConnection(shop.superuserUrl, (client) =>
        client.query('truncate app_public.reviews, app_public.ratings; checkpoint'),
      )
      measurements.push(...(await measureRound(round, options, servers, load, progress)))
    }

    const memory = servers.map(({ name, pid }) => ({ server: name, ...memoryOf(pid) }))
    const ratios = ratiosOf(measurements, options)
    await mkdir(options.out, { recursive: true })
    const text = await report({ options, postgres: shop.version, measurements, ratios, memory })
    await writeFile(join(options.out, 'api.md'), text)
    await writeFile(join(options.out, 'api.svg'), chart(ratios, options))
    process.stdout.write(text)
  })
}

/** Lets every server compile what it runs often. */
async function warmUp(
  { workloads, seconds }: ApiOptions,
  servers: RunningServer[],
  load: LoadProcess,
  progress: Progress,
): Promise<void> {
  await progress.step('Warming up', async () => {
    const warming: Load = { connections: 16, warmupSeconds: 0, seconds: Math.min(seconds, 2) }
    for (const workload of workloads) {
      for (const server of servers) await load.measure(server, workload, warming)
    }
  })
}

/** Every server has its turn at a load before the next load comes. */
async function measureRound(
  round: number,
  { rounds, connections, workloads, seconds }: ApiOptions,
  servers: RunningServer[],
  load: LoadProcess,
  progress: Progress,
): Promise<Measurement[]> {
  // The order turns from round to round, so that nobody always follows the same neighbour.
  const first = round % servers.length
  const order = [...servers.slice(first), ...servers.slice(0, first)]
  const measurements: Measurement[] = []
  for (const count of connections) {
    for (const workload of workloads) {
      const label = `round ${round} of ${rounds}, ${count} connections, ${workload.name}`
      await progress.step(label, async (note) => {
        const turns: string[] = []
        for (const server of order) {
          const measured = await load.measure(server, workload, {
            connections: count,
            warmupSeconds: Math.min(seconds, 1),
            seconds,
          })
          measurements.push(measured)
          turns.push(`${server.name} ${Math.round(measured.perSecond)}/s`)
        }
        note(turns.join(', '))
      })
    }
  }
  return measurements
}
