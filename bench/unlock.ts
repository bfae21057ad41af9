import { mkdtempSync, rmSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeProgress } from '../src/progress.ts'
import { startChild } from './childProcess.ts'
import { makeProjectDatabase, raisePostgres } from './projectDatabase.ts'
import type { ReadFigures, ReadJob } from './reads.ts'
import { urlOf } from './servers.ts'
import { makeUnlockSubject } from './unlockSubject.ts'
import { untilStopped } from './untilStopped.ts'

type Row = [label: string, figures: number[]]

/** What is read meanwhile: a page of the log, with the doors and people in it. */
const query = `{
  doorDecisions(orderBy: DECIDED_AT_DESC, first: 20) {
    nodes { isAllowed reason decidedAt door { name } person { name } }
  }
}`
const connections = 16
const share = 0.8

/**
 * How long a door takes from asking to the grant its controller opens on, and how long whoever lost a right keeps it:
 * with nothing else to do, and beside reads at 80 % of what can be read. Writes unlock.md.
 */
export async function benchUnlock(args: string[]): Promise<void> {
  const unlocks = Number(args[0] ?? 1000)
  const endings = Number(args[1] ?? 40)
  const progress = makeProgress(process.stderr)

  await untilStopped(async (lifecycle, stopped) => {
    const postgres = await progress.step('Postgres', raisePostgres)
    lifecycle.onClose('Postgres', postgres.stop)
    const database = await progress.step('Database', () =>
      makeProjectDatabase(postgres.superuserUrl, 'office'),
    )
    const server = startChild('servers/plinth.ts', {
      OWNER_URL: database.ownerUrl,
      AUTHENTICATOR_URL: database.authenticatorUrl,
    })
    lifecycle.onClose('API', server.close)
    const url = await urlOf(server)
    const folder = mkdtempSync(join(tmpdir(), 'plinth-bench-keys-'))
    lifecycle.onClose('keys', async () => rmSync(folder, { recursive: true }))
    const subject = await progress.step('Controller', () => makeUnlockSubject(database, url, folder))
    lifecycle.onClose('controller', subject.close)
    const reader = startChild('reads.ts')
    lifecycle.onClose('reader', reader.close)
    const reads: ReadJob = { url, token: subject.token, query, connections }

    const repeat = async <T>(label: string, times: number, one: () => Promise<T>): Promise<T[]> =>
      progress.step(label, async () => {
        const seen: T[] = []
        while (seen.length < times) {
          stopped.throwIfAborted()
          seen.push(await one())
          await subject.pause()
        }
        return seen
      })
    const measure = async (when: string): Promise<Row[]> => {
      const times = await repeat(`Unlocks, ${when}`, unlocks, subject.open)
      const revoked = await repeat(`Revocations, ${when}`, endings, subject.revoke)
      const removed = await repeat(`Removals, ${when}`, endings, subject.remove)
      return [
        [`${when}: \`unlockDoor\` → its answer`, times.map(({ answered }) => answered)],
        [`${when}: claim → its answer, as the controller sees it`, times.map(({ claim }) => claim)],
        [`**${when}: \`unlockDoor\` → claim granted**`, times.map(({ granted }) => granted)],
        [`${when}: device revoked → its next request refused`, revoked.map(({ refused }) => refused)],
        [`${when}: device revoked → its socket closed`, revoked.map(({ closed }) => closed)],
        [`${when}: member removed → their next \`unlockDoor\` denied`, removed],
      ]
    }

    await repeat('Warming up', Math.ceil(unlocks / 10), subject.open)
    const idle = await measure('idle')
    const capacity = (await progress.step('What can be read', async () => {
      await reader.ask({ ...reads, seconds: 3 })
      return reader.ask({ ...reads, seconds: 5 })
    })) as ReadFigures
    const loading = reader.ask({ ...reads, perSecond: capacity.perSecond * share })
    loading.catch(() => {}) // it is heard below
    const loaded = await measure('loaded')
    reader.tell('stop')
    const meanwhile = (await loading) as ReadFigures

    const text = report([...idle, ...loaded], capacity, meanwhile)
    await writeFile(join(import.meta.dirname, 'results/unlock.md'), text)
    process.stdout.write(text)
  })
}

function report(rows: Row[], capacity: ReadFigures, meanwhile: ReadFigures): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |\n`
  const cells = ([label, figures]: Row) => {
    const sorted = figures.toSorted((a, b) => a - b)
    const quantile = (part: number) => (sorted[Math.ceil(sorted.length * part) - 1] ?? NaN).toFixed(1)
    return line([label, String(sorted.length), quantile(0.5), quantile(0.99), quantile(1)])
  }
  return `# Opening a door

\`npm run bench -- unlock\`; Node ${process.versions.node}, ${cpus().length} cores that clients, API, Postgres and the controller share. The
controller is \`examples/door-controller\`, in a process of its own with a WebSocket of its own. One unlock at a time, with
pauses of 10 to 50 ms. Times in ms, from the client's sending to the moment named, on one clock; from an answer where
a right was taken away. Each device and member was refused at the first request after that answer.

Loaded is beside ${meanwhile.perSecond.toFixed(0)} reads/s of a page of the log (p50 ${meanwhile.p50.toFixed(1)} ms, p99 ${meanwhile.p99.toFixed(1)} ms), ${((100 * meanwhile.perSecond) / capacity.perSecond).toFixed(0)} % of the ${capacity.perSecond.toFixed(0)}/s that were
answered at ${connections} connections just before. The aims for a grant are a p99 of 50 ms idle and of 150 ms loaded; for whatever follows
the end of a right, 1000 ms.

${line(['', 'times', 'p50', 'p99', 'most'])}${line(['---', '---', '---', '---', '---'])}${rows.map(cells).join('')}`
}
