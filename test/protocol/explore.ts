import { parseArgs } from 'node:util'
import { makeRandom } from '../support/random.ts'
import { allGuards, type Guard, guards, redundant, without } from './model/guards.ts'
import { exploreAll, findSimplestTrace, told, walk } from './model/search.ts'
import { far, near, troubled } from './model/world.ts'

// Looks at the model of the unlock protocol, and says what it saw; `--help` says how.

const { values } = parseArgs({
  options: {
    without: { type: 'string' },
    faults: { type: 'string', default: String(near.faults) },
    changes: { type: 'string', default: String(near.changes) },
    walks: { type: 'string', default: '20000' },
    seed: { type: 'string', default: '1' },
    help: { type: 'boolean', short: 'h' },
  },
})
const trouble = { faults: Number(values.faults), changes: Number(values.changes) }

if (values.help) help()
else if (values.without === undefined) exploreAndWalk()
else (values.without === 'all' ? Object.keys(guards) : [values.without]).forEach(showWithout)

function help(): void {
  say('node test/protocol/explore.ts [--faults n] [--changes n] [--walks n] [--seed n]')
  say('  every history with so many faults and changes of rights, and random ones with more')
  say('node test/protocol/explore.ts --without <guard|all>')
  say('  what goes wrong without a guard, as the shortest history\n\nGuards')
  for (const [name, says] of Object.entries(guards)) say(`  ${name.padEnd(20)}${says}`)
}

function exploreAndWalk(): void {
  const [seen, took] = timed(() => exploreAll(troubled(allGuards, trouble)))
  say(`${count(seen.histories)} histories of up to ${seen.depth} steps, none bad (${took})`)
  say(`  ${count(seen.states)} states, ${count(seen.steps)} steps between them`)

  const random = makeRandom(Number(values.seed))
  const world = troubled(allGuards, far)
  const [walks, walked] = timed(() => Array.from({ length: Number(values.walks) }, () => walk(world, random)))
  const bad = walks.find((one) => 'broken' in one)
  if (bad) {
    say(`One of them at random is bad:\n${told(bad)}`)
    process.exitCode = 1
    return
  }
  const whole = walks.filter((one) => 'end' in one)
  const opened = whole.filter(({ end }) => end.openings > 0)
  const longest = Math.max(...whole.map(({ length }) => length))
  say(`${count(whole.length)} at random of up to ${longest} steps, none bad (${walked})`)
  say(`  the lock was opened in ${count(opened.length)} of them`)
}

function showWithout(name: string): void {
  if (!isGuard(name)) {
    say(`There is no guard "${name}". See --help.`)
    process.exitCode = 2
    return
  }
  const [trace, took] = timed(() => findSimplestTrace(troubled(without(name), trouble)))
  say(`\nWithout ${name}: "${guards[name]}" (${took})`)
  say(trace ? told(trace) : `  nothing goes wrong. ${redundant[name] ?? ''}`)
}

function isGuard(name: string): name is Guard {
  return Object.hasOwn(guards, name)
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

function count(number: number | bigint): string {
  return number.toLocaleString('en')
}

function timed<T>(run: () => T): [T, string] {
  const began = performance.now()
  const result = run()
  return [result, `${((performance.now() - began) / 1000).toFixed(1)} s`]
}
