import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { Fault } from '../src/fault.ts'
import { type ContenderName, contenders } from './servers.ts'
import { shopSizes } from './shopDatabase.ts'
import { type Workload, workloads } from './workloads.ts'

/** What is compared, and how long. */
export type ApiOptions = {
  size: keyof typeof shopSizes
  connections: number[]
  /** Of each measurement, after a second of warming up. */
  seconds: number
  rounds: number
  servers: ContenderName[]
  workloads: Workload[]
  /** Folder for the results. */
  out: string
}

/** Reads the flags. Throws a Fault on anything that is not one. */
export function parseApiOptions(args: string[]): ApiOptions {
  const { values } = parseArgs({
    args,
    options: {
      size: { type: 'string', default: 'full' },
      connections: { type: 'string', default: '1,16,128' },
      seconds: { type: 'string', default: '3' },
      rounds: { type: 'string', default: '3' },
      servers: { type: 'string', default: Object.keys(contenders).join() },
      workloads: { type: 'string', default: workloads.map(({ name }) => name).join() },
      out: { type: 'string', default: join(import.meta.dirname, 'results') },
    },
  })
  const servers = several('servers', values.servers, Object.keys(contenders) as ContenderName[])
  const names = several(
    'workloads',
    values.workloads,
    workloads.map(({ name }) => name),
  )
  return {
    size: several('size', values.size, Object.keys(shopSizes) as (keyof typeof shopSizes)[])[0] ?? 'full',
    connections: values.connections.split(',').map((text) => positive('connections', text)),
    seconds: positive('seconds', values.seconds),
    rounds: Math.ceil(positive('rounds', values.rounds)),
    servers,
    workloads: workloads.filter(({ name }) => names.includes(name)),
    out: resolve(values.out),
  }
}

function several<Name extends string>(flag: string, text: string, known: Name[]): Name[] {
  const isKnown = (name: string): name is Name => (known as string[]).includes(name)
  return text.split(',').map((name) => {
    if (!isKnown(name))
      throw new Fault(`--${flag}: expected ${known.join(', ')}, got ${JSON.stringify(name)}.`)
    return name
  })
}

function positive(flag: string, text: string): number {
  const number = Number(text)
  if (!(number > 0)) throw new Fault(`--${flag}: expected a number above 0, got ${JSON.stringify(text)}.`)
  return number
}
