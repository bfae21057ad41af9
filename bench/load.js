import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { URL } from 'node:url'
import autocannon from 'autocannon'
import { cpuOfCluster, cpuOfProcess } from './processes.ts'

// The process that asks. For each job it is sent, see measure.ts, it keeps a number of connections busy
// and answers what it saw between two moments at which everything was under way.

async function measure({
  url,
  headers,
  bodies,
  connections,
  warmupSeconds,
  seconds,
  serverPid,
  postmasterPid,
}) {
  const { origin, pathname } = new URL(url)
  const requests = bodies.map((body) => ({ method: 'POST', path: pathname, headers, body }))
  const share = Math.ceil(requests.length / connections)
  let begun = 0

  const load = autocannon({
    url: origin,
    connections,
    duration: warmupSeconds + seconds + 30, // ended below
    timeout: 30,
    sampleInt: 100, // it stops at one of these
    setupClient(client) {
      const from = (begun++ * share) % requests.length
      client.setRequests(requests.slice(from, from + share))
    },
    verifyBody: (body) => {
      if (body.includes('"errors":[')) fail(body)
      return true
    },
  })
  let failure
  const fail = (text) => (failure ??= text.slice(0, 500))
  let times
  load.on('response', (_client, status, _bytes, ms) => {
    if (status !== 200) fail(`It answered with status ${status}.`)
    times?.push(ms)
  })
  load.on('reqError', (error) => fail(`A request failed: ${error.message}`))

  const look = () => ({
    at: performance.now(),
    server: cpuOfProcess(serverPid),
    postgres: cpuOfCluster(postmasterPid),
  })
  await sleep(warmupSeconds * 1000)
  times = []
  const before = look()
  await sleep(seconds * 1000)
  const seen = times
  const after = look()
  times = undefined
  load.stop()
  await load

  seen.sort((a, b) => a - b)
  const quantile = (part) => seen[Math.min(seen.length - 1, Math.floor(seen.length * part))]
  return {
    failure: failure ?? (seen.length === 0 ? 'It answered nothing in time.' : undefined),
    perSecond: (seen.length * 1000) / (after.at - before.at),
    p50: quantile(0.5),
    p99: quantile(0.99),
    serverCpu: (after.server - before.server) / seen.length,
    postgresCpu: (after.postgres - before.postgres) / seen.length,
  }
}

process.on('SIGINT', () => {}) // Ctrl-C reaches the parent too, which ends this process in its turn
process.on('disconnect', () => process.exit())
process.on('message', async (job) => process.send(await measure(job)))
