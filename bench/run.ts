import { Fault, messageOf } from '../src/fault.ts'
import { benchApi } from './api.ts'
import { benchMemory } from './memory.ts'
import { benchRealtime } from './realtime.ts'
import { benchStart } from './start.ts'
import { benchUnlock } from './unlock.ts'

const benches: Record<string, (args: string[]) => Promise<void>> = {
  start: benchStart,
  api: benchApi,
  memory: benchMemory,
  realtime: benchRealtime,
  unlock: benchUnlock,
}

const [name = '', ...args] = process.argv.slice(2)
const bench = benches[name]
if (!bench) {
  process.stderr.write(`Usage: npm run bench -- <${Object.keys(benches).join('|')}>\n`)
  process.exit(2)
}
try {
  await bench(args)
} catch (error) {
  const advice = error instanceof Fault ? error.advice : []
  process.stderr.write([`\n${messageOf(error)}`, ...advice.map((line) => `  ${line}`), ''].join('\n'))
  process.exitCode = 1
}
