import type { RunningServer } from './servers.ts'
import type { ShopSize } from './shopDatabase.ts'
import type { Workload } from './workloads.ts'

/** Where a server is asked for a workload. */
export const urlFor = (server: RunningServer, workload: Workload): string =>
  server.url + (server.isGraphql ? '/graphql' : workload.path)

/** What every request carries. */
export const headersFor = (token: string): Record<string, string> => ({
  Authorization: `Bearer ${token}`,
  'Content-Type': 'application/json',
  Accept: 'application/json',
})

/** The body of the n-th request. */
export function bodyFor(server: RunningServer, workload: Workload, size: ShopSize, n: number): string {
  const variables = workload.variables(n, size)
  return JSON.stringify(server.isGraphql ? { query: workload.query, variables } : variables)
}
