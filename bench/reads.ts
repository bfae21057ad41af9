import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

/** What to ask, and how hard. */
export type ReadJob = {
  url: string
  token: string
  query: string
  /** So many at a time, each as soon as the one before is answered. */
  connections: number
  /** At most so many a second; without, as many as are answered. */
  perSecond?: number
  /** For so long; without, until the next message. */
  seconds?: number
}

/** How many were answered a second, and how long they took, in ms. */
export type ReadFigures = { perSecond: number; p50: number; p99: number }

const agent = new Agent({ keepAlive: true })

function read({ url, token, query }: ReadJob): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json',
    }
    const asked = request(`${url}/graphql`, { method: 'POST', agent, headers }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (part: string) => (text += part))
      response.on('end', () => {
        if (response.statusCode === 200 && !text.includes('"errors":[')) resolve()
        else reject(new Error(`A read was answered with ${response.statusCode}: ${text.slice(0, 300)}`))
      })
    })
    asked.on('error', reject)
    asked.end(JSON.stringify({ query }))
  })
}

async function keepReading(job: ReadJob, isOver: () => boolean): Promise<ReadFigures> {
  const { connections, perSecond = Infinity } = job
  const took: number[] = []
  const began = performance.now()
  let begun = 0
  const one = async () => {
    while (!isOver()) {
      const dueAt = began + (begun++ * 1000) / perSecond
      const waitMs = dueAt - performance.now()
      if (waitMs > 1) await sleep(waitMs)
      const sentAt = performance.now()
      await read(job)
      took.push(performance.now() - sentAt)
    }
  }
  await Promise.all(Array.from({ length: connections }, one))
  const seconds = (performance.now() - began) / 1000
  const sorted = took.toSorted((a, b) => a - b)
  const quantile = (part: number) => sorted[Math.floor((sorted.length - 1) * part)] ?? NaN
  return { perSecond: sorted.length / seconds, p50: quantile(0.5), p99: quantile(0.99) }
}

// The process that reads. It answers each job with what it saw, once that is over.
let stop = () => {}
process.on('SIGINT', () => {}) // Ctrl-C reaches the parent too, which ends this process in its turn
process.on('disconnect', () => process.exit())
process.on('message', (message: ReadJob | 'stop') => {
  if (message === 'stop') return stop()
  let isOver = false
  stop = () => (isOver = true)
  if (message.seconds !== undefined) setTimeout(stop, message.seconds * 1000)
  keepReading(message, () => isOver).then(
    (figures) => process.send?.(figures),
    (error: unknown) => {
      process.stderr.write(String(error))
      process.exit(1)
    },
  )
})
