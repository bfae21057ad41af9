import { setTimeout as sleep } from 'node:timers/promises'
import { Fault } from '../src/fault.ts'
import { type Child, startChild } from './childProcess.ts'
import { bodyFor, headersFor, urlFor } from './requests.ts'
import type { ContenderName, RunningServer } from './servers.ts'
import type { ShopDatabase, ShopSize } from './shopDatabase.ts'
import type { Workload } from './workloads.ts'

/** What was seen of one server under one load. Times are per request: p50 and p99 in ms, CPU in µs. */
export type Figures = {
  perSecond: number
  p50: number
  p99: number
  serverCpu: number
  postgresCpu: number
}

/** Of which server and load. */
export type Measurement = Figures & { server: ContenderName; workload: string; connections: number }

export type Load = { connections: number; seconds: number; warmupSeconds: number }

/** Puts load on servers, from a process of its own. */
export type LoadProcess = {
  measure(server: RunningServer, workload: Workload, load: Load): Promise<Measurement>
  close(): Promise<void>
}

// Enough different requests that no cache can help, few enough to be made beforehand.
const distinctRequests = 2048

/** Starts the process that asks. */
export function startLoadProcess(shop: ShopDatabase, size: ShopSize): LoadProcess {
  const child: Child = startChild('load.js')
  return {
    async measure(server, workload, load) {
      const { failure, ...figures } = (await child.ask({
        ...load,
        url: urlFor(server, workload),
        headers: headersFor(shop.token),
        bodies: Array.from({ length: distinctRequests }, (_, n) => bodyFor(server, workload, size, n)),
        serverPid: server.pid,
        postmasterPid: shop.postmasterPid,
      })) as Figures & { failure?: string }
      if (failure !== undefined) {
        throw new Fault(`${server.name} failed at ${workload.name} with ${load.connections} connections.`, [
          failure,
        ])
      }
      await sleep(200) // what was under way when the connections were cut ends before the next one's turn
      return { ...figures, server: server.name, workload: workload.name, connections: load.connections }
    },
    close: child.close,
  }
}

/** Of several rounds, the middle one for every figure on its own. */
export function medianOf(measurements: Measurement[]): Figures {
  const middle = (figure: keyof Figures) => {
    const sorted = measurements.map((measurement) => measurement[figure]).sort((a, b) => a - b)
    const half = sorted.length / 2
    return ((sorted[Math.ceil(half) - 1] ?? NaN) + (sorted[Math.floor(half)] ?? NaN)) / 2
  }
  return {
    perSecond: middle('perSecond'),
    p50: middle('p50'),
    p99: middle('p99'),
    serverCpu: middle('serverCpu'),
    postgresCpu: middle('postgresCpu'),
  }
}
