import { Fault } from '../src/fault.ts'
import { bodyFor, headersFor, urlFor } from './requests.ts'
import type { RunningServer } from './servers.ts'
import type { ShopDatabase, ShopSize } from './shopDatabase.ts'
import type { Workload } from './workloads.ts'

const samples = 10

/** Asks every server the same and throws a Fault when one answers something else than the first. */
export async function checkAnswers(
  servers: RunningServer[],
  workload: Workload,
  shop: ShopDatabase,
  size: ShopSize,
): Promise<void> {
  for (let n = 0; n < samples; n++) {
    let expected: string | undefined
    for (const server of servers) {
      const answer = await ask(server, workload, shop, size, n)
      expected ??= answer
      if (answer !== expected) {
        throw new Fault(`${server.name} answers ${workload.name} differently.`, [
          `${servers[0]?.name}: ${expected.slice(0, 1000)}`,
          `${server.name}: ${answer.slice(0, 1000)}`,
        ])
      }
    }
  }
}

async function ask(
  server: RunningServer,
  workload: Workload,
  shop: ShopDatabase,
  size: ShopSize,
  n: number,
): Promise<string> {
  const body = bodyFor(server, workload, size, n)
  const response = await fetch(urlFor(server, workload), {
    method: 'POST',
    headers: headersFor(shop.token),
    body,
  })
  const text = await response.text()
  const answer = canonical(JSON.parse(text))
  const isFailure = response.status !== 200 || text.includes('"errors":[')
  if (isFailure || answer === null || (Array.isArray(answer) && answer.length === 0)) {
    throw new Fault(`${server.name} does not answer ${workload.name}.`, [
      `Asked: ${body}`,
      `Status ${response.status}: ${text.slice(0, 1000)}`,
    ])
  }
  return JSON.stringify(answer)
}

/**
 * The same value for the same answer: keys in order, and without the envelopes that GraphQL asks for,
 * such as `data` and `nodes`: an object with one member is that member.
 */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical)
  if (typeof value !== 'object' || value === null) return value
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  if (members.length === 1) return canonical(members[0]?.[1])
  return Object.fromEntries(members.map(([name, member]) => [name, canonical(member)]))
}
