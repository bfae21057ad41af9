import { parseArgs } from 'node:util'
import { runController } from './controller.ts'
import { Ended, exitCodes, messageOf } from './ended.ts'
import { enrol } from './enrol.ts'
import { makeGpioLock, makeSimulatedLock } from './lock.ts'
import { loadState, saveState } from './stateFile.ts'
import { makeSay } from './terminal.ts'

const usage = `Usage
  node src/main.ts enrol <code>   gets a key for the code that a manager has made
  node src/main.ts run            opens doors; each line that it reads, such as Enter, rings the doorbell

Options, or environment variables
  --url    PLINTH_URL   where the API is, for enrol   [http://localhost:4000]
  --state  DOOR_STATE   file that keeps the key       [door-controller.json]
  --gpio   DOOR_GPIO    line of the relay, like gpiochip0:17; without one, doors open on the terminal only
`

async function main(args: string[], env: NodeJS.ProcessEnv): Promise<void> {
  const { values, positionals } = parse(args)
  if (values.help) return void process.stdout.write(usage)
  const path = values.state ?? env.DOOR_STATE ?? 'door-controller.json'
  const [command, code, ...rest] = positionals
  const say = makeSay(process.stdout)

  if (command === 'enrol' && code !== undefined && rest.length === 0) {
    const state = await enrol(values.url ?? env.PLINTH_URL ?? 'http://localhost:4000', code)
    await saveState(path, state)
    say(`Enrolled as device ${state.deviceId}; its key is in ${path}.`)
  } else if (command === 'run' && code === undefined) {
    const line = values.gpio ?? env.DOOR_GPIO
    if (line !== undefined && !/^\w+:\d+$/.test(line))
      throw new Ended(exitCodes.misused, `A GPIO line looks like gpiochip0:17, got "${line}".`)
    const state = await loadState(path)
    const stopping = new AbortController()
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stopping.abort())
    await runController({
      state,
      save: (changed) => saveState(path, changed),
      button: process.stdin,
      lock: line === undefined ? makeSimulatedLock(say) : await makeGpioLock(line, say),
      say,
      signal: stopping.signal,
    })
  } else throw new Ended(exitCodes.misused, usage)
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        url: { type: 'string' },
        state: { type: 'string' },
        gpio: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    })
  } catch (error) {
    throw new Ended(exitCodes.misused, `${messageOf(error)}\n\n${usage}`)
  }
}

await main(process.argv.slice(2), process.env).catch((error: unknown) => {
  process.stderr.write(`${messageOf(error).trimEnd()}\n`)
  process.exitCode = error instanceof Ended ? error.exitCode : exitCodes.failed
})
process.stdin.destroy() // or the program would go on waiting for somebody to ring
