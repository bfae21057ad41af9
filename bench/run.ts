import { benchStart } from './start.ts'

const benches: Record<string, (args: string[]) => Promise<void>> = { start: benchStart }

const [name = '', ...args] = process.argv.slice(2)
const bench = benches[name]
if (bench) await bench(args)
else {
  process.stderr.write(`Usage: npm run bench -- <${Object.keys(benches).join('|')}>\n`)
  process.exitCode = 2
}
