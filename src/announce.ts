import type { Config } from './config.ts'
import type { Listener } from './http/listen.ts'
import { mailboxFolder } from './mailer.ts'
import type { Progress } from './progress.ts'
import type { Running } from './server.ts'

/** The address to type for a server that listens. */
export const urlOf = (config: Config, { port }: Listener): string =>
  `http://${config.host === '127.0.0.1' ? 'localhost' : config.host}:${port}`

/** Tells the person at the terminal where everything is, and what to paste to see it work. */
export function announce(
  config: Config,
  { listener, database, demo, hasWorker }: Running,
  progress: Progress,
): void {
  const url = listener && urlOf(config, listener)
  const rows: [string, string][] = []
  if (url && config.mode === 'development') rows.push(['GraphiQL', `${url}/`])
  if (url) rows.push(['API', `${url}/graphql`])
  if (hasWorker && !config.smtpUrl) rows.push(['Mailbox', mailboxFolder(config)])
  if (database.isEmbedded)
    rows.push(['Data', `${config.dataDir} (npx plinth db url: the address of its Postgres)`])
  if (demo) rows.push(['Sign in', demo.signIn])

  progress.line()
  for (const [label, value] of rows) progress.line(`  ${label.padEnd(9)} ${value}`)
  if (url && demo) {
    const body = JSON.stringify({ query: demo.example })
    progress.line('\n  Try it:')
    progress.line(`  curl ${url}/graphql -H 'Content-Type: application/json' \\`)
    progress.line(`    -H 'Authorization: Bearer ${demo.token}' \\`)
    progress.line(`    -d '${body}'`)
  }
  progress.line('\n  Ctrl-C stops everything.\n')
}
