import { existsSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { watchButton } from './bell.ts'
import { runController } from './controller.ts'
import { Ended, exitCodes, messageOf } from './ended.ts'
import { enrol } from './enrol.ts'
import { isLine } from './gpiod.ts'
import { readKeys } from './keyboard.ts'
import { makeGpioLock, makeSimulatedLock } from './lock.ts'
import { makeRinging } from './ringing.ts'
import { loadState, saveState } from './stateFile.ts'
import { makeSay } from './terminal.ts'

const usage = `Usage
  node src/main.ts enrol <code>   gets a key for the code that a manager has made
  node src/main.ts run            opens doors, and rings at them

Options, or environment variables
  --url    PLINTH_URL   where the API is              [http://localhost:4000; where it was enrolled]
  --state  DOOR_STATE   file that keeps the key       [door-controller.json]
  --code   DOOR_CODE    for run: enrols first, where there is no such file
  --gpio   DOOR_GPIO    line of the relay, like gpiochip0:17; without one, doors open on the terminal only
  --bell   DOOR_BELL    line of a button that rings, like gpiochip0:27; on a terminal, keys ring too
`

async function main(args: string[], env: NodeJS.ProcessEnv): Promise<void> {
  const { values, positionals } = parse(args)
  if (values.help) return void process.stdout.write(usage)
  const path = values.state ?? env.DOOR_STATE ?? 'door-controller.json'
  const [command, code, ...rest] = positionals
  const say = makeSay(process.stdout)
  const url = values.url ?? env.PLINTH_URL
  const enrolBy = async (given: string) => {
    const state = await enrol(url ?? 'http://localhost:4000', given)
    await saveState(path, state)
    return state
  }

  if (command === 'enrol' && code !== undefined && rest.length === 0) {
    const state = await enrolBy(code)
    say(`Enrolled as device ${state.deviceId}; its key is in ${path}.`)
  } else if (command === 'run' && code === undefined) {
    const line = values.gpio ?? env.DOOR_GPIO
    const button = values.bell ?? env.DOOR_BELL
    for (const given of [line, button])
      if (given !== undefined && !isLine(given))
        throw new Ended(exitCodes.misused, `A GPIO line looks like gpiochip0:17, got "${given}".`)
    const stopping = new AbortController()
    const stop = () => stopping.abort()
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, stop)
    stopWithParent(stop)
    const given = values.code ?? env.DOOR_CODE
    const state = given === undefined || existsSync(path) ? await loadState(path) : await enrolBy(given)
    const lock = line === undefined ? makeSimulatedLock(say) : await makeGpioLock(line, say)
    const hasKeys = process.stdin.isTTY
    const ringing = makeRinging({ say, hasKeys })
    const { signal } = stopping
    if (button !== undefined) await watchButton(button, { press: () => ringing.press(1), say, signal })
    if (hasKeys) readKeys(process.stdin, { press: ringing.press, stop })
    await runController({
      state: { ...state, url: url ?? state.url },
      save: (changed) => saveState(path, changed),
      ...{ lock, ringing, say, signal },
    }).finally(stop)
  } else throw new Ended(exitCodes.misused, `${misuseOf(positionals)}\n\n${usage}`)
}

/** What is wrong with a command line that names no command, another one, or too little or too much for it. */
function misuseOf([command, ...rest]: string[]): string {
  if (command === undefined) return 'Say what to do: enrol, or run.'
  if (command === 'enrol') return `enrol takes one code, got ${rest.length}.`
  if (command === 'run') return `run takes options only, got "${rest.join(' ')}".`
  return `There is no command "${command}".`
}

/** A program that was forked ends with the one that has forked it, however that one ends. */
function stopWithParent(stop: () => void): void {
  process.once('disconnect', stop)
  process.channel?.unref() // or listening would keep it from ending by itself
  if (process.connected === false) stop()
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        url: { type: 'string' },
        state: { type: 'string' },
        code: { type: 'string' },
        gpio: { type: 'string' },
        bell: { type: 'string' },
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
