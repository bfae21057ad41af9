import type { ApiOptions } from './apiOptions.ts'
import { type Figures, type Measurement, medianOf } from './measure.ts'
import type { ContenderName } from './servers.ts'

/** Plinth relative to another server under one load; above 1, Plinth is better. */
export type Ratio = {
  server: ContenderName
  workload: string
  connections: number
  /** Requests per second: Plinth's by theirs. */
  perSecond: number
  /** CPU per request of server and Postgres together: theirs by Plinth's. */
  cpu: number
  /** The time that one of a hundred requests exceeds: theirs by Plinth's. */
  p99: number
}

/** The median figures of one server under one load, if it was measured. */
export function figuresOf(
  measurements: Measurement[],
  server: ContenderName,
  workload: string,
  connections: number,
): Figures | undefined {
  const rounds = measurements.filter(
    (one) => one.server === server && one.workload === workload && one.connections === connections,
  )
  return rounds.length > 0 ? medianOf(rounds) : undefined
}

/** Plinth against everybody else; empty when Plinth was not measured. */
export function ratiosOf(
  measurements: Measurement[],
  { connections, workloads, servers }: Pick<ApiOptions, 'connections' | 'workloads' | 'servers'>,
): Ratio[] {
  const ratios: Ratio[] = []
  for (const count of connections) {
    for (const { name: workload } of workloads) {
      const ours = figuresOf(measurements, 'plinth', workload, count)
      for (const server of servers.filter((name) => name !== 'plinth')) {
        const theirs = figuresOf(measurements, server, workload, count)
        if (!ours || !theirs) continue
        ratios.push({
          server,
          workload,
          connections: count,
          perSecond: ours.perSecond / theirs.perSecond,
          cpu: (theirs.serverCpu + theirs.postgresCpu) / (ours.serverCpu + ours.postgresCpu),
          p99: theirs.p99 / ours.p99,
        })
      }
    }
  }
  return ratios
}
