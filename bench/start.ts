import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const root = join(import.meta.dirname, '..')

/**
 * How long a newcomer waits: from starting the process to the first answer to a signed-in query, on a
 * new data folder and then again on the same one. Several rounds; writes bench/results/start.md.
 */
export async function benchStart(args: string[]): Promise<void> {
  const rounds = Number(args[0] ?? 5)
  const fresh: number[] = []
  const second: number[] = []
  for (let round = 1; round <= rounds; round++) {
    const dataDir = await mkdtemp(join(tmpdir(), 'plinth-bench-'))
    try {
      fresh.push(await timeStart(join(dataDir, 'data')))
      second.push(await timeStart(join(dataDir, 'data')))
    } finally {
      await rm(dataDir, { recursive: true, force: true })
    }
    process.stderr.write(`round ${round}: fresh ${fresh.at(-1)} ms, second ${second.at(-1)} ms\n`)
  }

  const row = (name: string, times: number[], aim: number) =>
    `| ${name} | ${median(times)} | ${Math.min(...times)} | ${Math.max(...times)} | ${aim} |\n`
  const report =
    `# Start\n\nMilliseconds from starting the process to the first answer to a signed-in query; ` +
    `${rounds} rounds, Node ${process.versions.node}, ${cpus().length} cores.\n\n` +
    `| start | median | least | most | aim |\n|---|---|---|---|---|\n` +
    row('fresh data folder', fresh, 10_000) +
    row('second, same data', second, 3000)
  await writeFile(join(import.meta.dirname, 'results/start.md'), report)
  process.stdout.write(report)
}

async function timeStart(dataDir: string): Promise<number> {
  const began = performance.now()
  const child = spawn(process.execPath, ['bin/plinth.js', 'start', '--port', '0', '--data-dir', dataDir], {
    cwd: root,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, LOG_LEVEL: 'silent' },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  try {
    const { url, token } = await addressOf(child)
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` },
      body: JSON.stringify({ query: '{ currentPerson { name } offices { nodes { name } } }' }),
    })
    const { data } = (await response.json()) as { data?: { currentPerson?: { name: string } } }
    if (!data?.currentPerson) throw new Error('The first query was not answered as the demo person.')
    return Math.round(performance.now() - began)
  } finally {
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGTERM')
    await ended
  }
}

/** What the start prints for a newcomer to paste. */
async function addressOf(child: ChildProcess): Promise<{ url: string; token: string }> {
  let said = ''
  child.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()))
  for (;;) {
    const url = /curl (\S+)/.exec(said)?.[1]
    const token = /Bearer (\w+)/.exec(said)?.[1]
    if (url && token) return { url, token }
    if (child.exitCode !== null) throw new Error(`The start failed:\n${said}`)
    await sleep(5)
  }
}

const median = (values: number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
